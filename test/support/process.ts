/** Programs in processes of their own. */
import { spawn } from "node:child_process";
import { join } from "node:path";

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs a program in CommonJS from the package's folder, on the runtime that
 * `MLX_TEST_RUNTIME` names or on the one that runs the tests.
 */
export function runScript(
  program: string,
  { env = {}, flags = [] }: { env?: Record<string, string | undefined>; flags?: string[] } = {},
): Promise<Outcome> {
  const runtime = process.env["MLX_TEST_RUNTIME"] ?? process.execPath;
  const child = spawn(runtime, [...flags, "-e", program], {
    cwd: join(__dirname, "..", ".."),
    env: { ...process.env, ...env },
    timeout: 120_000,
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
