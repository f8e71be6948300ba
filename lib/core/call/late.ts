/**
 * Parts of the package that come when they are first used, each from a file of its
 * own, which scripts/bundle.mjs writes: V8 reads all the text of a file that it loads.
 */

import { addFamily } from "./native.js";
import { define } from "./objects.js";

type Values = Readonly<Record<string, unknown>>;

/** What the file of a part exports: it makes the part of what that needs from here. */
type Part = (outside: (name: string) => unknown, exports: object) => { readonly content: Values };

let shared: () => Values = () => ({});

/** Says what parts need from here. It is asked for when the first of them comes. */
export function share(values: () => Values): void {
  shared = values;
}

let values: Values | undefined;

function outside(name: string): unknown {
  values ??= shared();
  return values[name];
}

/**
 * What is in the part of a file, which `load` gets when it is first asked for.
 *
 * @param families The addon's functions that only this part calls.
 */
export function part(load: () => Part, ...families: readonly string[]): () => Values {
  let content: Values | undefined;
  return () => {
    if (content === undefined) {
      content = load()(outside, {}).content;
      families.forEach(addFamily);
    }
    return content;
  };
}

const inspect = Symbol.for("nodejs.util.inspect.custom");

/**
 * An object with the names of a part, which comes when one of them is first read;
 * from then on it is an object as any other.
 */
export function late(names: readonly string[], content: () => Values): object {
  // Made without a prototype, V8 keeps it as a table at once, and not as so many shapes
  // as it has names, each with a list of those before.
  const object: object = Object.setPrototypeOf(Object.create(null), Object.prototype);
  const put = (name: string, value: unknown): boolean =>
    Reflect.defineProperty(object, name, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  const getters = names.map((name) => () => come()[name]);
  const isWaiting = (name: string, i: number): boolean =>
    Object.getOwnPropertyDescriptor(object, name)?.get === getters[i];
  let here: Values | undefined;
  const come = (): Values => {
    if (here === undefined) {
      here = content();
      Reflect.deleteProperty(object, inspect);
      // What users have put in the place of something stays.
      for (const name of names.filter(isWaiting)) {
        put(name, here[name]);
      }
    }
    return here;
  };
  getters.forEach((get, i) => {
    const name = names[i] as string;
    Object.defineProperty(object, name, {
      get,
      set: (value: unknown) => put(name, value),
      configurable: true,
      enumerable: true,
    });
  });
  // Who prints it wants to see what is there.
  define(object, inspect, () => {
    come();
    return object;
  });
  return object;
}
