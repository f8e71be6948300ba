#!/usr/bin/env node
import "./peer.js";
import { readFileSync, realpathSync } from "node:fs";
import process from "node:process";
import { clearLine, createInterface, cursorTo } from "node:readline";
import { addAbortSignal } from "node:stream";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { nearest } from "mlx-js/options";
import { ChatSession } from "./chat.js";
import { reasonOf } from "./errors.js";
import { type Generated, type GenerateOptions, generate, settingsOf } from "./generate.js";
import { type Loaded, load } from "./load.js";
import type { LoadProgress } from "./weights.js";

/** Longer than that of the library, whose answers a program can go on with. */
const maxTokens = 512;

const usage = `usage: mlx-lm chat     --model PATH [options]
       mlx-lm generate --model PATH --prompt TEXT [options]

  --model PATH              a folder with config.json and *.safetensors, or a GGUF file; or a name on
                            the Hugging Face Hub: owner/name, owner/name/file.gguf
  --prompt TEXT             what to answer; by default what comes on standard input
  --raw                     go on with the prompt as it is, without the chat template
  --system TEXT             what the model is told first
  --max-tokens N            how long an answer may be (${maxTokens})
  --temperature T           0, always the likeliest token, by default; 1 as the model says
  --top-k K, --top-p P, --min-p P
                            choose among likely tokens only
  --repetition-penalty R    make what was said less likely
  --stop TEXT               end an answer before this text; may come several times
  --max-kv-size N           remember this many tokens
  --kv-bits N               remember them in this many bits each
  --seed N                  choose the same each time
  --quiet                   no figures, and no progress of a download
  --help, --version

An answer goes to standard output, and all else to standard error. In a chat, Ctrl-C stops the answer and, twice, the
program; /reset begins anew, /exit or Ctrl-D ends.`;

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

/** Where errors of the library have other names than the flags. */
const flags: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(numbers).map(([flag, option]) => [option, flag])),
  pathOrName: "model",
  stop: "stop",
};

/** What has happened, without the library's functions, and with a flag in the place of its option. */
function messageOf(error: unknown): string {
  const message = reasonOf(error);
  const [, option = "", rest = ""] = /^\[[\w.]+\] (?:(\w+): )?(.*)$/s.exec(message) ?? [];
  const flag = flags[option];
  return rest === "" ? message : `${flag ? `--${flag}: ` : option && `${option}: `}${rest}`;
}

/** What is told on a terminal. */
const keys =
  "/reset begins anew, /exit or Ctrl-D ends, Ctrl-C stops an answer and, twice, the program";

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

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The command, or what is to be printed in its place. */
function readCommand(args: readonly string[]): Command | string {
  const known = {
    ...Object.fromEntries(
      [...texts, ...Object.keys(numbers)].map((name) => [name, { type: "string" as const }]),
    ),
    stop: { type: "string", multiple: true },
    raw: { type: "boolean" },
    quiet: { type: "boolean" },
    help: { type: "boolean", short: "h" },
    version: { type: "boolean" },
  } as const;
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options: known });
  } catch (error) {
    const message = reasonOf(error);
    const [, flag = ""] = /^Unknown option '--([^']+)'/.exec(message) ?? [];
    const meant = nearest(flag, Object.keys(known));
    throw new UsageError(
      meant === undefined ? message : `there is no --${flag}; did you mean --${meant}?`,
    );
  }
  const { values, positionals } = parsed;
  if (values["help"] === true) {
    return usage;
  }
  if (values["version"] === true) {
    return version();
  }
  const [command, ...others] = positionals;
  if (command !== "chat" && command !== "generate") {
    throw new UsageError(`expected chat or generate, received ${command ?? "nothing"}`);
  }
  if (others.length > 0) {
    throw new UsageError(`expected options after ${command}, received ${others.join(" ")}`);
  }
  const useless = command === "chat" ? ["prompt", "raw"] : values["raw"] ? ["system"] : [];
  for (const name of useless.filter((name) => values[name] !== undefined)) {
    throw new UsageError(
      `--${name} is of no use for ${command}${name === "system" ? " --raw" : ""}`,
    );
  }
  const text = (name: string) => values[name] as string | undefined;
  const model = text("model");
  if (model === undefined) {
    throw new UsageError("--model is missing");
  }
  const options: GenerateOptions = { maxTokens };
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
  try {
    // Before the model is loaded, which takes a while.
    settingsOf(options);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
  return {
    ...{ command, model, options, prompt: text("prompt"), system: text("system") },
    raw: values["raw"] === true,
    quiet: values["quiet"] === true,
  };
}

/** Shows on a terminal how far a model is loaded, in a line that goes when it is done. */
function progressOn(terminal: NodeJS.WriteStream): {
  show(progress: LoadProgress): void;
  end(): void;
} {
  let shown = "";
  const end = () => {
    if (shown !== "") {
      cursorTo(terminal, 0);
      clearLine(terminal, 0);
      shown = "";
    }
  };
  return {
    show({ stage, loaded, total }) {
      const what = stage === "download" ? "downloading" : "reading";
      const percent = Math.floor((100 * loaded) / Math.max(total, 1));
      const line = `${what} ${(total / 1e6).toFixed(0)} MB: ${percent} %`;
      if (line !== shown) {
        end();
        terminal.write(line);
        shown = line;
      }
    },
    end,
  };
}

