/** What the system says of files. */
import { isNativeError } from "node:util/types";

export interface SystemError extends Error {
  code?: string | undefined;
  errno?: number | undefined;
  syscall?: string | undefined;
}

export function isSystemError(error: unknown): error is SystemError {
  return isNativeError(error) && typeof (error as SystemError).code === "string";
}

/**
 * The system's error, about the file that the caller knows: an error of this
 * realm, which that of Node's own modules need not be.
 */
export function about(error: unknown, path: string, fn: string, wanted: "read" | "write"): unknown {
  if (!isSystemError(error)) {
    return error;
  }
  const { code, errno, syscall } = error;
  const reason = error.message.replace(/(, \w+)?( '.*)?$/s, "");
  const message = `[${fn}] ${path}: expected to ${wanted} it, received ${reason}`;
  return Object.assign(new Error(message, { cause: error }), { code, errno, syscall, path });
}
