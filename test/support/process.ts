/** Programs in processes of their own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { sanitized } from "./sanitized.js";

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Options {
  env?: Record<string, string | undefined>;
  flags?: string[];
  /** The executable; without it, what runs the tests. */
  runtime?: string;
}

/** Runs a program from the package's folder, in CommonJS if no flag says otherwise. */
export function runScript(program: string, options: Options = {}): Promise<Outcome> {
  return run([...(options.flags ?? []), "-e", program], options);
}

/** Runs a command of the shell, from the package's folder. */
export function runShell(command: string): Promise<Outcome> {
  return run(["-c", command], { runtime: "bash" });
}

/** Runs a program of test/programs, and gives what it printed as JSON. */
export async function runProgram(name: string, options: Options = {}): Promise<unknown> {
  const path = join("test", "programs", `${name}.mjs`);
  const outcome = await run([...(options.flags ?? []), path], options);
  if (outcome.code !== 0 || outcome.stderr !== "") {
    throw new Error(`${name} ended with ${JSON.stringify(outcome)}`);
  }
  return JSON.parse(outcome.stdout);
}

/** Runs a program with arguments. */
export function run(
  args: string[],
  { env = {}, runtime = process.execPath }: Options = {},
): Promise<Outcome> {
  // As the tests themselves run: `--execArgv=--gc-interval=100`.
  const flags = process.execArgv.filter((flag) => flag.startsWith("--gc-interval"));
  const child = spawn(runtime, runtime === process.execPath ? [...flags, ...args] : args, {
    cwd: join(__dirname, "..", ".."),
    env: { ...process.env, ...env },
    timeout: sanitized ? 390_000 : 110_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
