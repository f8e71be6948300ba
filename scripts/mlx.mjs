// Finds MLX for the build: where MLX_DIR or CMAKE_PREFIX_PATH say, or else the
// official binaries of the pinned version, which pip downloads, checks against
// a committed hash lock and which are then unpacked under .mlx/.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What went wrong and what to do about it; shown without a stack. */
export class SetupError extends Error {}

/**
 * Runs a script: a {@link SetupError} is printed, and makes its exit code 1.
 *
 * @param {() => unknown} main
 */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    console.error(`\nmlx-js: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/**
 * @typedef {object} Platform
 * @property {string} lock the hash lock's name in scripts/
 * @property {string[]} tags pip's names of the platform
 * @property {string} [instead] what one can do where there is no network
 */

/**
 * The platform's binaries.
 *
 * @param {{ platform: string, arch: string, glibc: string | undefined }} host
 * @returns {Platform}
 */
export function platformOf({ platform, arch, glibc }) {
  if (platform === "darwin" && arch === "arm64") {
    return { lock: "macos.lock", tags: ["macosx_14_0_arm64"] };
  }
  if (platform === "linux" && (arch === "x64" || arch === "arm64")) {
    if (glibc === undefined) {
      throw new SetupError(
        "MLX's binaries for Linux need glibc, and this system has another C library " +
          "(musl?). Use a distribution with glibc 2.35 or later, or build MLX yourself " +
          "and set MLX_DIR to the folder of its MLXConfig.cmake.",
      );
    }
    const [major = 0, minor = 0] = glibc.split(".").map(Number);
    if (major < 2 || (major === 2 && minor < 35)) {
      throw new SetupError(
        `MLX's binaries for Linux need glibc 2.35 or later, and this system has ${glibc}. ` +
          "Use a newer distribution (Debian 12, Ubuntu 22.04), or build MLX yourself and " +
          "set MLX_DIR to the folder of its MLXConfig.cmake.",
      );
    }
    const machine = arch === "x64" ? "x86_64" : "aarch64";
    return {
      lock: "linux.lock",
      tags: [`manylinux_2_35_${machine}`, `manylinux_2_28_${machine}`],
    };
  }
  throw new SetupError(
    `mlx-js has no binaries for ${platform} ${arch}. It runs on macOS 14 or later with ` +
      "Apple silicon and on Linux (x64 and arm64, glibc 2.35 or later). Elsewhere, build " +
      "MLX yourself and set MLX_DIR to the folder of its MLXConfig.cmake.",
  );
}

/** @returns {{ platform: string, arch: string, glibc: string | undefined }} */
function host() {
  const report = /** @type {any} */ (process.report.getReport());
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: report.header.glibcVersionRuntime,
  };
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return { ok: error === undefined && status === 0, text: `${stdout ?? ""}${stderr ?? ""}` };
}

/** @returns {string} a Python that has pip */
export function findPython() {
  for (const python of [process.env["PYTHON"], "python3", "python"]) {
    if (python && run(python, ["-c", "import sys; sys.exit(sys.version_info[0] != 3)"]).ok) {
      if (run(python, ["-m", "pip", "--version"]).ok) {
        return python;
      }
      throw new SetupError(
        `${python} has no pip, which downloads MLX's binaries. Install it ` +
          "(apt install python3-pip, or python3 -m ensurepip), or set MLX_DIR to an MLX " +
          "of your own.",
      );
    }
  }
  throw new SetupError(
    "Python 3 was not found; its pip downloads MLX's binaries. Install it (apt install " +
      "python3 python3-pip; on a Mac: xcode-select --install), or name it in PYTHON.",
  );
}

/**
 * @param {string} output what pip printed
 * @param {Platform} platform
 */
function downloadError(output, { lock, instead = "" }) {
  if (/DO NOT MATCH THE HASHES/.test(output)) {
    return new SetupError(
      `A download does not match its hash in scripts/${lock}, so it was not used. A mirror ` +
        "may serve another file under the same name: try without it.\n" +
        output.trim(),
    );
  }
  if (
    /NewConnectionError|ConnectTimeout|ProxyError|name resolution|from versions: none/.test(output)
  ) {
    return new SetupError(
      `pip reached no package index that has what scripts/${lock} names. Connect this ` +
        `machine, or point pip to a mirror (PIP_INDEX_URL).${instead} What is once unpacked is ` +
        `not downloaded again.\n${output.trim()}`,
    );
  }
  return new SetupError(`pip could not download what scripts/${lock} names:\n${output.trim()}`);
}