/** Loads the model, and shows on a terminal how far that is. */
async function loadFor({ model, quiet }: Command, signal: AbortSignal): Promise<Loaded> {
  if (quiet || !process.stderr.isTTY) {
    return load(model, { signal });
  }
  const { show, end } = progressOn(process.stderr);
  try {
    return await load(model, { signal, onProgress: show });
  } finally {
    end();
  }
}

/** Writes an answer as it comes, and then, apart from it, what it took. */
async function show(steps: AsyncIterable<Generated>, quiet: boolean): Promise<void> {
  let last: Generated | undefined;
  try {
    for await (const step of steps) {
      process.stdout.write(step.text);
      last = step;
    }
  } finally {
    process.stdout.write("\n");
  }
  if (!quiet && last !== undefined) {
    const { promptTokens, promptTps, generationTokens, generationTps, peakMemory } = last;
    const end = last.finishReason === "length" ? "; cut off by --max-tokens or the context" : "";
    process.stderr.write(
      `(${promptTokens} tokens read, ${promptTps.toFixed(1)} a second; ${generationTokens} written, ` +
        `${generationTps.toFixed(1)} a second; ${(peakMemory / 2 ** 20).toFixed(0)} MB${end})\n`,
    );
  }
}

async function readPrompt(signal: AbortSignal): Promise<string> {
  if (process.stdin.isTTY) {
    process.stderr.write("The prompt, and then Ctrl-D:\n");
  }
  let text = "";
  for await (const piece of addAbortSignal(signal, process.stdin.setEncoding("utf8"))) {
    text += piece;
  }
  if (text.trim() === "") {
    throw new UsageError("expected a prompt, by --prompt or on standard input, received nothing");
  }
  return text.trim();
}

async function generateCommand(command: Command, signal: AbortSignal): Promise<void> {
  const { options, quiet, raw, system } = command;
  const text = command.prompt ?? (await readPrompt(signal));
  using loaded = await loadFor(command, signal);
  const isChat = !raw && loaded.tokenizer.hasChatTemplate;
  const first = system === undefined ? [] : [{ role: "system", content: system }];
  const prompt = isChat ? [...first, { role: "user", content: text }] : text;
  await show(generate(loaded, prompt, { ...options, signal }), quiet);
}

async function chatCommand(command: Command, signal: AbortSignal): Promise<void> {
  const { options, quiet, system } = command;
  using loaded = await loadFor(command, signal);
  using session = new ChatSession(loaded, { system, ...options });
  const isTerminal = process.stdin.isTTY === true;
  const terminal = process.stdout.isTTY ? process.stdout : process.stderr;
  const lines = createInterface({
    ...{ input: process.stdin, prompt: "> ", terminal: isTerminal, signal },
    ...(isTerminal ? { output: terminal } : {}),
  });
  const tell = (text: string) => {
    if (isTerminal) {
      terminal.write(`${text}\n`);
    }
  };
  const prompt = () => {
    if (isTerminal) {
      lines.prompt();
    }
  };
  let answer: AbortController | undefined;
  let isWarned = false;
  signal.addEventListener("abort", () => answer?.abort());
  // Where the terminal sends keys, and no signal. What was meant for an answer that has just ended ends nothing.
  lines.on("SIGINT", () => {
    if (answer !== undefined && !answer.signal.aborted) {
      answer.abort();
    } else if (answer !== undefined || isWarned) {
      terminal.write("\n");
      lines.close();
      process.exit(130);
    } else {
      isWarned = true;
      tell(`\n(${keys})`);
      lines.write(null, { ctrl: true, name: "e" });
      lines.write(null, { ctrl: true, name: "u" });
      prompt();
    }
  });
  tell(keys);
  prompt();
  for await (const line of lines) {
    isWarned = false;
    const said = line.trim();
    if (said === "/exit") {
      lines.close();
      return;
    }
    if (said === "/reset") {
      session.reset();
    } else if (isTerminal && said.startsWith("/")) {
      tell(keys);
    } else if (said !== "") {
      answer = new AbortController();
      try {
        await show(session.send(said, { signal: answer.signal }), quiet);
      } catch (error) {
        if (!isTerminal && !answer.signal.aborted) {
          throw error;
        }
        tell(answer.signal.aborted ? "(stopped)" : `mlx-lm: ${messageOf(error)}`);
      }
      answer = undefined;
    }
    prompt();
  }
  // After the prompt that was answered with Ctrl-D.
  tell("");
  signal.throwIfAborted();
}

/** Why the program ends before it is done, without a word. */
class Stop extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super();
    this.exitCode = exitCode;
  }
}

/**
 * What the program `mlx-lm` does.
 *
 * @returns its exit code.
 */
export async function main(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  // The codes that shells have for programs that a signal has ended.
  process.on("SIGINT", () => {
    if (stop.signal.aborted) {
      process.exit(130);
    }
    stop.abort(new Stop(130));
  });
  // A reader that has seen enough, such as head; or a full disk.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    stop.abort(error.code === "EPIPE" ? new Stop(141) : error);
  });
  try {
    const command = readCommand(args);
    if (typeof command === "string") {
      console.log(command);
    } else {
      await (command.command === "chat" ? chatCommand : generateCommand)(command, stop.signal);
    }
    return 0;
  } catch (thrown) {
    const error: unknown = stop.signal.reason ?? thrown;
    if (error instanceof Stop) {
      return error.exitCode;
    }
    console.error(`mlx-lm: ${messageOf(error)}`);
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
