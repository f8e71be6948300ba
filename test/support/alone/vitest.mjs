/**
 * What the tests take from vitest, put together from those of its parts that are
 * JavaScript alone, for machines that have no vitest: see scripts/alone.mjs.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
} from "@vitest/expect";

export {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFinished,
  test,
} from "@vitest/runner";
export { expectTypeOf } from "expect-type";

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

export const expect = Object.assign(
  /** @param {unknown} value @param {string} [message] */
  (value, message) => chai.expect(value, message),
  chai.expect,
  /** @type {any} */ (globalThis)[ASYMMETRIC_MATCHERS_OBJECT],
  {
    unreachable: () => chai.assert.fail("expected not to be reached"),
    extend: (/** @type {object} */ matchers) =>
      /** @type {any} */ (chai.expect).extend(expect, matchers),
  },
);

// Of tests that need more than this anyhow.
export const vi = undefined;
