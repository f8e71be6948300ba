// Checks the workflows for GitHub: their form, expressions and shell scripts.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { actionlint, shellcheck } from "./tools.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const options = ["-shellcheck", shellcheck(), "-pyflakes", ""];
const { status } = spawnSync(actionlint(), options, { cwd: root, stdio: "inherit" });
process.exitCode = status ?? 1;
