"use strict";
// Before libmlx is loaded: NVIDIA's libraries, which it names, from wherever
// they are. `undefined` if all is there, or what is missing.
const { existsSync, readdirSync } = require("node:fs");
const { join } = require("node:path");
const { spawnSync } = require("node:child_process");
/** @type {{ open(name: string): string | undefined, devices(): number }} */
// @ts-ignore: scripts/package.mjs puts it there
const probe = require("./probe.node");

// Each with the wheel that has it.
const libraries = {
  "libnvrtc.so.13": "nvidia-cuda-nvrtc",
  "libcublasLt.so.13": "nvidia-cublas",
  "libcufft.so.12": "nvidia-cufft",
  "libcusolver.so.12": "nvidia-cusolver",
  "libcudnn.so.9": "nvidia-cudnn-cu13",
  "libnccl.so.2": "nvidia-nccl-cu13",
};

/** @param {string} folder @returns {string[]} */
function entries(folder) {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** The folders `nvidia` of Python's packages: of the environment that is active, or of `python3`. */
function wheels() {
  const { VIRTUAL_ENV, CONDA_PREFIX } = process.env;
  const prefixes = [VIRTUAL_ENV, CONDA_PREFIX, join(process.cwd(), ".venv")];
  const sites = prefixes
    .flatMap((prefix) => (prefix ? entries(join(prefix, "lib")) : []))
    .map((python) => join(python, "site-packages"));
  const code =
    "import site, sys; print('\\n'.join([*site.getsitepackages(), site.getusersitepackages()]))";
  const { stdout } = spawnSync("python3", ["-c", code], { encoding: "utf8" });
  return [...sites, ...(stdout ?? "").split("\n").filter(Boolean)]
    .map((site) => join(site, "nvidia"))
    .filter((folder) => existsSync(folder));
}

/** @returns {string | undefined} */
module.exports = function prepare() {
  const count = probe.devices();
  if (count < 1) {
    return count < 0
      ? "there is no driver of NVIDIA's that works (libcuda.so.1)"
      : "there is no NVIDIA GPU";
  }
  // The system's, and those in LD_LIBRARY_PATH.
  let missing = Object.keys(libraries).filter((name) => probe.open(name) !== undefined);
  if (missing.length > 0) {
    const found = wheels();
    const folders = found.flatMap(entries).map((part) => join(part, "lib"));
    // They need each other: once more for what was too early.
    for (let round = 0; round < 2; round++) {
      missing = missing.filter((name) =>
        folders.every((folder) => {
          const path = join(folder, name);
          return !existsSync(path) || probe.open(path) !== undefined;
        }),
      );
    }
    // MLX compiles kernels against CUDA's headers.
    const home = found.flatMap(entries).find((part) => existsSync(join(part, "include", "cuda.h")));
    if (home && !process.env["CUDA_HOME"] && !process.env["CUDA_PATH"]) {
      process.env["CUDA_HOME"] = home;
    }
  }
  if (missing.length === 0) {
    return undefined;
  }
  const names = missing.map((name) => libraries[/** @type {keyof typeof libraries} */ (name)]);
  return (
    `${missing.join(", ")} cannot be loaded from the system, LD_LIBRARY_PATH or Python's packages. ` +
    `Install CUDA 13 and cuDNN 9, or: pip install ${names.join(" ")} nvidia-cuda-runtime`
  );
};
