// Runs the fuzzer in two processes, and again from the next target on where one
// crashes or hangs. Prints what was found and the commands that show it again,
// then how many calls were made. The kinds are those of fuzz/kinds.mjs.
// usage: fuzz.mjs [--seed N] [--runs M] [--kind KIND] [--only NAME] [--patience SECONDS] [--eval PROGRAM]

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { removeFolder } from "./folders.mjs";

const fuzzer = fileURLToPath(new URL("fuzz/fuzzer.mjs", import.meta.url));
const args = process.argv.slice(2);
const shares = args.includes("--eval") ? 1 : 2;
// How many seconds of the processor without progress are a hang: on a busy machine a
// program may wait for long until it runs. One that waits for ever takes none of them,
// so ten times as many on the clock are a hang, too.
const patience = args.includes("--patience")
  ? Number(args.splice(args.indexOf("--patience"), 2)[1])
  : 20;

/**
 * How many seconds processors have worked for a process so far.
 * @param {number} pid
 */
function worked(pid) {
  if (process.platform === "linux") {
    // Behind the name, which may have spaces; in hundredths.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
  // Minutes and seconds, perhaps after hours.
  const time = execFileSync("ps", ["-o", "time=", "-p", String(pid)], { encoding: "utf8" });
  return time.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
}

/** @typedef {{ found: string, target?: string, program: string, error?: string }} Finding */

/** @type {Finding[]} */
const findings = [];
const total = { calls: 0, refused: 0, targets: 0 };

/**
 * One process; gives the target to go on from, or undefined at the end.
 * @param {number} share
 * @param {number} from
 * @returns {Promise<number | undefined>}
 */
async function run(share, from) {
  const cwd = mkdtempSync(join(tmpdir(), "mlx-js-fuzz-"));
  const child = spawn(
    process.execPath,
    [fuzzer, "--share", `${share}/${shares}`, "--from", String(from), ...args],
    {
      cwd,
      env: { ...process.env, MLX_HOSTFILE: undefined, MLX_RANK: undefined },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const last = () => {
    try {
      return readFileSync(join(cwd, "program"), "utf8");
    } catch {
      return "before the first program";
    }
  };
  let hung = false;
  let seen = last();
  let since = { clock: performance.now(), work: 0 };
  const watch = setInterval(() => {
    let work = 0;
    try {
      work = worked(/** @type {number} */ (child.pid));
    } catch {
      return; // It has just ended.
    }
    const clock = performance.now();
    const now = last();
    if (now !== seen) {
      seen = now;
      since = { clock, work };
    } else if (work - since.work > patience || clock - since.clock > 10_000 * patience) {
      hung = true;
      child.kill("SIGKILL");
    }
  }, 1000);
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (!line.startsWith("{")) {
      return;
    }
    const message = JSON.parse(line);
    if (message.found) {
      findings.push(message);
    } else {
      total.calls += message.calls;
      total.refused += message.refused;
      total.targets = message.targets;
    }
  });
  // V8 says first what ended the process, then where it was.
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += stderr.length < 800 ? text : "";
  });
  /** @type {[number | null, string | null]} */
  const [code, signal] = await new Promise((resolve) =>
    child.once("close", (...how) => resolve(how)),
  );
  clearInterval(watch);
  const program = last();
  removeFolder(cwd);
  if (code === 0) {
    return undefined;
  }
  const found = hung ? "hang" : `crash (${signal ?? code})`;
  findings.push({ found, program: program.replace(/^\d+ /, ""), error: stderr.slice(0, 800) });
  const number = Number.parseInt(program, 10);
  return shares === 1 || Number.isNaN(number) ? undefined : number + 1;
}

await Promise.all(
  Array.from({ length: shares }, async (_, share) => {
    /** @type {number | undefined} */
    let from = 0;
    while (from !== undefined) {
      from = await run(share, from);
    }
  }),
);
for (const { found, target, program, error } of findings) {
  const again = `npm run fuzz -- --eval '${program?.replaceAll("'", "'\\''")}'`;
  console.log(`${found}${target ? ` in ${target}` : ""}: ${program}\n  ${error}\n  ${again}\n`);
}
console.log(JSON.stringify({ findings: findings.length, ...total }));
process.exitCode = findings.length === 0 ? 0 : 1;