/**
 * Takes a file that only one process has at a time, unless what that one makes is there.
 *
 * @param {string} file
 * @param {string} made
 * @returns {boolean} whether it was taken
 */
function takeUnlessMade(file, made) {
  for (;;) {
    if (existsSync(made)) {
      return false;
    }
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") {
        throw error;
      }
    }
    if (!isHeld(file)) {
      // At worst two processes do this for the same file, and both make what one would have.
      rmSync(file, { force: true });
      continue;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
}

/**
 * Whether the process is there that took a file.
 *
 * @param {string} file
 */
function isHeld(file) {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    if (pid > 0) {
      process.kill(pid, 0);
      return true;
    }
    // Its name is written right after it was made.
    return Date.now() - statSync(file).mtimeMs < 10_000;
  } catch (error) {
    // Of a user whose processes cannot be asked for.
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * Downloads and unpacks what a lock names, unless it is there. Several processes at once do it once.
 *
 * @param {Platform} platform
 * @param {{ store?: string, locks?: string }} [places]
 * @returns {string} the folder
 */
export function install(platform, places = {}) {
  const { store = join(root, ".mlx"), locks = join(root, "scripts") } = places;
  // Another lock is another folder: a raised version downloads, and what was
  // built against the old one still finds it.
  const lock = readFileSync(join(locks, platform.lock));
  const digest = createHash("sha256").update(lock).digest("hex").slice(0, 8);
  const target = join(store, `${platform.tags[0]}-${digest}`);
  if (existsSync(target)) {
    return target;
  }
  const python = findPython();
  mkdirSync(store, { recursive: true });
  const taken = `${target}.pid`;
  if (!takeUnlessMade(taken, target)) {
    return target;
  }
  // Renamed when it is whole, so that an interrupted run leaves nothing behind
  // that looks ready.
  const work = mkdtempSync(join(store, "unfinished-"));
  try {
    console.error(`mlx-js: downloading what ${platform.lock} names`);
    const { ok, text } = run(python, [
      ...["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"],
      ...platform.tags.flatMap((tag) => ["--platform", tag]),
      ...["--dest", join(work, "wheels"), "--require-hashes"],
      ...["-r", join(locks, platform.lock)],
    ]);
    if (!ok) {
      throw downloadError(text, platform);
    }
    for (const wheel of readdirSync(join(work, "wheels"))) {
      const path = join(work, "wheels", wheel);
      const { ok, text } = run(python, ["-m", "zipfile", "-e", path, work]);
      if (!ok) {
        throw new SetupError(`${wheel} could not be unpacked:\n${text.trim()}`);
      }
    }
    rmSync(join(work, "wheels"), { recursive: true });
    try {
      renameSync(work, target);
    } catch (error) {
      // Another process was faster.
      if (!existsSync(target)) {
        throw error;
      }
    }
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
    rmSync(taken, { force: true });
  }
}

/** @returns {string | undefined} the folder of the user's own MLXConfig.cmake */
function ownMlx() {
  /** @param {string} folder */
  const has = (folder) => existsSync(join(folder, "MLXConfig.cmake"));
  const folder = process.env["MLX_DIR"];
  if (folder) {
    if (!has(folder)) {
      throw new SetupError(
        `MLX_DIR is ${folder}, where there is no MLXConfig.cmake. Set it to the folder that ` +
          "has it (<prefix>/share/cmake/MLX), or unset it to use the official binaries.",
      );
    }
    return resolve(folder);
  }
  return (process.env["CMAKE_PREFIX_PATH"] ?? "")
    .split(delimiter)
    .filter((prefix) => prefix !== "")
    .flatMap((prefix) =>
      ["share", "lib", "lib64"].map((part) => resolve(prefix, part, "cmake/MLX")),
    )
    .find(has);
}

/**
 * The CMake definitions with which the build finds MLX and OpenBLAS. Both are
 * always given, since CMake remembers those of the last build.
 *
 * @returns {{ MLX_DIR: string, OPENBLAS_DIR: string }}
 */
export function definitions() {
  const own = ownMlx();
  if (own !== undefined) {
    // It has a BLAS of its own.
    return { MLX_DIR: own, OPENBLAS_DIR: "" };
  }
  const platform = {
    ...platformOf(host()),
    instead: " Or set MLX_DIR to an MLX of your own.",
  };
  const folder = install(platform);
  return {
    MLX_DIR: join(folder, "mlx", "share", "cmake", "MLX"),
    OPENBLAS_DIR: process.platform === "linux" ? join(folder, "scipy_openblas32", "lib") : "",
  };
}
