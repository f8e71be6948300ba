// Builds the addon: finds MLX and the tools, then leaves the rest to CMake.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { definitions, runScript, SetupError } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** @param {string} command @param {string[]} args @param {string} [input] */
function works(command, args, input = "") {
  const { status, error } = spawnSync(command, args, {
    input,
    stdio: ["pipe", "ignore", "ignore"],
  });
  return error === undefined && status === 0;
}

/**
 * Removes what CMake wrote for a checkout at another place, which it would refuse to go on with.
 *
 * @param {string} folder where CMake builds
 * @param {string} [checkout]
 */
export function forgetOtherPlace(folder, checkout = root) {
  const cache = join(folder, "CMakeCache.txt");
  if (!existsSync(cache)) {
    return;
  }
  const source = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, "utf8"))?.[1];
  if (source === undefined || !existsSync(source) || relative(source, checkout) !== "") {
    rmSync(folder, { recursive: true });
  }
}

/** Says which tool is missing, before CMake says it at length. */
export function checkTools() {
  if (!works("cmake", ["--version"])) {
    throw new SetupError(
      "CMake was not found; it builds the addon. Install version 3.22 or later " +
        "(apt install cmake, brew install cmake, or pip install cmake).",
    );
  }
  const compilers = process.env["CXX"] ? [process.env["CXX"]] : ["c++", "g++", "clang++"];
  const probe = "#include <concepts>\n#include <ranges>\n#include <version>\nint main() {}\n";
  const flags = ["-std=c++20", "-fsyntax-only", "-x", "c++", "-"];
  if (!compilers.some((compiler) => works(compiler, flags, probe))) {
    throw new SetupError(
      `No C++20 compiler was found (tried ${compilers.join(", ")}). Install one ` +
        "(apt install g++, on a Mac xcode-select --install), or name it in CXX.",
    );
  }
}

/**
 * Builds `build/Release/mlx.node`, or with `--CDMLX_JS_SANITIZE=memory` or `threads` what
 * scripts/sanitize.mjs runs.
 *
 * @param {string[]} options more for cmake-js: `--debug`, `--CDMLX_JS_BASIC_FINALIZERS=OFF`
 */
export function build(options) {
  checkTools();
  const watched = options
    .map((option) => /^--CDMLX_JS_SANITIZE=(.+)/.exec(option)?.[1])
    .find(Boolean);
  const out = join("build", watched ? `cmake-sanitize-${watched}` : "cmake");
  forgetOtherPlace(join(root, out));
  const found = Object.entries(definitions()).map(([name, value]) => `--CD${name}=${value}`);
  const cmakeJs = require.resolve("cmake-js/bin/cmake-js");
  // Two steps: cmake-js's `compile` keeps an old configuration, and after an
  // error it builds everything anew. A folder of its own: node-gyp's files lie
  // in build/, too.
  for (const step of ["configure", "build"]) {
    const args = [cmakeJs, step, "--out", out, "--log-level", "error"];
    const { status } = spawnSync(process.execPath, [...args, ...found, ...options], {
      cwd: root,
      stdio: "inherit",
    });
    if (status !== 0) {
      throw new SetupError("The addon was not built; the messages above say why.");
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => build(process.argv.slice(2)));
}
