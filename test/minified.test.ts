// The package in a program that a bundler has made small, with names of one letter.
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runScript } from "./support/process.js";

const root = join(__dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "mlx-js-minified-"));
// It finds the build from where dist/addon.js is.
const file = join(folder, "dist", "addon.js");

beforeAll(async () => {
  for (const name of ["build", "package.json"]) {
    symlinkSync(join(root, name), join(folder, name));
  }
  const input = join(root, "dist", "index.js");
  const bundler = await rolldown({ input, platform: "node", external: [/^[^./]/] });
  await bundler.write({ file, format: "cjs", minify: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("texts and errors of layers and optimizers have their names", async () => {
  const { stdout, stderr } = await runScript(`
    const { nn, optim } = require(${JSON.stringify(file)});
    class Own extends optim.Adam {}
    console.log(String(new nn.Linear(2, 1)));
    for (const type of [optim.SGD, optim.MultiOptimizer, Own]) {
      const optimizer = new type(type === optim.MultiOptimizer ? [new optim.SGD(0.1)] : 0.1);
      try {
        optimizer.update({}, {});
      } catch (error) {
        console.log(error.message);
      }
    }
  `);
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n")).toEqual([
    "Linear(inputDims=2, outputDims=1, bias=true)",
    "[SGD] model: expected an nn.Module, received {}",
    "[MultiOptimizer] model: expected an nn.Module, received {}",
    "[Own] model: expected an nn.Module, received {}",
  ]);
});
