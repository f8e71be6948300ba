// The voice of mlx-js: `[function] parameter: expected …, received …`, and a code.

/** A value in a message. */
function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "object":
      try {
        return shownObject(value);
      } catch {
        // An array that is disposed, or an object whose own code throws.
        return "an object";
      }
    default:
      return String(value);
  }
}

function shownObject(value: object | null): string {
  if (value === null) {
    return "null";
  }
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  if (name === "array") {
    // In the words of mlx-js, which is not imported here: `peer.ts` comes before it.
    const { dtype, shape } = value as { dtype: { name: string }; shape: number[] };
    return `${dtype.name} array of shape [${shape.join(", ")}]`;
  }
  return typeof name === "string" && name !== "Object" ? `an object of class ${name}` : "an object";
}

function withCode<E extends Error>(error: E, code: string): E & { code: string } {
  return Object.assign(error, { code });
}

/** The code of what was thrown, if it has one. */
export function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** Whether an error is one of this package, which says what to do. */
export function isOwn(error: unknown): boolean {
  return String(codeOf(error)).startsWith("ERR_MLX_LM_");
}

/** What an error says, or what was thrown in its place. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For a value of a wrong kind. */
export function wrongType(
  fn: string,
  param: string,
  expected: string,
  received: unknown,
  cause?: unknown,
): TypeError {
  const why = cause instanceof Error ? ` (${cause.message.split("\n", 1)[0]})` : "";
  const text = `[${fn}] ${param}: expected ${expected}, received ${shown(received)}${why}`;
  return withCode(
    new TypeError(text, cause === undefined ? {} : { cause }),
    "ERR_INVALID_ARG_TYPE",
  );
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
