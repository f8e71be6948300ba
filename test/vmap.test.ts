// Functions under mx.vmap: as if each of the slices went through them.
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { callsOf, families } from "./support/golden.js";

type Slices = (...slices: mx.array[]) => mx.array;

/** Arrays of a shape whose values all differ. */
function counting(shape: readonly number[], first = 1): mx.array {
  const size = shape.reduce((n, m) => n * m, 1);
  return mx.arange(first, first + size, 1, mx.float32).reshape(shape);
}

function slice(x: mx.array, axis: number | null, i: number): mx.array {
  return axis === null ? x : mx.take(x, i, axis);
}

/** Compares a mapped function with calls for each slice. */
function compare(f: Slices, inputs: mx.array[], inAxes: (number | null)[], outAxes = 0): void {
  const at = inAxes.findIndex((axis) => axis !== null);
  const size = inputs[at]?.shape[inAxes[at] as number] as number;
  const each = Array.from({ length: size }, (_, i) =>
    f(...inputs.map((x, k) => slice(x, inAxes[k] as number | null, i))),
  );
  const expected = mx.stack(each, outAxes);
  const mapped = mx.vmap(f, { inAxes, outAxes })(...inputs);
  const title = `over ${JSON.stringify(inAxes)}`;
  expect([mapped.dtype.name, mapped.shape], title).toEqual([expected.dtype.name, expected.shape]);
  expect(mapped.tolist(), title).toEqual(expected.tolist());
}

describe("new axes", () => {
  const at = [[0], [-1], [0, 1], [0, 2], [0, -1], [1, 3], [0, 2, 4], [-1, -2, 0], [2, 3]];

  test.each(at.map((axes) => [axes]))("expandDims at %j", (axes) => {
    for (const inAxis of [0, 1, 2]) {
      compare((x) => mx.expandDims(x, axes), [counting([3, 4, 2])], [inAxis], 1);
      // The gradient of squeeze.
      const ones = axes.reduce((shape) => [1, ...shape], [3, 4]);
      const cotangent = mx.vmap(
        (x: mx.array) => mx.vjp((y) => mx.squeeze(y), [mx.zeros(ones)], [x])[1][0],
        { inAxes: inAxis },
      );
      expect(cotangent(counting([3, 3, 4].toSpliced(0, 1).toSpliced(inAxis, 0, 2))).size).toBe(24);
    }
  });

  test("of get", () => {
    for (const inAxis of [0, 1, 2]) {
      const x = counting([3, 4, 2]);
      compare((a) => a.get(null, ":", null), [x], [inAxis]);
      compare((a) => a.get(null, 1, null, "..."), [x], [inAxis]);
      compare((a) => a.get(null, "::-1", null, mx.array([1, 0], mx.int32)), [x], [inAxis]);
    }
  });
});

