// What is thrown. `peer.ts` comes before all of mlx-js, so nothing of it is imported here.

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

/** For what is as it should be, but cannot be done. */
export function failure(code: string, message: string, cause?: unknown): Error {
  return withCode(new Error(message, cause === undefined ? {} : { cause }), code);
}
