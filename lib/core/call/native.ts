/** The addon, and how its failures become errors. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { release } from "node:os";
import { types } from "node:util";
import { type Bindings, results } from "./bindings.js";
import { type ErrorCode, withCode } from "./codes.js";
import type { Beginning } from "./damage.js";
import { type Host, Unavailable } from "./host.js";
import { findAddon } from "./loader.js";
import { isRecord } from "./objects.js";

/** The version in package.json, which scripts/bundle.mjs puts here. */
declare const MLX_JS_VERSION: string;

// Each `require` names its package and stands in a `try`: bundlers and tools that
// copy what a program needs read the text, and so learn which packages there are
// and that each may be missing.
const packages: Host["packages"] = {
  "@mlx-js/darwin-arm64": () => {
    try {
      return require("@mlx-js/darwin-arm64");
    } catch (error) {
      return new Unavailable(error);
    }
  },
  "@mlx-js/darwin-arm64-macos26": () => {
    try {
      return require("@mlx-js/darwin-arm64-macos26");
    } catch (error) {
      return new Unavailable(error);
    }
  },
  "@mlx-js/linux-arm64": () => {
    try {
      return require("@mlx-js/linux-arm64");
    } catch (error) {
      return new Unavailable(error);
    }
  },
  "@mlx-js/linux-x64": () => {
    try {
      return require("@mlx-js/linux-x64");
    } catch (error) {
      return new Unavailable(error);
    }
  },
  "@mlx-js/linux-x64-cuda13": () => {
    try {
      return require("@mlx-js/linux-x64-cuda13");
    } catch (error) {
      return new Unavailable(error);
    }
  },
};

/** What this process is like. */
export function host(): Host {
  return {
    platform: process.platform,
    arch: process.arch,
    get glibc() {
      return glibc();
    },
    release: release(),
    versions: process.versions,
    env: process.env,
    version: MLX_JS_VERSION,
    file: typeof __filename === "string" ? __filename : undefined,
    packages,
    exists: existsSync,
    beginning,
    load: loadAddon,
    warn: (message) => process.emitWarning(message),
  };
}

// OpenBLAS, which the addon brings under Linux, makes a thread for each processor as it is
// loaded, and these spin for a while. This has it make none: the addon does when there is
// something to compute (native/linux/blas.cpp), which knows by the words that this was
// not the user's; OpenBLAS reads the number alone. Where it has no effect, as in workers, whose
// environment is a copy, or with one that is frozen, there are threads at once.
function loadAddon(path: string): unknown {
  const { env, platform } = process;
  const name = "OPENBLAS_DEFAULT_NUM_THREADS";
  const chosen = ["OPENBLAS_NUM_THREADS", name, "GOTO_NUM_THREADS", "OMP_NUM_THREADS"];
  if (platform !== "linux" || chosen.some((name) => env[name] !== undefined)) {
    return require(path);
  }
  Reflect.set(env, name, "1 until mlx-js computes");
  try {
    return require(path);
  } finally {
    Reflect.deleteProperty(env, name);
  }
}

function beginning(path: string): Beginning {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(4096);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    return { bytes: bytes.subarray(0, length), size: fstatSync(file).size };
  } finally {
    closeSync(file);
  }
}

// A report takes a while, and only errors tell of it.
function glibc(): string | undefined {
  const report = process.report?.getReport() as
    | { header?: { glibcVersionRuntime?: string } }
    | undefined;
  return report?.header?.glibcVersionRuntime;
}

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
    const found = findAddon(host());
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
