import { mx } from "mlx-js";
import {
  asFunction,
  asString,
  kindOf,
  mismatch,
  optionsOf,
  signalOption,
  text,
} from "mlx-js/options";
import { type Cache, trimPromptCache } from "./cache.js";
import { failure } from "./errors.js";
import {
  answerOptions,
  checkTogether,
  type Generated,
  type GenerateOptions,
  type Generation,
  generate,
  generationOf,
  makePromptCache,
  type TextModel,
} from "./generate.js";
import { mismatchBecause, record } from "./options.js";
import type { Message } from "./tokenizer.js";

/** A function that the model may ask for. */
export interface Tool {
  name: string;
  description?: string | undefined;
  /** A JSON schema of its arguments. */
  parameters?: object | undefined;
  /**
   * Calls it. The model reads a result that is a text as it is, and all else as JSON: `null` where there is
   * none. Without `run`, send a message with the result: `{ role: "tool", name, content }`.
   */
  run?: ((args: never) => unknown) | undefined;
}

/** A call that a model asks for. */
export interface ToolCall {
  name: string;
  arguments: unknown;
}

/** Options of {@link ChatSession}: those of each answer, too. */
export interface ChatOptions extends Omit<GenerateOptions, "promptCache" | "signal"> {
  /** What the model is told before the conversation. */
  system?: string | undefined;
  /**
   * Functions that the model may ask for. Its chat template tells it of them; where the template knows no tools, say in
   * `system` which there are and how to ask for them, and give `parseToolCalls`.
   */
  tools?: readonly Tool[] | undefined;
  /** Variables of the chat template, such as `{ enable_thinking: false }`. */
  variables?: Readonly<Record<string, unknown>> | undefined;
  /** Finds calls in an answer. By default those in `<tool_call>` tags, as Qwen's and Hermes' are. */
  parseToolCalls?: ((text: string) => ToolCall[]) | undefined;
}

/** How often tools are called for one message, at most. */
const mostRounds = 8;

const tagged = /<tool_call>\s*([\s\S]*?)\s*<\/tool_call>/g;

/**
 * The calls in an answer that has them as JSON in `<tool_call>` tags. What is no JSON is no call.
 *
 * @example
 * parseToolCalls('<tool_call>{"name": "now", "arguments": {}}</tool_call>')
 * // [ { name: 'now', arguments: {} } ]
 */
export function parseToolCalls(text: string): ToolCall[] {
  return [...text.matchAll(tagged)].flatMap(([, json = ""]) => {
    try {
      const { name, arguments: args } = JSON.parse(json);
      return typeof name === "string" ? [{ name, arguments: args ?? {} }] : [];
    } catch {
      return [];
    }
  });
}

/** What a tool has given, as the model reads it: a text as it is, and all else as JSON. */
function resultText(name: string, result: unknown): string {
  if (typeof result === "string") {
    return result;
  }
  try {
    const json: string | undefined = JSON.stringify(result ?? null, (key, value) => {
      if (isLost(value)) {
        throw new TypeError(`JSON leaves out what ${key && `${JSON.stringify(key)} in `}it holds`);
      }
      return value;
    });
    return json ?? "null";
  } catch (error) {
    const param = `the result of the tool ${JSON.stringify(name)}`;
    throw mismatchBecause(error, "send", param, "a text, or what JSON can hold", result);
  }
}

/** Whether JSON leaves a value out, as functions and symbols, or all that it holds, as of maps, sets and errors. */
function isLost(value: unknown): boolean {
  if (typeof value !== "object" || value === null) {
    return typeof value === "function" || typeof value === "symbol";
  }
  const isEmpty = Object.keys(value).length === 0;
  return isEmpty && !isPlain(value) && JSON.stringify(value) === "{}";
}

