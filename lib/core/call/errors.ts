/** Errors in one voice: `[function] parameter: expected …, received …`. */
import { join } from "node:path";
import { inspect } from "node:util";
import { isProxy } from "node:util/types";
import { hint } from "./hints.js";
import { isRecord } from "./records.js";

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
  return typeof x === "object" && x !== null && !isProxy(x)
    ? (x as { [identity]?: Identity })[identity]
    : undefined;
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
  if (copy === undefined || copy === here) {
    return describe?.(x as never);
  }
  const [theirs, ours] = [versionOf(copy), versionOf(here)];
  const places = theirs === ours ? `both ${ours}` : `${theirs}, this one ${ours}`;
  return (
    `${what} of another copy of mlx-js: two are loaded (${places}), ` +
    "and each knows only what it has made; install one, and load it once"
  );
}

// No code of the value's own runs: a message must not have effects.
function show(value: unknown, depth: number): string {
  return inspect(value, {
    depth,
    customInspect: false,
    maxArrayLength: 8,
    maxStringLength: 64,
    breakLength: Number.POSITIVE_INFINITY,
  });
}

function isBranch(x: object): x is Record<string, unknown> | unknown[] {
  return !isProxy(x) && (Array.isArray(x) || isRecord(x));
}

/** A list or a record, which may have something of this package's inside. */
function describeBranch(x: Record<string, unknown> | unknown[]): string {
  const isList = Array.isArray(x);
  const names = Object.keys(x);
  let own = false;
  const parts = names.slice(0, 8).map((name) => {
    const { value, get } = Object.getOwnPropertyDescriptor(x, name) as PropertyDescriptor;
    const text = describeOwn(value);
    own ||= text !== undefined;
    const shown = text ?? (get === undefined ? show(value, 0) : "[Getter]");
    return isList ? shown : `${name}: ${shown}`;
  });
  if (!own) {
    return show(x, 1);
  }
  const more = names.length - parts.length;
  if (more > 0) {
    parts.push(`... ${more} more`);
  }
  return isList ? `[ ${parts.join(", ")} ]` : `{ ${parts.join(", ")} }`;
}

export function describe(value: unknown): string {
  try {
    const own = describeOwn(value);
    if (own !== undefined) {
      return own;
    }
    let text: string;
    if (typeof value === "string") {
      text = JSON.stringify(value.slice(0, 64));
    } else if (typeof value === "object" && value !== null && isBranch(value)) {
      text = describeBranch(value);
    } else {
      text = show(value, 0);
    }
    return text.length > 120 ? `${text.slice(0, 117)}...` : text;
  } catch {
    return typeof value;
  }
}

export function mismatch(fn: string, param: string, expected: string, value: unknown): TypeError {
  const received = `${describe(value)}${hint(param, value)}`;
  return new TypeError(`[${fn}] ${param}: expected ${expected}, received ${received}`);
}

export function outOfRange(
  fn: string,
  param: string,
  expected: string,
  value: unknown,
): RangeError {
  return new RangeError(`[${fn}] ${param}: expected ${expected}, received ${describe(value)}`);
}

export function noMemory(fn: string, bytes: number): RangeError {
  return new RangeError(`[${fn}] There is not enough memory: ${bytes} bytes are wanted.`);
}
