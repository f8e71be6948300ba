// Programs in processes of their own, which may end in any way.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Finding } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const entry = fileURLToPath(import.meta.resolve("mlx-js"));

/**
 * Runs a program, which has `mlx` and `report`, and gives what it reported.
 *
 * @param {string} program of an asynchronous function
 * @param {{ flags?: string[], env?: Record<string, string>, during?: () => void }} [options]
 *   `during` is called when the program prints the line `now`, which then reads a line.
 * @returns {Promise<Any>} undefined if V8 itself gave up for lack of memory
 */
export async function child(program, { flags = [], env = {}, during } = {}) {
  const source = `
    const mlx = (await import(${JSON.stringify(entry)})).default;
    const { mx, nn, optim } = { mx: mlx.core, nn: mlx.nn, optim: mlx.optimizers };
    const report = (x) => process.stdout.write("report " + JSON.stringify(x) + "\\n");
    const now = () => new Promise((resolve) => {
      process.stdin.once("data", () => { process.stdin.pause(); resolve(); });
      console.log("now");
    });
    ${program}`;
  const process_ = spawn(process.execPath, [...flags, "--input-type=module", "-e", source], {
    env: { ...process.env, ...env },
    timeout: 120_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  process_.stdout.setEncoding("utf8").on("data", (text) => {
    const ready = /^now$/m.test(text);
    stdout += text;
    if (ready) {
      during?.();
      process_.stdin.end("on\n");
    }
  });
  process_.stderr.setEncoding("utf8").on("data", (text) => {
    stderr = (stderr + text).slice(-4000);
  });
  process_.stdin.on("error", () => {});
  /** @type {[number | null, string | null]} */
  const [code, signal] = await new Promise((resolve) =>
    process_.once("close", (...how) => resolve(how)),
  );
  // V8 ends a process that has no memory for its own heap.
  if (/FATAL ERROR|# Fatal|Fatal JavaScript|WebAssembly\.Memory/.test(stderr)) {
    return undefined;
  }
  const reported = /^report (.*)$/m.exec(stdout)?.[1];
  if (code !== 0 || reported === undefined) {
    throw new Finding(`the process ended with ${signal ?? code}: ${stderr || stdout}`);
  }
  return JSON.parse(reported);
}
