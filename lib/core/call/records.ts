/** What is a record: `{ … }`, of whatever realm. */

/**
 * Whether an object is a plain record: written as `{ … }`, from `JSON.parse`,
 * without a prototype, or a module's namespace. Each realm (a `vm` context, a
 * file of Jest's) has an `Object.prototype` of its own.
 */
export function isRecord(x: object): x is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(x);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null &&
      Object.hasOwn(prototype as object, "isPrototypeOf"))
  );
}
