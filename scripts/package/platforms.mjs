// The packages: what each is for, and what goes into it.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { linuxArm64, macosArm64 } from "../cross.mjs";
import { install, platformOf, SetupError } from "../mlx.mjs";
import { build } from "../native.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * @typedef {object} Package a package of one platform
 * @property {string} name
 * @property {string} title what it is for
 * @property {boolean} optional whether mlx-js depends on it
 * @property {{ os: string[], cpu: string[], libc?: string[] }} fits
 * @property {() => Record<string, string>} files where each file comes from
 */

/** The addon of this machine, linked to be moved. */
function hostAddon() {
  build([]);
  const args = ["--build", join(root, "build", "cmake"), "--target", "addon-package"];
  const { status } = spawnSync("cmake", args, {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) {
    throw new SetupError("The packages' addon was not linked; the messages above say why.");
  }
  return join(root, "build", "cmake", "package", "mlx.node");
}

/**
 * @param {string} platform
 * @param {() => string} cross
 */
function addonFor(platform, cross) {
  return platform === `${process.platform}-${process.arch}` ? hostAddon() : cross();
}

/** All files below a folder, relative to it. @param {string} folder */
export function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true, encoding: "utf8" })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** The headers that MLX compiles its kernels for CPUs with. @param {string} include */
function kernelHeaders(include) {
  const found = new Set(["mlx/backend/cpu/compiled_preamble.h"]);
  for (const header of found) {
    const text = readFileSync(join(include, header), "utf8");
    for (const [, name = ""] of text.matchAll(/^\s*#\s*include "(mlx\/[^"]+)"/gm)) {
      found.add(name);
    }
  }
  return [...found];
}

/**
 * What a wheel of MLX has, at the places that it has there: libraries and
 * programs find each other by them.
 *
 * @param {string} wheel
 * @param {(include: string) => string[]} headers
 * @returns {Record<string, string>}
 */
function fromWheel(wheel, headers) {
  const include = join(wheel, "mlx", "include");
  const folders = readdirSync(wheel).filter((name) => /^mlx_.*\.libs$/.test(name));
  const libraries = filesBelow(join(wheel, "mlx", "lib")).filter((name) => !name.includes("cmake"));
  const paths = [
    ...libraries.map((name) => join("mlx", "lib", name)),
    ...folders.flatMap((folder) =>
      filesBelow(join(wheel, folder)).map((name) => join(folder, name)),
    ),
    ...headers(include).map((name) => join("mlx", "include", name)),
  ];
  return Object.fromEntries(paths.map((path) => [path, join(wheel, path)]));
}

/** @param {string} wheel */
function openBlas(wheel) {
  const [info = ""] = readdirSync(wheel).filter((name) => /^scipy_openblas32-.*info$/.test(name));
  return {
    "mlx/lib/libscipy_openblas.so": join(wheel, "scipy_openblas32", "lib", "libscipy_openblas.so"),
    "licenses/OpenBLAS.txt": join(wheel, info, "licenses", "LICENSE.txt"),
  };
}

/** @param {"x64" | "arm64"} arch */
function linux(arch) {
  const addon = addonFor(`linux-${arch}`, arch === "arm64" ? linuxArm64 : noCross);
  const wheel = install(platformOf({ platform: "linux", arch, glibc: "2.35" }));
  return {
    "mlx/lib/mlx.node": addon,
    ...(arch === "x64" && { "mlx/lib/ahead.node": join(dirname(addon), "ahead.node") }),
    ...fromWheel(wheel, kernelHeaders),
    ...openBlas(wheel),
  };
}

/** @param {number} version */
function macos(version) {
  const addon = addonFor("darwin-arm64", macosArm64);
  const wheel = install({ lock: "macos.lock", tags: [`macosx_${version}_0_arm64`] });
  return { "mlx/lib/mlx.node": addon, ...fromWheel(wheel, kernelHeaders) };
}

/** @returns {never} */
function noCross() {
  throw new SetupError("The packages for Linux x64 are made on Linux x64.");
}

/** The headers that kernels for NVIDIA GPUs are compiled with, among others. @param {string} include */
function cudaHeaders(include) {
  return filesBelow(include).filter((path) => !path.startsWith("mlx/backend/metal/"));
}

function cuda() {
  const addon = addonFor("linux-x64", noCross);
  const wheel = install({ lock: "cuda.lock", tags: ["manylinux_2_35_x86_64"] });
  const cpu = install(platformOf({ platform: "linux", arch: "x64", glibc: "2.35" }));
  return {
    "mlx/lib/mlx.node": addon,
    "probe.node": join(dirname(addon), "probe.node"),
    "prepare.js": join(root, "scripts", "package", "cuda.cjs"),
    ...fromWheel(wheel, cudaHeaders),
    ...openBlas(cpu),
  };
}

/** @type {Package[]} */
export const platforms = [
  {
    name: "@mlx-js/linux-x64",
    title: "Linux x64, on the CPU",
    optional: true,
    fits: { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
    files: () => linux("x64"),
  },
  {
    name: "@mlx-js/linux-arm64",
    title: "Linux arm64, on the CPU",
    optional: true,
    fits: { os: ["linux"], cpu: ["arm64"], libc: ["glibc"] },
    files: () => linux("arm64"),
  },
  {
    name: "@mlx-js/darwin-arm64",
    title: "macOS 14 or later on Apple silicon, with Metal",
    optional: true,
    fits: { os: ["darwin"], cpu: ["arm64"] },
    files: () => macos(14),
  },
  {
    name: "@mlx-js/darwin-arm64-macos26",
    title: "macOS 26 or later on Apple silicon, with Metal and the kernels for newer GPUs",
    optional: false,
    fits: { os: ["darwin"], cpu: ["arm64"] },
    files: () => macos(26),
  },
  {
    name: "@mlx-js/linux-x64-cuda13",
    title: "Linux x64, on NVIDIA GPUs with CUDA 13",
    optional: false,
    fits: { os: ["linux"], cpu: ["x64"], libc: ["glibc"] },
    files: cuda,
  },
];

/** The folder and the tarball's name of a package. @param {string} name */
export function shortName(name) {
  return name.startsWith("@") ? `mlx-js-${basename(name)}` : name;
}
