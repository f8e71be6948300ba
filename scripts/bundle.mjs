// Writes dist/mlx.js, the package in one file: reading eighty takes longer than
// loading MLX. Beside it, small modules name what is in it, for `import` and for
// `require`: there is one implementation, so that both see the same arrays.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

const bundle = await rolldown({
  input: join(root, "lib", "bundle.ts"),
  platform: "node",
  external: [/^[^./]/],
});
await bundle.write({
  file: join(dist, "mlx.js"),
  format: "cjs",
  comments: false,
  sourcemap: true,
});

/** @type {Record<string, object>} */
const parts = require(join(dist, "mlx.js"));

/**
 * Node learns the names of a CommonJS module from its text, not by running it.
 *
 * @param {string} folder
 * @param {string} code
 * @param {string[]} names
 * @param {{ code: string, types: string }} [byDefault]
 */
function write(folder, code, names, byDefault = { code: "", types: "" }) {
  mkdirSync(join(dist, folder), { recursive: true });
  const path = (/** @type {string} */ extension) => join(dist, folder, `index.${extension}`);
  writeFileSync(path("js"), `"use strict";\n${code}`);
  const list = names.map((name) => `  ${name},\n`).join("");
  writeFileSync(path("mjs"), `export {\n${list}} from "./index.js";\n${byDefault.code}`);
  writeFileSync(path("d.mts"), `export * from "./index.js";\n${byDefault.types}`);
}

for (const [part, module] of Object.entries(parts)) {
  const names = Object.keys(module);
  const hint = `0 && (${names.map((name) => `exports.${name} = `).join("")}0);\n`;
  write(part, `module.exports = require("../mlx.js").${part};\n${hint}`, names);
}

write(
  "",
  `Object.defineProperty(exports, "__esModule", { value: true });
const { core, nn, optimizers, utils } = require("./mlx.js");
exports.mx = core;
exports.nn = nn;
exports.optim = optimizers;
exports.utils = utils;
exports.default = { core, nn, optimizers, utils };
`,
  ["mx", "nn", "optim", "utils"],
  {
    code: `import module from "./index.js";
// Node and bundlers give all exports as the default one, Bun their \`default\`.
export default module.default ?? module;
`,
    types: `declare const all: typeof import("./index.js").default;
export default all;
`,
  },
);
