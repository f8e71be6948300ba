import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as mlx from "mlx-js";
import * as options from "mlx-js/options";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-peer-"));
afterAll(() => rmSync(folder, { recursive: true }));

const names = Object.keys({ ...mlx, ...options }).filter((name) => name !== "default");

/** Installs this package beside an mlx-js of a version that has nothing but names. */
function beside(version: string): string {
  const modules = join(folder, version, "node_modules");
  mkdirSync(join(modules, "mlx-js"), { recursive: true });
  const exports = {
    ".": "./index.cjs",
    "./options": "./index.cjs",
    "./package.json": "./package.json",
  };
  const manifest = { name: "mlx-js", version, exports };
  writeFileSync(join(modules, "mlx-js", "package.json"), JSON.stringify(manifest));
  writeFileSync(
    join(modules, "mlx-js", "index.cjs"),
    `${names.map((name) => `exports.${name} = `).join("")}0; throw new Error("mlx-js was loaded");`,
  );
  symlinkSync(join(root, "node_modules", "@huggingface"), join(modules, "@huggingface"));
  for (const part of ["dist", "package.json"]) {
    cpSync(join(root, "packages", "lm", part), join(modules, "mlx-js-lm", part), {
      recursive: true,
    });
  }
  return join(modules, "mlx-js-lm", "dist");
}

test("an mlx-js of another version is refused before it is loaded", () => {
  const dist = beside("0.0.1");
  for (const entry of ["index.js", "cli.js"]) {
    const { stderr } = spawnSync(process.execPath, [join(dist, entry)], { encoding: "utf8" });
    expect(stderr).toMatch(
      /mlx-js-lm ([\d.]+) needs mlx-js of the same version, and beside it is 0\.0\.1: npm install mlx-js@\1/,
    );
    expect(stderr).toContain("ERR_MLX_LM_VERSION");
    expect(stderr).not.toContain("mlx-js was loaded");
  }
});
