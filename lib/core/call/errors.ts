/** Errors in one voice: `[function] parameter: expected …, received …`. */
import { join } from "node:path";
import { inspect } from "node:util";
import { isMap, isNativeError, isProxy, isSet, isTypedArray } from "node:util/types";
import { rangeError, typeError, withCode } from "./codes.js";
import { hint } from "./hints.js";
import { getterOf, lookUp } from "./objects.js";

/** A copy of this package that is loaded: test runners load one for each file. */
interface Copy {
  readonly folder: string;
}

const here: Copy = { folder: join(__dirname, "..") };

/** What an object of this package is, and of which copy of it. */
interface Identity {
  readonly copy: Copy;
  readonly what: string;
  /** The object in an error. */
  readonly describe?: ((x: never) => string) | undefined;
}

// All copies know it.
const identity: symbol = Symbol.for("mlx-js.identity");

/**
 * Says what the instances of a class are. It matters where two copies of the
 * package are loaded: an array of the other looks the same, but is a stranger.
 */
export function identify<T extends object>(
  type: { readonly prototype: T },
  what: string,
  describe?: (x: T) => string,
): void {
  const value: Identity = { copy: here, what, describe };
  Object.defineProperty(type.prototype, identity, { value });
}

function identityOf(x: unknown): Identity | undefined {
  return typeof x === "object" && x !== null
    ? (lookUp(x, identity) as Identity | undefined)
    : undefined;
}

/** Whether something is an array, a device, a module or the like, of this copy or another. */
export function isIdentified(x: unknown): boolean {
  return identityOf(x) !== undefined;
}

/** Whether something is an array, or the like, of another copy of this package. */
export function isStranger(x: unknown): boolean {
  const copy = identityOf(x)?.copy;
  return copy !== undefined && copy !== here;
}

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
    // A getter of this package's, given what only looks like its own.
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

export function mismatch(fn: string, param: string, expected: string, value: unknown): TypeError {
  const received = `${describe(value)}${hint(param, value, expected)}`;
  return typeError(`[${fn}] ${param}: expected ${expected}, received ${received}`);
}

/** Whether something thrown is what {@link mismatch} gives, and no error of the program's. */
export function isMismatch(error: unknown): boolean {
  return isNativeError(error) && lookUp(error, "code") === "ERR_INVALID_ARG_TYPE";
}

export function outOfRange(
  fn: string,
  param: string,
  expected: string,
  value: unknown,
): RangeError {
  return rangeError(`[${fn}] ${param}: expected ${expected}, received ${describe(value)}`);
}

export function noMemory(fn: string, bytes: number): RangeError {
  const message = `[${fn}] There is not enough memory: ${bytes} bytes are wanted.`;
  return withCode(new RangeError(message), "ERR_MLX_OUT_OF_MEMORY");
}