describe("updates", () => {
  const x = counting([3, 4, 2]);
  const operations = ["add", "subtract", "multiply", "divide", "maximum", "minimum"] as const;
  const indices: Record<string, mx.Index[]> = {
    "an integer": [1],
    "a slice": ["1:"],
    "a step": ["...", "::-2"],
    "an integer and a slice": [0, "1:"],
    "new axes": [null, "1:", null],
    "a list": [[1, 0]],
    "a list after a slice": ["1:", [1, 0]],
    "two lists": [
      [1, 0],
      [0, 1],
    ],
  };

  test.each(Object.entries(indices))("at %s", (_, at) => {
    for (const inAxis of [0, 1, 2]) {
      const part = mx.take(x, 0, inAxis).get(...at) as mx.array;
      const values = [mx.array(5.5), counting([...part.shape], 3)];
      for (const value of values) {
        const set: Slices = (a, v = value) => {
          const out = mx.multiply(a, 1);
          out.set(at, v);
          return out;
        };
        compare(set, [x], [inAxis]);
        for (let valueAxis = 0; valueAxis <= value.ndim; valueAxis++) {
          const many = mx.stack(
            Array.from({ length: x.dim(inAxis) }, (_, i) => mx.add(value, i)),
            valueAxis,
          );
          compare(set, [x, many], [inAxis, valueAxis]);
          compare(set, [mx.take(x, 0, inAxis), many], [null, valueAxis]);
        }
        for (const operation of operations) {
          compare((a) => a.at(...at)[operation](value), [x], [inAxis]);
        }
      }
    }
  });

  test("sliceUpdate", () => {
    for (const inAxis of [0, 1, 2]) {
      const update = counting([2, 1]);
      const start = mx.array([1, 0], mx.int32);
      const f: Slices = (a, u = update) => mx.sliceUpdate(a, u, start, [0, 1]);
      const moved = mx.moveaxis(counting([5, 4, 2]), 0, inAxis);
      compare(f, [moved], [inAxis]);
      compare(f, [moved, counting([5, 2, 1])], [inAxis, 0]);
      compare(f, [counting([4, 2]), counting([2, 3, 1])], [null, 1]);
    }
  });

  test("in the gradient of a gather", () => {
    for (const inAxis of [0, 1, 2]) {
      const f = mx.grad((a: mx.array) => mx.sum(mx.square(a.get(":", [0, 1]))));
      compare(f, [x], [inAxis]);
    }
  });

  test("of more slices than the indices' dtype counts", () => {
    const many = counting([300, 3]);
    const at = mx.array([2, 0], mx.uint8);
    compare((a) => a.at(at).add(mx.array([1, 2])), [many], [0]);
    compare((a) => mx.take(a, at, 0), [many], [0]);
  });
});

describe("indices", () => {
  const dtypes = [mx.int8, mx.uint8, mx.int32, mx.uint32, mx.int64, mx.uint64];

  test.each(dtypes.map((dtype) => [dtype.name, dtype] as const))("of %s", (_, dtype) => {
    const i = mx.array(
      [
        [0, 2],
        [1, 1],
        [2, 0],
      ],
      dtype,
    );
    const f: Record<string, Slices> = {
      take: (x, j) => mx.take(x, j, 0),
      "take, of the last axis": (x, j) => mx.take(x, j, 1),
      get: (x, j) => x.get(":", j),
      takeAlongAxis: (x, j) => mx.takeAlongAxis(x, mx.expandDims(j, 1), 0),
      "the gradient of take": (x, j) => mx.grad((y) => mx.sum(mx.square(mx.take(y, j, 1))))(x),
      at: (x, j) => x.at(":", j).multiply(2),
    };
    const withValues: Record<string, Slices> = {
      "at.add": (x, j, v) => x.at(j).add(v as mx.array),
      set: (x, j, v) => {
        const out = mx.add(x, 0);
        out.set([j], v as mx.array);
        return out;
      },
      putAlongAxis: (x, j, v) => mx.putAlongAxis(x, mx.expandDims(j, 1), v as mx.array, 0),
      "the gradient for values": (x, j, v) =>
        mx.grad((u: mx.array) => mx.sum(mx.square(x.at(j).add(u))))(v as mx.array),
    };
    for (const indexAxis of [0, 1]) {
      const indices = mx.moveaxis(i, 0, indexAxis);
      for (const inAxis of [null, 0, 1, 2]) {
        const x = inAxis === null ? counting([3, 4]) : mx.moveaxis(counting([3, 3, 4]), 0, inAxis);
        for (const g of Object.values(f)) {
          compare(g, [x, indices], [inAxis, indexAxis]);
        }
        for (const valueAxis of [null, 0, 1, 2]) {
          const values = valueAxis === null ? counting([2, 4], 50) : counting([3, 2, 4], 50);
          const v = mx.moveaxis(values, 0, valueAxis ?? 0);
          for (const g of Object.values(withValues)) {
            compare(g, [x, indices, v], [inAxis, indexAxis, valueAxis]);
          }
        }
      }
    }
  });

  test("masks", () => {
    const mask = mx.greater(counting([3, 3]), mx.array([4, 2, 5]));
    const f: Slices = (x, m, v) => {
      const out = mx.add(x, 0);
      out.set([m], v as mx.array);
      return out;
    };
    for (const axis of [0, 1]) {
      compare(f, [counting([3, 3]), mask, counting([3, 3], 50)], [axis, 1 - axis, axis]);
      compare(f, [counting([3]), mask, counting([3], 50)], [null, axis, null]);
      const gradient: Slices = (x, m, v) =>
        mx.grad((u: mx.array) => mx.sum(mx.square(f(x, m, u))))(v as mx.array);
      compare(gradient, [counting([3, 3]), mask, counting([3, 3], 50)], [axis, axis, axis]);
    }
  });
});

