/**
 * `mlx-js/testing`: arrays in Jest and vitest. All there is to do is to import it: in a file of
 * tests or, for all files, in one that the framework runs first. It lets `toEqual` and its kin
 * compare arrays at once, rather than row by row, and adds matchers that tell where two arrays
 * differ.
 *
 * @module
 */

import { type array, isArray, slotOf } from "../core/array/array.js";
import { valueReader, valuesOf } from "../core/array/output.js";
import type { Scalar } from "../core/array/stand-in.js";
import { valueText } from "../core/array/texts.js";
import { describe } from "../core/call/describe.js";
import { mismatch } from "../core/call/errors.js";
import { sameShape } from "../core/call/numbers.js";
import { flag, notNegative, optionsOf } from "../core/call/options.js";
import { float64 } from "../core/dtype.js";

/** Options of `toBeCloseToArray`. */
export interface Tolerance {
  /** How far a value may be off, as a part of what is expected. By default 1e-5. */
  rtol?: number | undefined;
  /** How far a value may be off in addition. By default 1e-8. */
  atol?: number | undefined;
  /** Whether NaN is close to NaN. By default true. */
  equalNan?: boolean | undefined;
}

const readTolerance = optionsOf<Tolerance>()("toBeCloseToArray", {
  rtol: notNegative(1e-5),
  atol: notNegative(1e-8),
  equalNan: flag(true),
});

/** What `expect(x)` has once this is imported. */
export interface ArrayMatchers<R = unknown> {
  /**
   * Passes for an array of the same dtype, shape and values. As in `toEqual`, NaN
   * is the same as NaN, and 0 is not the same as -0.
   */
  toEqualArray(expected: array): R;
  /**
   * Passes for an array of the same dtype and shape whose values are off by no
   * more than `atol + rtol * |expected|`.
   */
  toBeCloseToArray(expected: array, tolerance?: Tolerance): R;
}

/** The `expect` of a test framework. */
export interface Expect {
  // biome-ignore lint/suspicious/noExplicitAny: each framework has types of its own
  extend(matchers: any): void;
  // biome-ignore lint/suspicious/noExplicitAny: each framework has types of its own
  addEqualityTesters?(testers: any): void;
}

/** What a matcher has found. */
export interface Outcome {
  readonly pass: boolean;
  message(): string;
}

/** The values of an array by their place, row-major. */
function readerOf(x: array): (i: number) => Scalar {
  return valueReader(valuesOf(slotOf(x), x.dtype, "expect"), x.dtype);
}

function isSame(a: Scalar, b: Scalar): boolean {
  return typeof a === "object" && typeof b === "object"
    ? Object.is(a.re, b.re) && Object.is(a.im, b.im)
    : Object.is(a, b);
}

/** How far two values are from each other. */
function distance(a: Scalar, b: Scalar): number {
  if (typeof a === "object" && typeof b === "object") {
    return a.re === b.re && a.im === b.im ? 0 : Math.hypot(a.re - b.re, a.im - b.im);
  }
  if (typeof a === "bigint" && typeof b === "bigint") {
    return Number(a > b ? a - b : b - a);
  }
  // The infinite ones, too.
  return a === b ? 0 : Math.abs(Number(a) - Number(b));
}

function sizeOf(a: Scalar): number {
  return typeof a === "object" ? Math.hypot(a.re, a.im) : Math.abs(Number(a));
}

function isNan(a: Scalar): boolean {
  return typeof a === "object" ? Number.isNaN(a.re + a.im) : Number.isNaN(a);
}

function sameType(a: array, b: array): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

/** The tester for `toEqual` and its kin; about what is no array it says nothing. */
function equal(a: unknown, b: unknown): boolean | undefined {
  if (!isArray(a) || !isArray(b)) {
    return isArray(a) || isArray(b) ? false : undefined;
  }
  if (a === b) {
    return true;
  }
  if (!sameType(a, b)) {
    return false;
  }
  const { size } = a;
  const [left, right] = [readerOf(a), readerOf(b)];
  for (let i = 0; i < size; i++) {
    if (!isSame(left(i), right(i))) {
      return false;
    }
  }
  return true;
}

