/** The addon, and how its failures become errors. */
import { types } from "node:util";
import { type Bindings, results } from "./bindings.js";
import { type ErrorCode, withCode } from "./codes.js";
import { isRecord } from "./objects.js";
import { openAddon } from "./open.js";

/**
 * How the addon says that a call failed, or a promise that it gave: it never
 * throws, and makes no error itself. In a test runner, this code and the addon
 * may be of two realms, and who catches an error looks for this one's `Error`.
 */
export type Failure =
  | {
      readonly failure: keyof typeof errors;
      readonly message: string;
      readonly code: ErrorCode;
      /** What MLX calls the operation that failed in an evaluation, if it is known. */
      readonly operation?: string;
      /** The stack of the calls that made it, if they were noted. */
      readonly calls?: string;
    }
  | { readonly failure: "thrown"; readonly value: unknown };

type MadeFailure = Exclude<Failure, { failure: "thrown" }>;

const errors = { Error, TypeError, RangeError };

export function isFailure(result: unknown): result is Failure {
  return typeof result === "object" && result !== null && "failure" in result;
}

// How a text begins that says which operation it is about; an allocator does not.
const named = /^\[(?![\w:]*malloc\])/;

// The addon's own checks name a function as C++ has it. MLX's text, which comes
// as an Error, stays as it is.
function message({ failure, message, operation }: MadeFailure): string {
  if (failure === "Error") {
    return operation && !named.test(message) ? `${message} (in ${operation})` : message;
  }
  return message.replace(/^\[[a-z0-9_]+\]/, (name) =>
    name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

/** What to throw for a failure: a new error, or what user code threw. */
export function reasonOf(failure: Failure): unknown {
  if (failure.failure === "thrown") {
    return failure.value;
  }
  const cause = causeOf(failure);
  const options = cause === undefined ? {} : { cause };
  return withCode(new errors[failure.failure](message(failure), options), failure.code);
}

function causeOf({ operation, calls }: MadeFailure): Error | undefined {
  if (calls === undefined) {
    return undefined;
  }
  const cause = new Error(`${operation || "The operation"} was called here`);
  cause.stack = `Error: ${cause.message}\n${calls}`;
  return cause;
}

function checked<T>(result: T): T {
  if (isFailure(result)) {
    throw reasonOf(result);
  }
  return result;
}

/** A list or a record of the addon's, made anew in this realm. */
function ours(x: unknown): unknown {
  if (typeof x !== "object" || x === null) {
    return x;
  }
  if (Array.isArray(x)) {
    return Array.from(x, ours);
  }
  return !isOpaque(x) && isRecord(x)
    ? Object.fromEntries(Object.entries(x).map(([name, value]) => [name, ours(value)]))
    : x;
}

// What only the addon can look into: it has no prototype, but on Bun that of records,
// and Deno does not tell it from others by name.
function isOpaque(x: object): boolean {
  const { isExternal } = types as Partial<typeof types>;
  return Object.getPrototypeOf(x) === null || isExternal?.(x) === true;
}

type Call = (...args: unknown[]) => unknown;
type Wrapper = (call: Call) => Call;

// How a function of the addon's throws: at once, the same with a result that is made anew
// in this realm, or when its promise settles.
const direct: Wrapper =
  (call) =>
  (...args) =>
    checked(call(...args));
const remade: Wrapper =
  (call) =>
  (...args) =>
    ours(checked(call(...args)));
const awaited: Wrapper =
  (call) =>
  async (...args) =>
    checked(await checked(call(...args)));

// Only the package's own code calls these, and with slots that it has checked.
const sure: readonly string[] = [
  "dtype",
  "live_bytes",
  "ndim",
  "release",
  "release_all",
  "release_with",
  "report_memory",
  "size",
] satisfies (typeof results.values)[number][];

// What makes arrays is left as it is: `make` and `makeAll` look at its result,
// and the path of most calls stays short.
function makeThrowing(functions: Record<string, unknown>): void {
  const wrap = (names: readonly string[], wrapped: Wrapper): void => {
    for (const name of names) {
      if (name in functions) {
        functions[name] = wrapped(functions[name] as Call);
      }
    }
  };
  wrap(results.promises, awaited);
  wrap(results.objects, remade);
  wrap(
    results.values.filter((name) => !sure.includes(name)),
    direct,
  );
}

/** The addon's functions, once `load` has been called. */
export const native = {} as Bindings;

type Use = (addon: Bindings) => void;
const uses: Use[] = [];

/** Calls a function when the addon is loaded. */
export function whenLoaded(use: Use): void {
  uses.push(use);
}

let path = "";

/**
 * Loads the addon. The parts of the package that compute call it when they are
 * imported; `mlx-js/utils` does not.
 */
export function load(): void {
  if (path === "") {
    const found = openAddon();
    // Other realms of this thread have the same object of the addon's. This one has no
    // prototype, so that V8 makes a table of it at once. That it becomes one itself
    // makes its functions constants, and costs a tenth of what copies in an object cost.
    const functions = Object.assign(Object.create(null), found.addon);
    makeThrowing(functions);
    const addon: Bindings = Object.setPrototypeOf(native, functions);
    path = found.path;
    for (const use of uses) {
      use(addon);
    }
  }
}

/** Has a family of the addon's functions, of those that come late, once the addon is there. */
export function addFamily(name: string): void {
  if (path === "") {
    whenLoaded(() => addFamily(name));
    return;
  }
  const functions = native.family(name) as Record<string, unknown>;
  makeThrowing(functions);
  Object.assign(Object.getPrototypeOf(native), functions);
}

/** The addon's file, once it is loaded. */
export function addonPath(): string {
  return path;
}
