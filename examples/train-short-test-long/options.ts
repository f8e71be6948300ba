/** The command line. */
import { parseArgs } from "node:util";
import { mx } from "mlx-js";

export const help = `Usage: npm run demo -- [options]

Trains two small language models that differ in positions alone, with ALiBi and
with sinusoids, and then has them read 2, 4 and 8 times further than they were
trained to.

Options:
  --steps <n>    training steps of each model (300)
  --length <n>   characters read at a time in training (64)
  --heads <n>    attention heads in each layer (8)
  --seed <n>     the same seed gives the same numbers (0)
  --device <d>   cpu or gpu (the GPU where there is one)
  --file <path>  a text to learn in place of Moby-Dick
  --out <path>   folder for weights, charts and results (out/train-short-test-long)
  --json         print the results as one JSON object, and nothing else
  --help         print this text
`;

export interface Options {
  steps: number;
  length: number;
  heads: number;
  seed: number;
  device: "cpu" | "gpu";
  file: string | undefined;
  out: string;
  json: boolean;
}

/** Something that the user can set right: printed without a stack, exit code 2. */
export class UsageError extends Error {}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function integer(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < low || value > high) {
    throw new UsageError(
      `--${name}: expected a whole number from ${low} to ${high}, received "${text}"`,
    );
  }
  return value;
}

function deviceFrom(text: string | undefined): "cpu" | "gpu" {
  if (text === undefined) {
    return mx.defaultDevice().type.name;
  }
  if (text !== "cpu" && text !== "gpu") {
    throw new UsageError(`--device: expected cpu or gpu, received "${text}"`);
  }
  if (text === "gpu" && !mx.isAvailable(mx.gpu)) {
    throw new UsageError("--device: there is no GPU that MLX can use here");
  }
  return text;
}

/** What the command line asks for, or `undefined` if that is help. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const values = read(args);
  if (values.help) {
    return undefined;
  }
  return {
    steps: integer("steps", values.steps, 1, 1_000_000),
    length: integer("length", values.length, 2, 512),
    heads: integer("heads", values.heads, 1, 64),
    seed: integer("seed", values.seed, 0, Number.MAX_SAFE_INTEGER),
    device: deviceFrom(values.device),
    file: values.file,
    out: values.out,
    json: values.json,
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        steps: { type: "string", default: "300" },
        length: { type: "string", default: "64" },
        heads: { type: "string", default: "8" },
        seed: { type: "string", default: "0" },
        device: { type: "string" },
        file: { type: "string" },
        out: { type: "string", default: "out/train-short-test-long" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}
