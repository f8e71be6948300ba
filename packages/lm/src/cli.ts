#!/usr/bin/env node
import { realpathSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ChatSession } from "./chat.js";
import { type Generated, type GenerateOptions, generate } from "./generate.js";
import { type Loaded, load } from "./load.js";

const usage = `usage: mlx-lm chat     --model PATH [options]
       mlx-lm generate --model PATH --prompt TEXT [options]

  --model PATH              a folder with config.json and *.safetensors, or a GGUF file; or a name on
                            the Hugging Face Hub: owner/name, owner/name/file.gguf
  --prompt TEXT             what to answer; by default what comes on standard input
  --raw                     go on with the prompt as it is, without the chat template
  --system TEXT             what the model is told first
  --max-tokens N            how long an answer may be (512)
  --temperature T           0, always the likeliest token, by default; 1 as the model says
  --top-k K, --top-p P, --min-p P
                            choose among likely tokens only
  --repetition-penalty R    make what was said less likely
  --stop TEXT               end an answer before this text; may come several times
  --max-kv-size N           remember this many tokens
  --kv-bits N               remember them in this many bits each
  --seed N                  choose the same each time
  --quiet                   no figures

In a chat, Ctrl-C stops the answer and, twice, the program; /reset begins anew, /exit ends.`;

const texts = ["model", "prompt", "system"] as const;

/** The options of `generate` that are numbers. */
const numbers = {
  "max-tokens": "maxTokens",
  temperature: "temperature",
  "top-k": "topK",
  "top-p": "topP",
  "min-p": "minP",
  "repetition-penalty": "repetitionPenalty",
  "max-kv-size": "maxKvSize",
  "kv-bits": "kvBits",
  seed: "seed",
} as const;

/** A wrong command: shown with the usage. */
class UsageError extends Error {}

interface Command {
  command: string;
  model: string;
  prompt: string | undefined;
  system: string | undefined;
  raw: boolean;
  quiet: boolean;
  options: GenerateOptions;
}

function readCommand(args: readonly string[]): Command | undefined {
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...Object.fromEntries(
          [...texts, ...Object.keys(numbers)].map((name) => [name, { type: "string" as const }]),
        ),
        stop: { type: "string", multiple: true },
        raw: { type: "boolean" },
        quiet: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values["help"] === true) {
    return undefined;
  }
  const [command, ...others] = positionals;
  if (command !== "chat" && command !== "generate") {
    throw new UsageError(`expected chat or generate, received ${command ?? "nothing"}`);
  }
  if (others.length > 0) {
    throw new UsageError(`expected options after ${command}, received ${others.join(" ")}`);
  }
  const text = (name: string) => values[name] as string | undefined;
  const model = text("model");
  if (model === undefined) {
    throw new UsageError("--model is missing");
  }
  const options: GenerateOptions = { maxTokens: 512 };
  for (const [name, option] of Object.entries(numbers)) {
    const value = text(name);
    if (value !== undefined) {
      if (value.trim() === "" || Number.isNaN(Number(value))) {
        throw new UsageError(`--${name}: expected a number, received ${value}`);
      }
      options[option] = Number(value);
    }
  }
  if (values["stop"] !== undefined) {
    options.stop = values["stop"] as string[];
  }
  return {
    ...{ command, model, options, prompt: text("prompt"), system: text("system") },
    raw: values["raw"] === true,
    quiet: values["quiet"] === true,
  };
}

/** Writes an answer as it comes, and then, apart from it, what it took. */
async function show(steps: AsyncIterable<Generated>, quiet: boolean): Promise<void> {
  let last: Generated | undefined;
  for await (const step of steps) {
    process.stdout.write(step.text);
    last = step;
  }
  process.stdout.write("\n");
  if (!quiet && last !== undefined) {
    const { promptTokens, promptTps, generationTokens, generationTps, peakMemory } = last;
    process.stderr.write(
      `(${promptTokens} tokens read, ${promptTps.toFixed(1)} a second; ${generationTokens} written, ` +
        `${generationTps.toFixed(1)} a second; ${(peakMemory / 2 ** 20).toFixed(0)} MB)\n`,
    );
  }
}

async function readAll(): Promise<string> {
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) {
    text += piece;
  }
  return text;
}

async function generateCommand(loaded: Loaded, command: Command): Promise<void> {
  const { options, quiet, raw, system } = command;
  const text = command.prompt ?? (await readAll()).trim();
  const isChat = !raw && loaded.tokenizer.hasChatTemplate;
  const first = system === undefined ? [] : [{ role: "system", content: system }];
  const prompt = isChat ? [...first, { role: "user", content: text }] : text;
  await show(generate(loaded, prompt, options), quiet);
}

async function chatCommand(loaded: Loaded, command: Command): Promise<void> {
  const { options, quiet, system } = command;
  using session = new ChatSession(loaded, { system, ...options });
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    prompt: "> ",
    terminal: isTerminal,
    ...(isTerminal ? { output: process.stdout } : {}),
  });
  let answer: AbortController | undefined;
  lines.on("SIGINT", () => {
    if (answer === undefined || answer.signal.aborted) {
      lines.close();
      process.stdout.write("\n");
      process.exit(130);
    }
    answer.abort();
  });
  const prompt = () => {
    if (isTerminal) {
      lines.prompt();
    }
  };
  prompt();
  for await (const line of lines) {
    const said = line.trim();
    if (said === "/exit") {
      break;
    }
    if (said === "/reset") {
      session.reset();
    } else if (said !== "") {
      answer = new AbortController();
      try {
        await show(session.send(said, { signal: answer.signal }), quiet);
      } catch (error) {
        if (!answer.signal.aborted) {
          throw error;
        }
        process.stdout.write("\n");
      }
      answer = undefined;
    }
    prompt();
  }
  lines.close();
}

/**
 * What the program `mlx-lm` does.
 *
 * @returns its exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const command = readCommand(args);
    if (command === undefined) {
      console.log(usage);
      return 0;
    }
    using loaded = await load(command.model);
    await (command.command === "chat"
      ? chatCommand(loaded, command)
      : generateCommand(loaded, command));
    return 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(`mlx-lm: ${message}`);
    if (error instanceof UsageError) {
      console.error(`\n${usage}`);
      return 2;
    }
    return 1;
  }
}

const program = process.argv[1];
if (program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
