// Jest loads the package anew once its modules are reset.
/** @type {any} */
const globals = globalThis;
/** @type {typeof import("vitest")} */
const { expect, test } = globals;
const first = require("mlx-js");

const x = first.mx.ones([2]);

test("what another copy has made is told", () => {
  // @ts-expect-error: Jest gives it to each module.
  jest.resetModules();
  const { mx } = require("mlx-js");
  expect(mx.array).not.toBe(first.mx.array);
  expect(() => mx.add(x, 1)).toThrow("an array of another copy of mlx-js: two are loaded");
});

test("both copies work", () => {
  const { mx } = require("mlx-js");
  expect(mx.add(mx.ones([2]), 1).tolist()).toEqual([2, 2]);
  expect(first.mx.add(x, 1).tolist()).toEqual([2, 2]);
});