function indexOf(i: number, shape: readonly number[]): string {
  const index: number[] = [];
  let rest = i;
  for (const n of [...shape].reverse()) {
    index.unshift(rest % n);
    rest = Math.floor(rest / n);
  }
  return `[${index.join(", ")}]`;
}

// How many differences a failure shows.
const most = 10;

/** Columns, the first from the left and the others from the right. */
function table(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) => {
      const cells = row.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      );
      return `  ${cells.join("  ")}`;
    })
    .join("\n");
}

/** Where two arrays of the same type differ, if they do. */
function differences(
  received: array,
  expected: array,
  isFine: (received: Scalar, expected: Scalar) => boolean,
): string | undefined {
  const { shape, size, dtype } = expected;
  const [left, right] = [readerOf(received), readerOf(expected)];
  const rows = [["index", "received", "expected"]];
  let count = 0;
  let largest = 0;
  let where = 0;
  for (let i = 0; i < size; i++) {
    const [a, b] = [left(i), right(i)];
    if (isFine(a, b)) {
      continue;
    }
    if (count++ < most) {
      const texts = [a, b].map((value) => valueText(value, dtype !== float64));
      rows.push([indexOf(i, shape), ...texts]);
    }
    const off = distance(a, b);
    if (off > largest) {
      largest = off;
      where = i;
    }
  }
  if (count === 0) {
    return undefined;
  }
  const more = count > most ? `\n  and ${count - most} more` : "";
  const by =
    largest > 0
      ? `, by ${Number(largest.toPrecision(6))} at most, at ${indexOf(where, shape)}`
      : "";
  return `${count} of ${size} values differ${by}:\n\n${table(rows)}${more}`;
}

function matcher(
  name: string,
  received: unknown,
  expected: unknown,
  isFine: (received: Scalar, expected: Scalar) => boolean,
): Outcome {
  if (!isArray(expected)) {
    throw mismatch(name, "expected", "an array", expected);
  }
  const outcome = (fault: string | undefined): Outcome => ({
    pass: fault === undefined,
    message: () => {
      const call = `expect(received).${fault === undefined ? "not." : ""}${name}(expected)`;
      return `${call}\n\n${fault ?? `received ${received}`}`;
    },
  });
  if (!isArray(received)) {
    return outcome(`expected an array, received ${describe(received)}`);
  }
  if (!sameType(received, expected)) {
    return outcome(`expected a ${describe(expected)}, received a ${describe(received)}`);
  }
  return outcome(differences(received, expected, isFine));
}

/** The matchers, as a framework's `expect.extend` takes them. */
export const matchers = {
  toEqualArray(received: unknown, expected: array): Outcome {
    return matcher("toEqualArray", received, expected, isSame);
  },

  toBeCloseToArray(received: unknown, expected: array, tolerance?: Tolerance): Outcome {
    const { rtol, atol, equalNan } = readTolerance(tolerance);
    return matcher("toBeCloseToArray", received, expected, (a, b) => {
      const off = distance(a, b);
      const within = Number.isFinite(off) ? off <= atol + rtol * sizeOf(b) : off === 0;
      return within || (equalNan && isNan(a) && isNan(b));
    });
  },
};

const done = new WeakSet<Expect>();

/**
 * Teaches a framework's `expect` to compare arrays. Without one, that of the
 * framework that runs this file, if there is one: Jest, unless it is told not to
 * have globals (`injectGlobals`), and vitest. Importing this module calls it.
 */
export function install(expect?: Expect): void {
  const globals = globalThis as { expect?: Expect; [name: symbol]: Expect | undefined };
  const found = expect ?? globals.expect ?? globals[Symbol.for("expect-global")];
  if (typeof found?.extend !== "function" || done.has(found)) {
    return;
  }
  done.add(found);
  found.extend(matchers);
  found.addEqualityTesters?.([equal]);
}

// The frameworks' own types; where one is not installed, it is passed over.

// @ts-expect-error: it is no dependency.
declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: as it is there
  interface Matchers<T = any> extends ArrayMatchers<void> {}
}

// @ts-expect-error: it is no dependency.
declare module "expect" {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends ArrayMatchers<R> {}
}

declare global {
  namespace jest {
    // biome-ignore lint/complexity/noBannedTypes: as it is there
    interface Matchers<R, T = {}> extends ArrayMatchers<R> {}
  }
}
