// The voice of mlx-js: `[function] parameter: expected …, received …`, and a code.

function shown(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  }
  if (typeof value === "function") {
    return "a function";
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  if (typeof value === "object" && value !== null) {
    const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === "string" && name !== "Object"
      ? `an object of class ${name}`
      : "an object";
  }
  return String(value);
}

function withCode<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code });
}

/** For a value of a wrong kind. */
export function wrongType(
  fn: string,
  param: string,
  expected: string,
  received: unknown,
): TypeError {
  const text = `[${fn}] ${param}: expected ${expected}, received ${shown(received)}`;
  return withCode(new TypeError(text), "ERR_INVALID_ARG_TYPE");
}

/** For a value of the right kind that is too small, too large or none of those allowed. */
export function outOfRange(
  fn: string,
  param: string,
  expected: string,
  received: unknown,
): RangeError {
  const text = `[${fn}] ${param}: expected ${expected}, received ${shown(received)}`;
  return withCode(new RangeError(text), "ERR_OUT_OF_RANGE");
}

/** For what is as it should be, but cannot be done. */
export function failure(code: string, message: string, cause?: unknown): Error {
  return withCode(new Error(message, cause === undefined ? {} : { cause }), code);
}

/** Refuses what is not a whole number of at least `least`. */
export function checkCount(value: unknown, fn: string, param: string, least = 0): number {
  if (typeof value !== "number") {
    throw wrongType(fn, param, "a number", value);
  }
  if (!Number.isInteger(value) || value < least) {
    throw outOfRange(fn, param, `a whole number of at least ${least}`, value);
  }
  return value;
}
