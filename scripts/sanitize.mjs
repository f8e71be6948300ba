// Runs the tests, or the fuzzer, with an addon of AddressSanitizer and
// UndefinedBehaviorSanitizer, or of ThreadSanitizer, and fails if they report
// anything.
// usage: sanitize.mjs [--threads] [--guard] [--fuzz] [options of vitest or of the fuzzer]
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, SetupError } from "./mlx.mjs";
import { build } from "./native.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the addon is watched for, and where it is built. */
const watches = /** @type {const} */ ({
  memory: { build: "Sanitize", library: "libasan.so" },
  threads: { build: "SanitizeThreads", library: "libtsan.so" },
});

/** @typedef {keyof typeof watches} Watched */

/** @param {Watched} watched */
const reportsOf = (watched) => join(root, "build", watches[watched].build, "reports");

/**
 * A library that comes with the compiler.
 * @param {string} compiler
 * @param {string} name
 */
function library(compiler, name) {
  const { stdout, error } = spawnSync(compiler, [`-print-file-name=${name}`], { encoding: "utf8" });
  // A name that it does not know comes back as it is.
  const path = error ? "" : stdout.trim();
  if (!isAbsolute(path)) {
    throw new SetupError(
      `${compiler} has no ${name}, which sanitizers need. Install g++ with its libraries ` +
        "(apt install g++), or name one that has them in CXX.",
    );
  }
  return path;
}

/**
 * What makes a process load the addon with sanitizers, and where they write.
 * @param {Watched} watched
 */
function environment(watched) {
  if (process.platform !== "linux") {
    throw new SetupError(
      "The tests with sanitizers run under Linux: they preload g++'s libraries.",
    );
  }
  const compiler = process.env["CXX"] ?? "g++";
  // The sanitizer has to be there before everything else, and to find the
  // C++ library, which Node does not load, when it looks for what it replaces.
  const { build, library: sanitizer } = watches[watched];
  const preload = [sanitizer, "libstdc++.so.6"].map((name) => library(compiler, name));
  if (watched === "threads") {
    // Threads that go deep would leave their stacks, of which it takes a part.
    preload.push(join(root, "build", build, "thread-room.so"));
  }
  const log = `log_path=${join(reportsOf(watched), "report")}`;
  // What is too large is an error of ours, not the sanitizer's.
  const may = "allocator_may_return_null=1";
  // Who is not built with it, as libmlx and Node, has counters and flags of which it
  // sees nothing, but locks and frees memory as we do.
  const tsan = [log, may, "ignore_interceptors_accesses=1", "exitcode=0", "report_signal_unsafe=0"];
  // Both libraries set where reports go to. Those of undefined behaviour still
  // go to stderr; so each report also ends its process in a way that no test
  // takes for another.
  const both = [log, "abort_on_error=1"];
  const asan = [
    ...both,
    // Node and V8 leave much to the end of the process.
    "detect_leaks=0",
    may,
  ];
  const ubsan = [...both, "print_stacktrace=1"];
  return {
    ...{ MLX_JS_BUILD: build, MLX_TEST_RUNTIMES: "none" },
    ...{ LD_PRELOAD: preload.join(":") },
    ...{ ASAN_OPTIONS: asan.join(":"), UBSAN_OPTIONS: ubsan.join(":") },
    TSAN_OPTIONS: tsan.join(":"),
  };
}

/** Every report, as a text. @param {string} folder */
function reports(folder) {
  return readdirSync(folder).flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    // Warnings, of memory that was not there say, are no reports.
    return /ERROR: |runtime error: |WARNING: ThreadSanitizer: (?!allocation-size)/.test(text)
      ? [`${join(folder, name)}:\n${text}`]
      : [];
  });
}

/** @param {string[]} args */
function main(args) {
  const { guard, fuzz, rest } = {
    guard: args.includes("--guard"),
    fuzz: args.includes("--fuzz"),
    rest: args.filter((arg) => !["--guard", "--fuzz", "--threads"].includes(arg)),
  };
  const watched = args.includes("--threads") ? "threads" : "memory";
  const folder = reportsOf(watched);
  const env = { ...process.env, ...environment(watched), ...(guard && { MLX_JS_GUARD: "1" }) };
  build([`--CDMLX_JS_SANITIZE=${watched}`]);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const script = fuzz
    ? [join("test", "support", "fuzz.mjs"), "--patience", "120"]
    : // Everything takes longer.
      [join("scripts", "test.mjs"), "--testTimeout=300000"];
  const { status } = spawnSync(process.execPath, [...script, ...rest], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  const found = reports(folder);
  for (const report of found) {
    console.log(report.slice(0, 4000));
  }
  console.log(
    `${found.length} reports of the sanitizers${found.length > 0 ? ` in ${folder}` : ""}`,
  );
  return status === 0 && found.length === 0;
}

await runScript(() => {
  process.exitCode = main(process.argv.slice(2)) ? 0 : 1;
});