/** Whether something is an object as `{}` makes one, in this realm or another. */
function isPlain(x: unknown): boolean {
  const prototype = Object.getPrototypeOf(x);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Calls that are known to be some. */
function checkedCalls(calls: unknown): ToolCall[] {
  if (!Array.isArray(calls) || !calls.every((call) => typeof call?.name === "string")) {
    const expected = "a function that gives a list of { name, arguments }";
    throw mismatch("ChatSession", "parseToolCalls", expected, calls);
  }
  return calls;
}

function asTools(tools: unknown, fn: string, param: string): readonly Tool[] {
  if (!Array.isArray(tools)) {
    throw mismatch(fn, param, "a list of { name, … }", tools);
  }
  for (const [i, tool] of tools.entries()) {
    if (typeof tool?.name !== "string") {
      throw mismatch(fn, `${param}[${i}]`, "{ name, … }", tool);
    }
    const { name, description, parameters, run } = tool;
    const field = (field: string) => `${param}[${i}].${field}, of ${JSON.stringify(name)},`;
    if (description !== undefined) {
      asString(description, fn, field("description"));
    }
    if (parameters !== undefined && (typeof parameters !== "object" || parameters === null)) {
      throw mismatch(fn, field("parameters"), "a JSON schema", parameters);
    }
    if (run !== undefined) {
      asFunction(run, fn, field("run"));
    }
  }
  return tools;
}

const readChat = optionsOf<ChatOptions>()("ChatSession", {
  ...answerOptions,
  system: text(),
  tools: kindOf(asTools)(),
  variables: record(),
  parseToolCalls: kindOf(asFunction<(text: string) => ToolCall[]>)(),
});

const readSend = optionsOf<Omit<GenerateOptions, "promptCache">>()("send", {
  ...answerOptions,
  signal: signalOption(),
});

/** The calls of tools that a conversation ends with. */
function callsIn(messages: readonly Message[]): ToolCall[] {
  const last = messages.at(-1);
  const calls = (last?.role === "assistant" ? last.tool_calls : undefined) ?? [];
  return calls.map((call) => (call as { function: ToolCall }).function);
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) {
    length++;
  }
  return length;
}

/**
 * A conversation. What the model has read of it is kept, so that each message costs only what is
 * new; `using` frees it.
 *
 * @example
 * using chat = new ChatSession(loaded, { system: "You are a helpful AI assistant." });
 * for await (const { text } of chat.send("What is the capital of France?")) {
 *   process.stdout.write(text);
 * }
 * // The capital of France is Paris.
 */
export class ChatSession implements Disposable {
  readonly #model: TextModel;
  readonly #options: ReturnType<typeof readChat>;
  #messages: Message[] = [];
  #caches: Cache[] | undefined;
  /** The tokens that the caches hold. */
  #tokens: readonly number[] = [];
  /** The answer that is on its way: the messages with what it answers, and those before. */
  #answering: { messages: readonly Message[]; before: Message[] } | undefined;

  constructor(model: TextModel, options?: ChatOptions) {
    if (model?.tokenizer === undefined) {
      throw mismatch("ChatSession", "model", "what load gives, { model, tokenizer }", model);
    }
    const settings = { ...readChat(options) };
    checkTogether(settings, "ChatSession");
    const { tools = [], parseToolCalls } = settings;
    const { hasChatTemplate, knowsTools } = model.tokenizer;
    if (tools.length > 0 && hasChatTemplate && !knowsTools && parseToolCalls === undefined) {
      throw failure(
        "ERR_MLX_LM_CHAT_TEMPLATE",
        "[ChatSession] tools: expected a model whose chat template tells it of tools, received one whose template knows " +
          "none. Take a model that was trained to use tools, or say in system how to ask for them, and give parseToolCalls.",
      );
    }
    this.#model = model;
    this.#options = settings;
    this.reset();
  }

