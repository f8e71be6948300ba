/**
 * `mlx-js/options`: how functions here read their options, and what their errors say, for
 * packages that come in the same versions, such as `mlx-js-lm`. It may change with any version.
 *
 * @module
 */
export { mismatch, outOfRange } from "../core/call/errors.js";
export { nearest } from "../core/call/hints.js";
export {
  asCount,
  asFunction,
  asInteger,
  asLength,
  asNumber,
  asPositive,
  asString,
  type Check,
} from "../core/call/numbers.js";
export {
  count,
  flag,
  type Kind,
  type KindOf,
  kind,
  kindOf,
  kindWhere,
  length,
  notNegative,
  oneOf,
  optional,
  optionsOf,
  positive,
  type Reader,
  signalOption,
  text,
} from "../core/call/options.js";
