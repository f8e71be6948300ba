// Compares packages with scripts/package/contents.json: the files, how large
// they are, and what the binaries among them need, look for and run on.
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython, install, SetupError } from "../mlx.mjs";
import { unclaimed, unnamed } from "./licenses.mjs";
import { filesBelow, platforms, shortName } from "./platforms.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const list = join(root, "scripts", "package", "contents.json");

/** What the binaries of a folder are, where this machine can tell. @param {string} folder */
function binariesOf(folder) {
  const paths = filesBelow(folder).filter((path) => /\.(node|dylib|so)(\.|$)/.test(path));
  if (paths.length === 0) {
    return {};
  }
  const tools = install(
    { lock: "lief.lock", tags: ["manylinux_2_28_x86_64"] },
    { store: join(root, ".tools") },
  );
  const script = join(root, "scripts", "package", "binaries.py");
  const { status, stdout, stderr } = spawnSync(findPython(), [script, folder, ...paths], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, PYTHONPATH: tools },
  });
  if (status !== 0) {
    throw new SetupError(`The binaries of ${folder} could not be read:\n${stderr}`);
  }
  return JSON.parse(stdout);
}

/** Many files that change together are told by their folder. @param {string} path */
function group(path) {
  const [folder] = /^(dist|mlx\/include\/\w+)(?=\/)/.exec(path) ?? [];
  return folder ? `${folder}/**/*${/(\.d)?\.\w+$/.exec(path)?.[0] ?? ""}` : path;
}

/** @param {number} bytes in megabytes, to one digit */
function megabytes(bytes) {
  return Number((bytes / 1e6).toFixed(1));
}

/** @param {string} name @param {string} tarball */
function describe(name, tarball) {
  const folder = join(root, "dist-packages", "stage", shortName(name));
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = filesBelow(folder);
  const sizes = files.map((path) => statSync(join(folder, path)).size);
  const { os, cpu, libc, dependencies = {}, optionalDependencies = {} } = manifest;
  return {
    packed: megabytes(statSync(tarball).size),
    unpacked: megabytes(sizes.reduce((sum, size) => sum + size, 0)),
    manifest: {
      ...{ os, cpu, libc },
      dependencies: Object.keys({ ...dependencies, ...optionalDependencies }),
    },
    files: [...new Set(files.map(group))].sort(),
    binaries: binariesOf(folder),
  };
}

/** @param {unknown} value @param {string} path @returns {[string, unknown][]} */
function leaves(value, path) {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, part]) => leaves(part, `${path} ${name}`))
    : [[path, value]];
}

/** Sizes may differ a little: compilers do. @param {unknown} a @param {unknown} b */
function same(a, b) {
  return typeof a === "number" && typeof b === "number"
    ? Math.abs(a - b) <= Math.max(0.2, 0.1 * b)
    : JSON.stringify(a) === JSON.stringify(b);
}

/**
 * @param {unknown} found
 * @param {unknown} expected
 * @param {string} name
 */
export function differencesOf(found, expected, name) {
  const now = new Map(leaves(JSON.parse(JSON.stringify(found)), name));
  const before = new Map(leaves(expected ?? {}, name));
  return [...new Set([...now.keys(), ...before.keys()])].flatMap((path) => {
    const [a, b] = [now.get(path), before.get(path)];
    if (same(a, b)) {
      return [];
    }
    if (Array.isArray(a) && Array.isArray(b)) {
      const more = a.filter((part) => !b.includes(part)).map((part) => `has ${part}`);
      const fewer = b.filter((part) => !a.includes(part)).map((part) => `lacks ${part}`);
      return [...more, ...fewer].map((text) => `${path} ${text}`);
    }
    return [`${path} is ${JSON.stringify(a)}, not ${JSON.stringify(b)}`];
  });
}

/**
 * @param {{ name: string, tarball: string }[]} packages
 * @param {{ write: boolean }} options
 * @returns {string[]} what is not as the list has it
 */
export function check(packages, { write }) {
  const expected = JSON.parse(readFileSync(list, "utf8"));
  const differences = packages.flatMap(({ name, tarball }) => {
    const found = describe(name, tarball);
    // Nothing excuses these.
    const faults = Object.entries(found.binaries).flatMap(([path, { unresolved }]) =>
      unresolved.map((/** @type {string} */ symbol) => `${name} ${path}: nothing has ${symbol}`),
    );
    if (platforms.some((platform) => platform.name === name)) {
      const folder = join(root, "dist-packages", "stage", shortName(name));
      const files = filesBelow(folder);
      faults.push(...unclaimed(name, files, found.binaries), ...unnamed(name, folder, files));
    }
    if (name === "mlx-js" && statSync(tarball).size > 1e6) {
      faults.push("mlx-js is larger than 1 MB");
    }
    if (faults.length > 20) {
      faults.length = 20;
    }
    // mlx-js grows with each function; its limit is above.
    const { packed, unpacked, ...rest } = found;
    console.log(`${name}: ${packed} MB packed, ${unpacked} MB unpacked`);
    const listed = name === "mlx-js" ? rest : found;
    const changed = differencesOf(listed, expected[name], name);
    if (write) {
      expected[name] = listed;
    }
    return [...faults, ...(write ? [] : changed)];
  });
  if (write) {
    writeFileSync(list, `${JSON.stringify(expected, null, 2)}\n`);
  }
  return differences;
}