  /** What was said so far. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** The calls in the last answer that await results: messages `{ role: "tool", name, content }`. */
  get toolCalls(): readonly ToolCall[] {
    return callsIn(this.#messages);
  }

  /** How many tokens of the conversation need not be read again. */
  get cachedTokens(): number {
    return this.#tokens.length;
  }

  /** Begins anew: with the system's message, and nothing else. An answer that is on its way ends with an error. */
  reset(): void {
    const { system } = this.#options;
    this.dispose();
    this.#messages = system === undefined ? [] : [{ role: "system", content: system }];
  }

  /**
   * Says something, and gives the answer as it comes. If the answer asks for tools that have a `run`,
   * they are called, and what the model then says comes after it. An answer that is left early, by `break`
   * or the signal, is part of the conversation as far as it came; if it fails, nothing was said.
   *
   * @param message What the user says, or messages, such as results of tools.
   * @param options Other options for this answer.
   */
  send(
    message: string | Message | readonly Message[],
    options?: Omit<GenerateOptions, "promptCache">,
  ): Generation {
    const said: Message[] =
      typeof message === "string"
        ? [{ role: "user", content: message }]
        : [message as Message | readonly Message[]].flat();
    if (said.length === 0 || !said.every((each) => typeof each?.role === "string")) {
      throw mismatch("send", "message", "a text, or messages { role, content }", message);
    }
    checkTogether(readSend(options), "send");
    return generationOf(this.#answer(said, options ?? {}));
  }

  async *#answer(
    said: readonly Message[],
    options: Omit<GenerateOptions, "promptCache">,
  ): AsyncGenerator<Generated, void, undefined> {
    if (this.#answering !== undefined) {
      throw failure(
        "ERR_MLX_LM_CHAT",
        "[send] the session is answering already: wait for that answer, or leave its loop",
      );
    }
    const before = this.#messages;
    const messages = [...before, ...said];
    const answering = { messages, before };
    this.#answering = answering;
    this.#messages = messages;
    try {
      for (let round = 0; ; round++) {
        yield* this.#turn(messages, options);
        const calls = callsIn(messages);
        const tools = calls.map(({ name }) => this.#tool(name));
        if (calls.length === 0 || round === mostRounds || !tools.every((tool) => tool?.run)) {
          return;
        }
        for (const [i, { name, arguments: args }] of calls.entries()) {
          const result = await tools[i]?.run?.(args as never);
          messages.push({ role: "tool", name, content: resultText(name, result) });
        }
        if (this.#answering !== answering) {
          throw new Error("its caches are those of another conversation");
        }
      }
    } catch (error) {
      const { signal } = options;
      const isAborted = signal?.aborted === true && error === signal.reason;
      if (this.#answering !== answering) {
        const text = "[send] the session was reset, or freed, while it gave this answer";
        throw isAborted ? error : failure("ERR_MLX_LM_CHAT", text, error);
      }
      if (!isAborted) {
        this.#messages = before;
        // What failed while it was computed fails each time that it is used.
        this.#forget();
      }
      throw error;
    } finally {
      if (this.#answering === answering) {
        this.#answering = undefined;
      }
    }
  }

  #tool(name: string): Tool | undefined {
    return this.#options.tools?.find((tool) => tool.name === name);
  }

  /** One answer of the model. */
  async *#turn(
    messages: Message[],
    options: Omit<GenerateOptions, "promptCache">,
  ): AsyncGenerator<Generated, void, undefined> {
    const { system: _, tools, variables, parseToolCalls: parse, ...own } = this.#options;
    const { tokenizer } = this.#model;
    const described = tools?.map(({ run: _, ...own }) => ({ type: "function", function: own }));
    const prompt = tokenizer.applyChatTemplate(messages, {
      tools: tokenizer.knowsTools ? described : undefined,
      variables,
    });
    // What is undefined is as if it was not given.
    const ofThis = Object.fromEntries(Object.entries(options).filter(([, x]) => x !== undefined));
    const caches = this.#cachesFor(prompt, options.maxKvSize ?? own.maxKvSize);
    const given: GenerateOptions = { ...own, ...ofThis, promptCache: caches };
    const tokens: number[] = [];
    let text = "";
    try {
      for await (const step of generate(this.#model, prompt.slice(this.#tokens.length), given)) {
        tokens.push(step.token);
        text += step.text;
        yield step;
      }
    } finally {
      const known = [...prompt, ...tokens];
      const read = caches[0]?.offset ?? 0;
      if (this.#caches === caches && read > known.length) {
        // A token that nobody has seen, and that a rotating cache cannot forget.
        this.#forget();
      } else if (this.#caches === caches) {
        this.#tokens = known.slice(0, read);
      }
      messages.push(this.#spoken(text, parse));
    }
  }

  #spoken(text: string, parse: (text: string) => ToolCall[] = parseToolCalls): Message {
    const calls = this.#options.tools === undefined ? [] : checkedCalls(parse(text));
    if (calls.length === 0) {
      return { role: "assistant", content: text };
    }
    return {
      role: "assistant",
      content: text.replace(tagged, "").trim(),
      tool_calls: calls.map((call) => ({ type: "function", function: call })),
    };
  }

  /** The caches, which hold the longest beginning of the prompt that was read already. */
  #cachesFor(prompt: readonly number[], maxKvSize: number | undefined): Cache[] {
    // The last token is read again, since its logits are needed.
    const common = Math.min(commonLength(this.#tokens, prompt), prompt.length - 1);
    const excess = this.#tokens.length - common;
    if (this.#caches !== undefined && excess > 0) {
      if (trimPromptCache(this.#caches, excess) !== excess) {
        this.#forget();
      }
    }
    this.#caches ??= makePromptCache(this.#model.model, maxKvSize);
    this.#tokens = prompt.slice(0, this.#caches[0]?.offset);
    return this.#caches;
  }

  #forget(): void {
    mx.dispose(this.#caches ?? []);
    this.#caches = undefined;
    this.#tokens = [];
  }

  /** Frees what the model has read; the messages stay. An answer that is on its way ends with an error. */
  dispose(): void {
    this.#messages = this.#answering?.before ?? this.#messages;
    this.#answering = undefined;
    this.#forget();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
