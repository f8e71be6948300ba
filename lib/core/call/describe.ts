/** Values in messages. */
import { join } from "node:path";
import { inspect } from "node:util";
import { isMap, isNativeError, isProxy, isSet, isTypedArray } from "node:util/types";
import { type Copy, here, identityOf } from "./identity.js";
import { getterOf, lookUp } from "./objects.js";

function versionOf({ folder }: Copy): string {
  try {
    return `${require(join(folder, "package.json")).version} in ${folder}`;
  } catch {
    return folder;
  }
}

/** What is of this package, or of another copy of it. */
function describeOwn(x: unknown): string | undefined {
  const { copy, what, describe } = identityOf(x) ?? {};
  if (copy === undefined) {
    return undefined;
  }
  if (copy === here) {
    return describe?.(x as never) ?? `${what} of class ${classOf(x as object)}`;
  }
  const [theirs, ours] = [versionOf(copy), versionOf(here)];
  const places = theirs === ours ? `both ${ours}` : `${theirs}, this one ${ours}`;
  return (
    `${what} of another copy of mlx-js: two are loaded (${places}), ` +
    "and each knows only what it has made; install one, and load it once"
  );
}

// How values are written in messages: as Node prints them, but what is of this
// package by what it is. No code of the value's own runs, since a message must not
// have effects, and no more of it is looked at than fits.

const lengthOfTyped = getterOf<number>(Object.getPrototypeOf(Uint8Array.prototype), "length");
const sizeOfMap = getterOf<number>(Map.prototype, "size");
const sizeOfSet = getterOf<number>(Set.prototype, "size");

const most = { parts: 8, depth: 3, letters: 120 };

function nameOf(fn: unknown): string {
  const name = typeof fn === "function" ? lookUp(fn, "name") : undefined;
  return typeof name === "string" ? name : "";
}

function classOf(x: object): string {
  return nameOf(lookUp(x, "constructor"));
}

function show(value: unknown, depth: number): string {
  try {
    return describeOwn(value) ?? (isObject(value) ? showObject(value, depth) : showPlain(value));
  } catch {
    // A getter of this package failed for what only looks like its own.
    return `[${typeof value}]`;
  }
}

function isObject(x: unknown): x is object {
  return (typeof x === "object" && x !== null) || typeof x === "function";
}

function showPlain(value: unknown): string {
  return inspect(value, { maxStringLength: 64, breakLength: Number.POSITIVE_INFINITY });
}

function showObject(x: object, depth: number): string {
  if (isProxy(x)) {
    return "[Proxy]";
  }
  if (typeof x === "function") {
    const kind = /^class\b/.test(Function.prototype.toString.call(x)) ? "class" : "Function";
    return `[${kind}${kind === "class" ? " " : ": "}${nameOf(x) || "(anonymous)"}]`;
  }
  const name = classOf(x) || "Object";
  if (isNativeError(x)) {
    return `[${name}: ${String(lookUp(x, "message")).slice(0, 64)}]`;
  }
  const isList = Array.isArray(x);
  if (depth === most.depth) {
    return `[${isList ? "Array" : name}]`;
  }
  const part = (value: unknown) => show(value, depth + 1);
  if (isList || isTypedArray(x)) {
    const length = isList ? x.length : lengthOfTyped.call(x);
    const parts = Array.from({ length: Math.min(length, most.parts) }, (_, i) =>
      showProperty(x, i, part),
    );
    return (isList ? "" : `${name}(${length}) `) + enclosed("[]", parts, length);
  }
  if (isMap(x)) {
    const parts = firstOf(Map.prototype.entries.call(x), ([k, v]) => `${part(k)} => ${part(v)}`);
    const size = sizeOfMap.call(x);
    return `${name}(${size}) ${enclosed("{}", parts, size)}`;
  }
  if (isSet(x)) {
    const size = sizeOfSet.call(x);
    return `${name}(${size}) ${enclosed("{}", firstOf(Set.prototype.values.call(x), part), size)}`;
  }
  const names = Object.keys(x);
  const parts = names.slice(0, most.parts).map((name) => {
    const key =
      /^[A-Za-z_$][\w$]{0,63}$/.test(name) && name !== "__proto__" ? name : showPlain(name);
    return `${key}: ${showProperty(x, name, part)}`;
  });
  const tag = lookUp(x, Symbol.toStringTag);
  const kind =
    typeof tag === "string" && tag !== name ? `${name} [${tag.slice(0, 64)}] ` : `${name} `;
  return (kind === "Object " ? "" : kind) + enclosed("{}", parts, names.length);
}

function showProperty(x: object, name: PropertyKey, part: (value: unknown) => string): string {
  const own = Object.getOwnPropertyDescriptor(x, name);
  return own === undefined ? "<empty>" : "value" in own ? part(own.value) : "[Getter]";
}

function firstOf<T>(all: Iterator<T>, text: (entry: T) => string): string[] {
  const out: string[] = [];
  for (let next = all.next(); !next.done && out.length < most.parts; next = all.next()) {
    out.push(text(next.value));
  }
  return out;
}

function enclosed([open, close]: string, parts: string[], count: number): string {
  const more = count > parts.length ? [`... ${count - parts.length} more`] : [];
  return count === 0 ? `${open}${close}` : `${open} ${[...parts, ...more].join(", ")} ${close}`;
}

/** A value in a message. */
export function describe(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : show(value, 0);
  // What is said of another copy is longer, and needed.
  return text.length > most.letters && identityOf(value) === undefined
    ? `${text.slice(0, most.letters - 3)}...`
    : text;
}
