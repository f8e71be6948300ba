/**
 * Finds the addon: a local build, then the package for CUDA where it works, then
 * that of the platform. What it has to know of the process comes as a `Host`.
 */
import { dirname, join, sep } from "node:path";
import { withCode } from "./codes.js";
import { damageOf } from "./damage.js";
import { diagnosis } from "./diagnosis.js";
import { type Attempt, type Host, packagesFor, rootOf, Unavailable } from "./host.js";

/** What the main file of a platform's package exports; scripts/package.mjs writes it. */
interface PlatformPackage {
  readonly version: string;
  readonly folder: string;
  /** Its files, relative to the folder; the addon comes first. */
  readonly files: readonly string[];
  /** Loads what else is needed, and returns what is missing. */
  prepare?(): string | undefined;
}

/** An addon, and its file. */
export interface Found {
  readonly addon: unknown;
  readonly path: string;
}

type Outcome = Found | Attempt;

const isCuda = (name: string) => name.includes("-cuda");

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function loadFile(host: Host, name: string, path: string): Outcome {
  try {
    return { addon: host.load(path), path };
  } catch (cause) {
    return { name, kind: "failed", reason: messageOf(cause), cause };
  }
}

function local(host: Host): Outcome[] {
  const root = rootOf(host);
  // `MLX_JS_BUILD` names another build: `Sanitize` is that of scripts/sanitize.mjs.
  const chosen = host.env["MLX_JS_BUILD"];
  const builds = chosen ? [chosen] : ["Release", "Debug"];
  const paths = builds.map((build) => join("build", build, "mlx.node"));
  const path = root && paths.find((path) => host.exists(join(root, path)));
  if (root && path) {
    return [loadFile(host, path, join(root, path))];
  }
  // Whoever uses the package has no build, and need not hear of it.
  return chosen || (root && host.exists(join(root, "CMakeLists.txt")))
    ? paths.map((name) => ({ name, kind: "absent", reason: "not there" }))
    : [];
}

function isPlatformPackage(x: unknown): x is PlatformPackage {
  const found = x as Partial<PlatformPackage> | null | undefined;
  return (
    typeof found === "object" &&
    found !== null &&
    typeof found.version === "string" &&
    typeof found.folder === "string" &&
    Array.isArray(found.files)
  );
}

function isPart(x: unknown): boolean {
  const whole = ["version", "folder", "files", "prepare"];
  return typeof x === "object" && x !== null && Object.keys(x).every((key) => whole.includes(key));
}

