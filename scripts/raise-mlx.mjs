// Raises MLX to another version: writes the locks and all that is made from
// MLX, then says what is new.
//
//   npm run raise-mlx -- 0.33.0
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPython, install, platformOf, runScript, SetupError } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const scripts = join(root, "scripts");
const api = join(root, "test", "upstream", "api.json");

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} [options]
 * @returns {string} what it printed, unless it is shown
 */
function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    ...options,
  });
  if (error !== undefined || status !== 0) {
    throw new SetupError(
      `${[command, ...args].join(" ")} failed. Put it right and run this again: what is done ` +
        `already stays as it is.\n${stderr ?? error ?? ""}`,
    );
  }
  return String(stdout ?? "");
}

/**
 * The hash of a wheel, which pip asks the index for.
 *
 * @param {string} requirement
 * @param {readonly string[]} tags pip's names of the platform
 * @returns {string}
 */
function hashOf(requirement, tags) {
  const report = run(findPython(), [
    ...["-m", "pip", "install", "--quiet", "--no-input", "--dry-run", "--ignore-installed"],
    ...["--no-deps", "--only-binary=:all:", "--target", join(root, ".mlx")],
    ...tags.flatMap((tag) => ["--platform", tag]),
    ...["--report", "-", requirement],
  ]);
  return JSON.parse(report).install[0].download_info.archive_info.hashes.sha256;
}

/**
 * Puts a version and its hashes into a lock.
 *
 * @param {string} lock
 * @param {string} name
 * @param {string} version
 * @param {readonly (readonly string[])[]} platforms the tags of each
 */
function writeLock(lock, name, version, platforms) {
  const path = join(scripts, lock);
  const hashes = platforms.map((tags) => hashOf(`${name}==${version}`, tags)).sort();
  const lines = [`${name}==${version}`, ...hashes.map((hash) => `    --hash=sha256:${hash}`)];
  const old = new RegExp(`^${name}==.*\\\\\\n(?: {4}--hash=.*\\\\\\n)* {4}--hash=.*$`, "m");
  const text = readFileSync(path, "utf8");
  if (!old.test(text)) {
    throw new SetupError(`scripts/${lock} has no ${name}.`);
  }
  writeFileSync(path, text.replace(old, lines.join(" \\\n")));
}

/**
 * Writes the reference's requirements, with the hashes of all wheels.
 *
 * @param {string} version
 */
function writeRequirements(version) {
  const path = join(root, "reference", "requirements.txt");
  const header = /^(?:#.*\n)*/.exec(readFileSync(path, "utf8"))?.[0] ?? "";
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const tags =
    process.platform === "darwin"
      ? ["macosx_11_0_arm64"]
      : [`manylinux_2_28_${machine}`, `manylinux_2_17_${machine}`];
  const folder = install({ lock: "uv.lock", tags }, { store: join(root, ".tools") });
  const data = readdirSync(folder).find((name) => name.endsWith(".data")) ?? "";
  const uv = join(folder, data, "scripts", "uv");
  chmodSync(uv, 0o755);
  const index = process.env["PIP_INDEX_URL"];
  run(
    uv,
    [
      ...["pip", "compile", "--quiet", "--universal", "--python-version", "3.10"],
      ...["--generate-hashes", "--no-header", "--no-annotate", "--no-cache"],
      // What the file names stays, but for MLX.
      ...["--output-file", path, "--upgrade-package", "mlx", "-"],
    ],
    {
      input: `mlx[cpu]==${version}\nnumpy\n`,
      env: { ...process.env, ...(index ? { UV_DEFAULT_INDEX: index } : {}) },
    },
  );
  const comment = header.replaceAll(/(?<=mlx\[cpu\]==)[\w.]+/g, version);
  writeFileSync(path, comment + readFileSync(path, "utf8"));
}

/** @typedef {Record<string, string | string[]>} Api */

/**
 * What is new, gone or otherwise between two versions.
 *
 * @param {Api} before
 * @param {Api} after
 * @returns {string[]}
 */
export function changes(before, after) {
  /** @param {string | string[] | undefined} entry */
  const text = (entry) => [entry ?? []].flat().join(" or ");
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name) => {
    const [old, now] = [text(before[name]), text(after[name])];
    if (old === now) {
      return [];
    }
    if (!(name in before)) {
      return [`new      ${name}: ${now}`];
    }
    return [name in after ? `changed  ${name}: ${old} is now ${now}` : `removed  ${name}`];
  });
}

/** @param {string} version */
function raise(version) {
  if (!/^\d+(\.\d+)+(\.post\d+)?$/.test(version)) {
    throw new SetupError("usage: npm run raise-mlx -- VERSION, such as 0.33.0");
  }
  // As committed: a second run says what the first one said.
  /** @type {Api} */
  const before = JSON.parse(run("git", ["show", "HEAD:test/upstream/api.json"])).api;
  const linux = /** @type {const} */ (["x64", "arm64"]).map(
    (arch) => platformOf({ platform: "linux", arch, glibc: "2.35" }).tags,
  );
  const mac = platformOf({ platform: "darwin", arch: "arm64", glibc: undefined }).tags;
  console.log("the locks");
  writeLock("linux.lock", "mlx-cpu", version, linux);
  writeLock("macos.lock", "mlx-metal", version, [mac, ["macosx_26_0_arm64"]]);
  writeLock("cuda.lock", "mlx-cuda-13", version, [["manylinux_2_35_x86_64"]]);
  writeRequirements(version);

  // Names first: they tell what a build that fails is about.
  console.log("the names and signatures");
  run(process.execPath, [join(scripts, "reference.mjs"), "upstream"], { stdio: "inherit" });
  const found = changes(before, JSON.parse(readFileSync(api, "utf8")).api);
  console.log(found.length === 0 ? "no name or signature changed" : found.join("\n"));

  for (const [what, script, ...args] of [
    ["the addon", "native.mjs"],
    ["its bindings", "bindings.mjs"],
    ["the golden values", "reference.mjs", "golden"],
  ]) {
    console.log(what);
    run(process.execPath, [join(scripts, String(script)), ...args], { stdio: "inherit" });
  }
  spawnSync(process.execPath, [join(scripts, "parity.mjs")], { stdio: "inherit" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => raise(process.argv[2] ?? ""));
}
