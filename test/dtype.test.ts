import { inspect } from "node:util";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

describe("categories", () => {
  test("print as their names", () => {
    expect(String(mx.floating)).toBe("floating");
    expect(inspect([mx.integer])).toBe("[ integer ]");
    expect(mx.DtypeCategory.number).toBe(mx.number);
    expect(mx.generic instanceof mx.DtypeCategory).toBe(true);
  });

  test("issubdtype goes up the tree, not down", () => {
    expect(mx.issubdtype(mx.uint8, mx.generic)).toBe(true);
    expect(mx.issubdtype(mx.bool, mx.number)).toBe(false);
    expect(mx.issubdtype(mx.complex64, mx.inexact)).toBe(true);
    expect(mx.issubdtype(mx.complex64, mx.floating)).toBe(false);
    expect(mx.issubdtype(mx.integer, mx.signedinteger)).toBe(false);
    expect(mx.issubdtype(mx.generic, mx.bool)).toBe(false);
    expect(() => mx.issubdtype(any("float32"), mx.floating)).toThrow(
      '[issubdtype] arg1: expected a dtype or a category such as mx.floating, received "float32"',
    );
    expect(() => mx.issubdtype(mx.int8, any(undefined))).toThrow(TypeError);
  });

  test("isdtype knows the standard's kinds", () => {
    expect(mx.isdtype(mx.bfloat16, "real floating")).toBe(true);
    expect(mx.isdtype(mx.bool, "numeric")).toBe(false);
    expect(mx.isdtype(mx.uint16, ["bool", "unsigned integer"])).toBe(true);
    expect(mx.isdtype(mx.uint16, [])).toBe(false);
    expect(() => mx.isdtype(mx.int8, any("toString"))).toThrow(
      '[isdtype] kind: expected a dtype, "bool", "signed integer"',
    );
    expect(() => mx.isdtype(mx.int8, any(mx.integer))).toThrow(TypeError);
    expect(() => mx.isdtype(any(mx.integer), "bool")).toThrow("[isdtype] dtype: expected a dtype");
  });
});

describe("promotion", () => {
  test("of arrays and dtypes", () => {
    expect(mx.resultType([mx.array([1n]), mx.uint8, mx.bool])).toBe(mx.int64);
    expect(mx.resultType([mx.float16, mx.bfloat16])).toBe(mx.float32);
    expect(mx.resultType([mx.bool])).toBe(mx.bool);
    expect(mx.canCast(mx.array([1n]), mx.float16)).toBe(true);
    expect(mx.canCast(mx.float32, mx.float16)).toBe(false);
  });

  test("refuses what has no dtype", () => {
    expect(() => mx.resultType([])).toThrow(RangeError);
    expect(() => mx.resultType(any(mx.int8))).toThrow(
      "[resultType] arraysAndDtypes: expected a list of arrays and dtypes, received",
    );
    expect(() => mx.resultType([mx.int8, any(2)])).toThrow(
      "[resultType] arraysAndDtypes[1]: expected an array or a dtype, received 2",
    );
    expect(() => mx.canCast(any({ dtype: mx.int8 }), mx.int8)).toThrow("[canCast] from: expected");
    expect(() => mx.canCast(mx.int8, any("int8"))).toThrow("[canCast] to: expected a dtype");
  });
});

test("constants", () => {
  expect([mx.pi, mx.e, mx.inf, mx.nan]).toEqual([Math.PI, Math.E, Infinity, NaN]);
  expect(mx.eulerGamma).toBeCloseTo(0.57721566, 8);
  expect(mx.zeros([2]).get(mx.newaxis).shape).toEqual([1, 2]);
});

test("the limits of complex64 are those of its parts", () => {
  expect(mx.finfo(mx.complex64)).toEqual(mx.finfo(mx.float32));
  expect(mx.finfo(mx.complex64).dtype).toBe(mx.float32);
  expect(mx.finfo(mx.bfloat16).dtype).toBe(mx.bfloat16);
});

test("a dtype's name is its name in mx", () => {
  const names: mx.DtypeName[] = ["bool", "bfloat16", "complex64", "float16", "float32", "float64"];
  for (const bits of [8, 16, 32, 64] as const) {
    names.push(`int${bits}`, `uint${bits}`);
  }
  for (const name of names) {
    expect(mx[name]).toBeInstanceOf(mx.Dtype);
    expect(mx[mx[name].name]).toBe(mx[name]);
  }
});
