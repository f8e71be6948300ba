// What deep comparisons that come with the runtime say of arrays.
import assert from "node:assert";
import { isDeepStrictEqual } from "node:util";
import { mx } from "mlx-js";

/** @type {[string, () => unknown, () => unknown][]} */
const pairs = [
  ["the same", () => ({ a: [mx.ones([2])] }), () => ({ a: [mx.ones([2])] })],
  ["a map", () => new Map([[1, mx.array(1)]]), () => new Map([[1, mx.array(1)]])],
  ["values", () => mx.ones([2]), () => mx.zeros([2])],
  ["shapes", () => mx.zeros([0, 2]), () => mx.zeros([0, 3])],
  ["dtypes", () => [mx.ones([2])], () => [mx.ones([2], mx.int32)]],
  ["a map of others", () => new Map([[1, mx.array(1)]]), () => new Map([[1, mx.array(2)]])],
];

const { Bun } = /** @type {any} */ (globalThis);

/** @type {Record<string, (a: unknown, b: unknown) => boolean>} */
const comparisons = {
  deepStrictEqual: (a, b) => !fails(() => assert.deepStrictEqual(a, b)),
  deepEqual: (a, b) => !fails(() => assert.deepEqual(a, b)),
  isDeepStrictEqual,
  // It may take equal ones for different.
  native: (a, b) => Bun?.deepEquals(a, b) ?? isDeepStrictEqual(a, b),
};

/** @param {() => void} assertion */
function fails(assertion) {
  try {
    assertion();
    return false;
  } catch {
    return true;
  }
}

const wrong = [];
for (const [what, a, b] of pairs) {
  for (const [name, compare] of Object.entries(comparisons)) {
    const isEqual = what === "the same" || what === "a map";
    const mayDiffer = Bun !== undefined && isEqual && (name === "native" || name === "deepEqual");
    if (compare(a(), b()) !== isEqual && !mayDiffer) {
      wrong.push(`${name}: ${what}`);
    }
  }
}
console.log(JSON.stringify(wrong));
