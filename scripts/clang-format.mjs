// Formats native/, or with --check says what is not formatted. The program
// comes from its wheel, like MLX itself.

import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { install } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
const tags =
  process.platform === "darwin"
    ? ["macosx_11_0_arm64"]
    : [`manylinux_2_17_${machine}`, `manylinux2014_${machine}`];
const folder = install({ lock: "tools.lock", tags }, { store: join(root, ".tools") });
const clangFormat = join(folder, "clang_format", "data", "bin", "clang-format");
chmodSync(clangFormat, 0o755);

const files = readdirSync(join(root, "native"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(cpp|h)$/.test(file))
  .map((file) => join(root, "native", file));
const mode = process.argv.includes("--check") ? ["--dry-run", "--Werror"] : ["-i"];
const { status } = spawnSync(clangFormat, [...mode, ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