/** Why a package is of no use, of which a file of JavaScript could not be required. */
function unavailable(host: Host, name: string, cause: unknown, file = "index.js"): Attempt {
  const reason = messageOf(cause);
  // The archive names it, so it was installed.
  if (reason.includes(".asar.unpacked")) {
    return { name, kind: "incomplete", reason, cause };
  }
  const code = (cause as { code?: unknown } | null)?.code;
  const [, missing] = /^Cannot find (?:module|package) ['"](.+?)['"]/.exec(reason) ?? [];
  if (missing !== undefined && missing !== name) {
    return { name, kind: "incomplete", reason: `it lacks ${missing}`, cause };
  }
  if (
    code === "MODULE_NOT_FOUND" ||
    code === "ERR_MODULE_NOT_FOUND" ||
    // Yarn's Plug'n'Play and bundlers have texts of their own.
    (code === undefined && reason.includes(name))
  ) {
    // Bun says this of a package whose main file is missing, too, and Node of an empty folder.
    const folder = folderOf(host, name);
    if (folder !== undefined && !host.exists(join(folder, file))) {
      return { name, kind: "incomplete", reason: `${folder} lacks ${file}`, cause };
    }
    const rest = isCuda(name) ? " (optional)" : "";
    return { name, kind: "absent", reason: `not installed${rest}`, cause };
  }
  if (code === "EACCES" || code === "EPERM") {
    return { name, kind: "unreadable", reason, cause };
  }
  if (code !== undefined) {
    return { name, kind: "incomplete", reason, cause };
  }
  // Where a text stops being JavaScript, its stack begins with.
  const [place = file] = isSyntaxError(cause) ? (cause.stack?.split("\n") ?? []) : [];
  return { name, kind: "incomplete", reason: `${place}: ${reason}`, cause };
}

/** Where a package is installed, whether or not it is whole. */
function folderOf(host: Host, name: string): string | undefined {
  for (let at = rootOf(host); at !== undefined; ) {
    const folder = join(at, "node_modules", name);
    if (host.exists(folder)) {
      return folder;
    }
    const above = dirname(at);
    at = above === at ? undefined : above;
  }
  return undefined;
}

function isSyntaxError(error: unknown): error is Error {
  return error instanceof Error && error.name === "SyntaxError";
}

/** What is wrong with the files of a package. */
function damaged(host: Host, name: string, folder: string, files: readonly string[]) {
  for (const file of files) {
    const path = join(folder, file);
    try {
      const damage = damageOf(host.beginning(path), host.arch);
      if (damage !== undefined) {
        return { name, kind: "incomplete", reason: `${path} ${damage}` } as const;
      }
    } catch (cause) {
      return (cause as { code?: unknown } | null)?.code === "ENOENT"
        ? ({ name, kind: "incomplete", reason: `${folder} lacks ${file}`, cause } as const)
        : ({ name, kind: "unreadable", reason: messageOf(cause), cause } as const);
    }
  }
  return undefined;
}

/** Electron keeps what must be a real file beside its archive. */
function unpacked(folder: string): string {
  return folder.replace(/\.asar(?=[\\/])/, ".asar.unpacked");
}

function fromPackage(host: Host, name: string): Outcome {
  const found = host.packages[name]?.();
  if (found instanceof Unavailable) {
    return unavailable(host, name, found.cause);
  }
  if (found === undefined) {
    return { name, kind: "absent", reason: "there is no such package" };
  }
  if (!isPlatformPackage(found)) {
    // What is left of a file that was cut short; an empty record may also be a bundler's.
    if (rootOf(host) !== undefined && isPart(found)) {
      return { name, kind: "incomplete", reason: "its index.js is empty, or was cut short" };
    }
    return { name, kind: "foreign", reason: "a bundler has put something else in its place" };
  }
  if (found.version !== host.version) {
    return {
      name,
      kind: "version",
      reason: `its version is ${found.version}, not ${host.version}`,
    };
  }
  const folder = unpacked(found.folder);
  // Metal's kernels may lie elsewhere.
  const own = host.env["MLX_JS_METALLIB"];
  if (own && host.platform === "darwin" && !host.exists(own)) {
    return { name: "MLX_JS_METALLIB", kind: "foreign", reason: `there is no file ${own}` };
  }
  const files = found.files.filter((file) => !(own && file.endsWith(".metallib")));
  const damage = damaged(host, name, folder, files);
  if (damage !== undefined) {
    return damage;
  }
  let lacks: string | undefined;
  try {
    lacks = found.prepare?.();
  } catch (cause) {
    return unavailable(host, name, cause, "prepare.js");
  }
  if (lacks !== undefined) {
    return { name, kind: "unprepared", reason: lacks };
  }
  const path = join(folder, found.files[0] ?? "");
  const outcome = loadFile(host, name, path);
  const metallib = own || join(dirname(path), "mlx.metallib");
  if ("addon" in outcome && host.platform === "darwin" && host.exists(metallib)) {
    // MLX looks beside its library, wherever a packed application has that from.
    (outcome.addon as { set_metallib_path(path: string): void }).set_metallib_path(metallib);
  }
  return outcome;
}

/** What to try, in this order, where `MLX_JS_BACKEND` is what it is. */
function* outcomes(host: Host): Generator<Outcome> {
  const fitting = packagesFor(host);
  const cuda = Object.keys(host.packages).filter(
    (name) => isCuda(name) && name.startsWith(`${fitting[0]}-`),
  );
  const named: Record<string, (() => Iterable<Outcome>) | undefined> = {
    local: () => local(host),
    cuda: () => tried(cuda.length > 0 ? cuda : [`${fitting[0]}-cuda`]),
    [host.platform === "darwin" ? "metal" : "cpu"]: () => tried(fitting),
  };
  function* tried(names: readonly string[]) {
    for (const name of names) {
      yield fromPackage(host, name);
    }
  }
  const forced = host.env["MLX_JS_BACKEND"];
  if (forced) {
    const only = named[forced];
    if (only === undefined) {
      const known = Object.keys(named).join(", ");
      const reason = `it is ${JSON.stringify(forced)}, and here it can be: ${known}`;
      yield { name: "MLX_JS_BACKEND", kind: "foreign", reason };
      return;
    }
    yield* only();
    return;
  }
  yield* local(host);
  yield* tried(cuda);
  yield* tried(fitting);
}

/** The addon, or an error that says what to do. */
export function findAddon(host: Host): Found {
  const attempts: Attempt[] = [];
  for (const outcome of outcomes(host)) {
    if ("addon" in outcome) {
      for (const { name, kind, reason } of attempts) {
        if (isCuda(name) && kind !== "absent") {
          host.warn(
            `mlx-js computes on the CPU, though ${name} is installed: ${reason}. ` +
              "MLX_JS_BACKEND=cpu asks for that, without this warning.",
          );
        }
      }
      return outcome;
    }
    attempts.push(outcome);
    // What is there and does not load is not passed over for something older.
    if (outcome.kind === "failed" && outcome.name.startsWith(`build${sep}`)) {
      break;
    }
  }
  const cause = attempts.findLast(({ cause }) => cause !== undefined)?.cause;
  throw withCode(
    new Error(diagnosis(host, attempts), cause === undefined ? {} : { cause }),
    "ERR_MLX_NOT_LOADED",
  );
}