test("operations whose other operand comes first and is not mapped", () => {
  const x = counting([2, 3]);
  const whole = x.astype(mx.int32);
  for (const inAxis of [0, 1]) {
    const c = mx.array([1, 5, 3].slice(0, inAxis === 0 ? 3 : 2));
    compare((a) => mx.notEqual(c, a), [x], [inAxis]);
    compare((a) => mx.isnan(a), [x], [inAxis]);
    const n = c.astype(mx.int32);
    for (const name of [
      "bitwiseAnd",
      "bitwiseOr",
      "bitwiseXor",
      "leftShift",
      "rightShift",
    ] as const) {
      compare((a) => mx[name](n, a), [whole], [inAxis]);
      compare((a) => mx[name](a, n), [whole], [inAxis]);
    }
  }
});

describe.each(families)("every call of %s", (family) => {
  // What MLX cannot map, it says.
  const refused =
    /NYI|[Nn]ot (yet )?(supported|implemented)|[Cc]annot|can only|Can only|unsupported data type/;

  // Another array that may stand in the place of one.
  const turned = (x: mx.array): mx.array => x.reshape([-1]).get("::-1").reshape(x.shape);

  function slicesOf(call: (...xs: mx.array[]) => mx.array[], parts: mx.array[][]) {
    try {
      const each = parts.map((xs) => call(...xs));
      mx.eval(each);
      return each;
    } catch {
      return undefined; // the other arrays do not fit
    }
  }

  test("over each axis of each array, and of all together", () => {
    for (const { title, call, arrays } of callsOf(family)) {
      mx.tidy(() => {
        const each = arrays.map((_, i) => arrays.map((_, j) => i === j));
        for (const mapped of arrays.length > 1 ? [...each, arrays.map(() => true)] : each) {
          const others = arrays.map((x, i) => (mapped[i] ? turned(x) : x));
          const parts = [arrays, others, arrays];
          mx.eval(parts);
          const slices = slicesOf(call, parts);
          const ndim = Math.max(...arrays.map((x, i) => (mapped[i] ? x.ndim : 0)));
          for (let axis = 0; slices !== undefined && axis <= ndim; axis++) {
            const axes = arrays.map((x, i) => (mapped[i] ? Math.min(axis, x.ndim) : null));
            const inputs = arrays.map((x, i) => {
              const all = parts.map((part) => part[i] as mx.array);
              return mapped[i] ? mx.stack(all, axes[i] as number) : x;
            });
            let out: mx.array[];
            try {
              out = mx.vmap(call, { inAxes: axes })(...inputs);
              mx.eval(out);
            } catch (error) {
              expect((error as Error).message, title).toMatch(refused);
              break;
            }
            out.forEach((y, k) => {
              const expected = mx.stack(slices.map((slice) => slice[k] as mx.array));
              const where = `${title} over ${JSON.stringify(axes)}`;
              const type = (x: mx.array) => `${x.dtype.name}[${x.shape}]`;
              expect(type(y), where).toBe(type(expected));
              expect(nearlyEqual(y, expected), where).toBe(true);
            });
          }
        }
      });
    }
  });
});

function nearlyEqual(a: mx.array, b: mx.array): boolean {
  if (!mx.issubdtype(a.dtype, mx.inexact)) {
    return mx.arrayEqual(a, b).item<boolean>();
  }
  const half = a.dtype.size === 2;
  const options = { rtol: half ? 2e-2 : 1e-3, atol: half ? 1e-2 : 1e-4, equalNan: true };
  return mx.allclose(a, b, options).item<boolean>();
}
