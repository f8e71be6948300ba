// Calls of test/golden with arguments that are the same to a user: what they
// give must be, too.
import fc from "fast-check";
import mlx from "mlx-js";
import { cases, chain, edited } from "./cases.mjs";
import { expectSame, Finding, outcome, plain, text } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const mx = mlx.core;

/** What a call gives, as `plain` does. @param {() => Any} f */
function given(f) {
  mx.random.seed(1);
  return mx.tidy(() => outcome(() => plain(f()), [TypeError, RangeError, Error, mx.FormatError]));
}

/**
 * That a call gives what another gives.
 * @param {() => Any} f
 * @param {() => Any} g the same with other arguments
 * @param {boolean} refusal whether they may be refused
 */
export function same(f, g, refusal) {
  const expected = given(f);
  const received = given(g);
  if (expected.error !== undefined && received.error !== undefined) {
    return;
  }
  if (received.error !== undefined) {
    if (refusal && /^\[[\w.]+\] /.test(received.error.message)) {
      return;
    }
    throw new Finding(`expected ${text(expected.value)}, but ${received.error.stack}`);
  }
  if (expected.error !== undefined) {
    throw new Finding(`expected ${expected.error.message}, received ${text(received.value)}`);
  }
  expectSame(received.value, expected.value);
}

/**
 * A target for everything that test/golden calls.
 * @param {string} name
 * @param {(before: string, how: number) => string} change an argument's text, or its own
 * @param {boolean} refusal
 * @returns {import("./kinds.mjs").Target[]}
 */
export function sameTargets(name, change, refusal) {
  // It gives back what it is given, as it is.
  const changed = [...cases].filter(([callee]) => callee !== "nn.Identity.forward");
  return changed.map(([callee, calls]) => ({
    name: `${name} in ${callee}`,
    cost: 5,
    programs: () =>
      fc
        .tuple(
          fc.constantFrom(...calls),
          fc.array(fc.record({ place: fc.nat(), how: fc.nat(1000) }), {
            minLength: 1,
            maxLength: 4,
          }),
        )
        .map(([segments, edits]) => {
          const other = edited(
            segments,
            edits.map(({ place, how }) => ({ place, text: (before) => change(before, how) })),
          );
          return `same(() => ${chain(segments)}, () => ${other}, ${refusal})`;
        }),
  }));
}
