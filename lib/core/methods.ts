/** The operations as methods: the same functions without their first parameter. */
import { ArrayHandle, type array } from "./array.js";
import * as arithmetic from "./ops/arithmetic.js";

// biome-ignore lint/suspicious/noExplicitAny: any operation
type Operation = (self: any, ...rest: any[]) => unknown;

type Method<F extends Operation> = F extends (self: never, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never;

declare module "./array.js" {
  interface array {
    add: Method<typeof arithmetic.add>;
    exp: Method<typeof arithmetic.exp>;
  }
}

// What the interface adds, and no more.
const methods: Record<Exclude<keyof array, keyof ArrayHandle>, Operation> = {
  add: arithmetic.add,
  exp: arithmetic.exp,
};

for (const [name, operation] of Object.entries<Operation>(methods)) {
  Object.defineProperty(ArrayHandle.prototype, name, {
    value: function (this: array, a?: unknown, b?: unknown, c?: unknown, d?: unknown) {
      return operation(this, a, b, c, d);
    },
    configurable: true,
    writable: true,
  });
}
