/** The codes of errors, by which programs tell them apart; docs/errors.md says what they mean. */

export type ErrorCode =
  | "ERR_INVALID_ARG_TYPE"
  | "ERR_OUT_OF_RANGE"
  | "ERR_MLX_DISPOSED"
  | "ERR_MLX_OPERATION"
  | "ERR_MLX_EVALUATION"
  | "ERR_MLX_OUT_OF_MEMORY"
  | "ERR_MLX_FORMAT"
  | "ERR_MLX_NOT_LOADED";

/**
 * Gives an error its code, and returns it. As with `message`, the property is not
 * enumerable: matchers of test frameworks compare errors by those that are.
 */
export function withCode<E extends Error>(error: E, code: ErrorCode): E {
  return Object.defineProperty(error, "code", { value: code, configurable: true, writable: true });
}

/** For what is of a wrong kind. */
export function typeError(message: string): TypeError {
  return withCode(new TypeError(message), "ERR_INVALID_ARG_TYPE");
}

/** For what is of the right kind, but too large, too small or unknown. */
export function rangeError(message: string): RangeError {
  return withCode(new RangeError(message), "ERR_OUT_OF_RANGE");
}
