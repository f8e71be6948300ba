// Two copies of the package in one thread: an array of the one is nothing that
// the other could use.
import { createRequire } from "node:module";
import { join } from "node:path";
import type { mx as core } from "mlx-js";
import * as first from "mlx-js";
import { expect, test } from "vitest";

const require = createRequire(import.meta.url);
const root = join(__dirname, "..");

/** Another copy, as from another `node_modules`. */
function load(): typeof first {
  const path = require.resolve("mlx-js");
  for (const name of Object.keys(require.cache)) {
    if (name.startsWith(join(root, "dist"))) {
      delete require.cache[name];
    }
  }
  return require(path);
}

// biome-ignore lint/suspicious/noExplicitAny: of the other copy
const any = (x: unknown): any => x;

const { mx, nn, optim } = load();
const theirs = any(first.mx.ones([2]));

test.each<[string, () => unknown]>([
  ["an operand", () => mx.add(theirs, 1)],
  ["an array", () => mx.reshape(theirs, [2, 1])],
  ["a list", () => mx.concatenate([mx.ones([2]), theirs])],
  ["data", () => mx.array(theirs)],
  ["data in a list", () => mx.array([theirs, theirs])],
  ["an evaluation", () => mx.eval(theirs)],
  ["a tree to evaluate", () => mx.eval({ a: [theirs] })],
  ["an argument", () => mx.grad((x: typeof theirs) => mx.sum(x))(theirs)],
  ["a result", () => mx.grad((x: core.array) => (x.size > 0 ? theirs : x))(mx.ones([2]))],
  ["a captured state", () => mx.compile((x) => x, { inputs: [theirs] })(mx.ones([2]))],
  ["a parameter", () => new nn.Linear(2, 2).update({ weight: theirs })],
  ["a field", () => Object.assign(new nn.Linear(2, 2), { more: theirs }).parameters()],
  ["a gradient", () => new optim.SGD(1).applyGradients({ a: theirs }, { a: mx.ones([2]) })],
  ["a file", () => mx.savez({ write: () => {} }, { a: theirs })],
  ["an index", () => mx.ones([2]).get(theirs)],
  ["a receiver", () => mx.array.prototype.sum.call(theirs)],
])("%s of the other copy is told", (_, call) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow("an array of another copy of mlx-js: two are loaded (both ");
  expect(call).toThrow("install one, and load it once");
});

test.each<[string, () => unknown]>([
  ["a dtype", () => mx.zeros([2], any(first.mx.float16))],
  ["a device", () => mx.add(1, 2, { stream: any(first.mx.cpu) })],
  ["a stream", () => mx.add(1, 2, { stream: any(first.mx.defaultStream(first.mx.cpu)) })],
  ["a module", () => nn.valueAndGrad(any(new first.nn.Linear(2, 2)), () => mx.array(1))],
  ["an optimizer", () => new optim.MultiOptimizer([any(new first.optim.SGD(1))])],
])("%s of the other copy is told", (what, call) => {
  expect(call).toThrow(`${what} of another copy of mlx-js`);
});

test("each goes on with what it made", () => {
  const x = mx.array([1, 2]);
  const y = first.mx.array([3, 4]);
  expect(mx.tidy(() => mx.add(x, first.mx.sum(y).item())).tolist()).toEqual([8, 9]);
  expect(x).not.toEqual(y);
  expect(first.mx.multiply(y, 2).tolist()).toEqual([6, 8]);
});

test("an evaluation that is given up is not another copy's", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  const late = new AbortController();
  const work = Array.from({ length: 20 }, () => {
    let x = mx.random.normal([100, 100]);
    for (let i = 0; i < 50; i++) {
      x = mx.tanh(mx.matmul(x, x));
    }
    return x;
  });
  const done = mx.asyncEval(work);
  const given = first.mx.asyncEval(first.mx.ones([2]), late.signal);
  late.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  await expect(first.mx.asyncEval(first.mx.ones([2]), signal)).rejects.toThrow("enough");
  await done;
  expect(Number.isFinite(mx.sum(work[19] as (typeof work)[0]).item())).toBe(true);
});
