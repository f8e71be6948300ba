/** Opens the addon in this process. Its file is one of its own: the rest of the package comes while libraries are linked. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { release } from "node:os";
import { dirname, join } from "node:path";
import type { Beginning } from "./damage.js";
import { type Host, Unavailable } from "./host.js";
import { type Found, findAddon } from "./loader.js";

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

/**
 * What this process is like.
 *
 * @param meanwhile What there is to do while libraries are linked. It throws nothing.
 */
export function host(meanwhile = () => {}): Host {
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
    load: (path) => loadAddon(path, meanwhile),
    warn: (message) => process.emitWarning(message),
  };
}

function loadAddon(path: string, meanwhile: () => void): unknown {
  const restore = withoutThreads();
  try {
    const finish = linkAhead(path);
    meanwhile();
    finish();
    return load(path);
  } finally {
    restore();
  }
}

// OpenBLAS, which the addon brings under Linux, makes a thread for each processor as it is
// loaded, and these spin for a while. This has it make none: the addon does when there is
// something to compute (native/linux/blas.cpp), which knows by the words that this was
// not the user's; OpenBLAS reads the number alone. Not in workers: most have an environment of
// their own, and one that is ended meanwhile would leave the process's as it is. There, or where the
// environment is frozen, there are threads at once.
function withoutThreads(): () => void {
  const { env, platform } = process;
  const name = "OPENBLAS_DEFAULT_NUM_THREADS";
  const words = "1 until mlx-js computes";
  const chosen = ["OPENBLAS_NUM_THREADS", name, "GOTO_NUM_THREADS", "OMP_NUM_THREADS"];
  // A process that this one starts meanwhile inherits the words.
  const isFree = (name: string) => env[name] === undefined || env[name] === words;
  if (platform !== "linux" || isWorker() || !chosen.every(isFree)) {
    return () => {};
  }
  Reflect.set(env, name, words);
  return () => Reflect.deleteProperty(env, name);
}

// Node says so of what workers cannot do; to load `node:worker_threads` takes 2 ms.
function isWorker(): boolean {
  return (process.chdir as { disabled?: boolean } | undefined)?.disabled === true;
}

// `require` looks for the file first, which takes longer than the rest.
function load(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}

/** What native/linux/ahead.cpp exports. */
interface Ahead {
  start(path: string): boolean;
  finish(): void;
}

// Has another thread link libraries, where there is what it takes, and gives what waits for it.
// Constructors of OpenBLAS and others read the environment then, so nobody may change it before the end.
function linkAhead(path: string): () => void {
  const file = join(dirname(path), "ahead.node");
  if (existsSync(file)) {
    try {
      const ahead = load(file) as Ahead;
      if (ahead.start(path)) {
        return ahead.finish;
      }
    } catch {
      // The addon says what is wrong.
    }
  }
  return () => {};
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

let found: Found | undefined;

/** The addon, which is loaded once. */
export function openAddon(meanwhile?: () => void): Found {
  found ??= findAddon(host(meanwhile));
  return found;
}

/** The main file of the package, which comes while the addon is loaded, and has it then. */
export function opened<Main extends { load(): void }>(main: () => Main): Main {
  let result = main;
  openAddon(() => {
    try {
      const value = main();
      result = () => value;
    } catch (error) {
      result = () => {
        throw error;
      };
    }
  });
  const value = result();
  value.load();
  return value;
}
