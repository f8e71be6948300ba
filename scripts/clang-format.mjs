// Formats native/, or with --check says what is not formatted.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { clangFormat } from "./tools.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

const files = readdirSync(join(root, "native"), { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(cpp|h)$/.test(file))
  .map((file) => join(root, "native", file));
const mode = process.argv.includes("--check") ? ["--dry-run", "--Werror"] : ["-i"];
const { status } = spawnSync(clangFormat(), [...mode, ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
