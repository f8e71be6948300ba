/** Objects that stand for modules. */

/**
 * A copy of a module's exports in which looking up a name is fast. TypeScript
 * makes each re-exported name a getter, and V8 keeps objects of that many
 * properties as hash tables, unless they are prototypes: together that is a
 * sixth of the time of a small operation.
 */
export function namespace<T extends object>(exports: T): T {
  const out = { ...exports };
  if ("__esModule" in exports) {
    Object.defineProperty(out, "__esModule", { value: true });
  }
  function Owner(): void {}
  Owner.prototype = out;
  Reflect.construct(Owner, []);
  return out;
}
