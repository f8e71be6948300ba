// What comes when it is first used. Each test has a process of its own.
import { expect, test } from "vitest";
import { runScript } from "./support/process.js";

/** What a program prints that has `parts()`, the files of parts that are loaded. */
async function printed(program: string): Promise<string[]> {
  const { stdout, stderr } = await runScript(`
    const { basename, dirname } = require("node:path");
    const parts = () => Object.keys(require.cache)
      .filter((file) => basename(dirname(file)) === "parts")
      .map((file) => basename(file, ".js")).sort().join(" ");
    const { mx, nn, optim } = require("mlx-js");
    ${program}`);
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}

test("a program loads the parts that it uses", async () => {
  const lines = await printed(`
    console.log("none", parts());
    mx.add(1, 2).item();
    console.log("none", Object.keys(nn).includes("Linear"), "Linear" in nn, parts());
    new nn.Linear(2, 2);
    console.log("layers", parts());
    new optim.SGD(0.1);
    console.log("optimizers", parts());
    mx.save({ write() {} }, mx.array(1));
    console.log("files", parts());
    console.log(mx.save.name, mx.save.length, mx.load.length);`);
  expect(lines).toEqual([
    "none ",
    "none true true ",
    "layers nn",
    "optimizers nn optimizers",
    "files files nn optimizers",
    "save 2 2",
  ]);
});

test.each([
  ["read", "nn.relu"],
  ["taken apart", "({ relu } = nn)"],
  ["spread", "({ ...nn })"],
  ["printed", 'require("node:util").inspect(nn)'],
  ["made a list", "Object.values(nn)"],
])("%s, it is an object as any other", async (_, use) => {
  const lines = await printed(`
    let relu;
    const names = Object.keys(nn).join();
    ${use};
    const { value, ...flags } = Object.getOwnPropertyDescriptor(nn, "relu");
    console.log(value.name, JSON.stringify(flags), Object.getOwnPropertySymbols(nn).length);
    console.log(names === Object.keys(nn).join());
    console.log(Object.values(Object.getOwnPropertyDescriptors(nn)).every((x) => "value" in x));
    console.log(/relu: \\[Function: relu\\]/.test(require("node:util").inspect(nn)));`);
  const flags = '{"writable":true,"enumerable":true,"configurable":true}';
  expect(lines).toEqual([`relu ${flags} 0`, "true", "true", "true"]);
});

test("what is put in the place of something before it comes stays", async () => {
  const lines = await printed(`
    nn.relu = "mine";
    delete nn.tanh;
    Object.defineProperty(nn, "silu", { get: () => "a getter", configurable: true });
    console.log(nn.relu, "tanh" in nn, nn.silu, parts());
    console.log(nn.gelu.name, nn.relu, "tanh" in nn, nn.silu, parts());`);
  expect(lines).toEqual(["mine false a getter ", "gelu mine false a getter nn"]);
});

test("it comes into an object that is frozen", async () => {
  const lines = await printed(`
    Object.freeze(nn);
    console.log(new nn.Linear(2, 1) instanceof nn.Module, nn.relu === nn.relu);
    console.log(String(nn.losses.mseLoss.name));`);
  expect(lines).toEqual(["true true", "mseLoss"]);
});
