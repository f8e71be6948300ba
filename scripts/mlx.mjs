// Finds MLX for the build: where MLX_DIR or CMAKE_PREFIX_PATH say, or else the
// official binaries of the pinned version, which pip downloads, checks against
// a committed hash lock and which are then unpacked under .mlx/.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What went wrong and what to do about it; shown without a stack. */
export class SetupError extends Error {}

/**
 * @typedef {object} Platform
 * @property {string} lock the hash lock's name in scripts/
 * @property {string[]} tags pip's names of the platform
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
function findPython() {
  for (const python of [process.env.PYTHON, "python3", "python"]) {
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
 * @param {string} lock
 */
function downloadError(output, lock) {
  if (/DO NOT MATCH THE HASHES/.test(output)) {
    return new SetupError(
      `A download does not match its hash in scripts/${lock}, so it was not used. A mirror ` +
        "may serve another file under the same name: try without it.\n" +
        output.trim(),
    );
  }
  if (
    /NewConnectionError|Max retries|name resolution|ConnectTimeout|ProxyError|Errno 1/.test(output)
  ) {
    return new SetupError(
      "MLX's binaries could not be downloaded: pip reached no package index. Connect this " +
        "machine, point pip to a mirror (PIP_INDEX_URL), or set MLX_DIR to an MLX of your " +
        `own. Once they are under .mlx/, builds need no network.\n${output.trim()}`,
    );
  }
  return new SetupError(`pip could not download what scripts/${lock} names:\n${output.trim()}`);
}

/**
 * Downloads and unpacks what a lock names, unless it is there.
 *
 * @param {Platform} platform
 * @param {{ store?: string, locks?: string }} [places]
 * @returns {string} the folder
 */
export function install(platform, places = {}) {
  const { store = join(root, ".mlx"), locks = join(root, "scripts") } = places;
  const target = join(store, /** @type {string} */ (platform.tags[0]));
  if (existsSync(target)) {
    return target;
  }
  const python = findPython();
  mkdirSync(store, { recursive: true });
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
      throw downloadError(text, platform.lock);
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
      // Another build was faster.
      if (!existsSync(target)) {
        throw error;
      }
    }
    return target;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The CMake definitions with which the build finds MLX and OpenBLAS.
 *
 * @returns {Record<string, string>}
 */
export function definitions() {
  // An MLX of the user's own, which CMake finds by itself, has its own BLAS.
  if (process.env.MLX_DIR || process.env.CMAKE_PREFIX_PATH) {
    return {};
  }
  const platform = platformOf(host());
  const folder = install(platform);
  const mlx = { MLX_DIR: join(folder, "mlx", "share", "cmake", "MLX") };
  return process.platform === "linux"
    ? { ...mlx, OPENBLAS_DIR: join(folder, "scipy_openblas32", "lib") }
    : mlx;
}
