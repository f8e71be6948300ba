import { mx } from "mlx-js";
import {
  asCount,
  asFunction,
  count,
  kind,
  kindOf,
  kindWhere,
  length,
  mismatch,
  optionsOf,
  outOfRange,
  signalOption,
} from "mlx-js/options";
import {
  asCaches,
  bitsOption,
  type Cache,
  groupSizeOption,
  KVCache,
  RotatingKVCache,
  trimTo,
} from "./cache.js";
import { failure } from "./errors.js";
import type { LanguageModel } from "./models/model.js";
import { stopIfAborted } from "./options.js";
import {
  type LogitsProcessor,
  type LogitsProcessorOptions,
  processorOptions,
  processorsOf,
  type Sampler,
  type SamplerOptions,
  samplerOf,
  samplerOptions,
} from "./sampling.js";
import { StopFinder } from "./stops.js";
import type { Message, Tokenizer } from "./tokenizer.js";

/** What {@link generate} needs: what `load` gives. */
export interface TextModel {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
}

/** A text, the messages of a conversation, or tokens. */
export type Prompt = string | readonly Message[] | readonly number[];

/** Options of {@link generate}. */
export interface GenerateOptions extends SamplerOptions, LogitsProcessorOptions {
  /** How many tokens to generate at most. By default 256. */
  maxTokens?: number | undefined;
  /** Texts that end the answer, and are no part of it. By default none. */
  stop?: string | readonly string[] | undefined;
  /** Ends the generation: the iteration throws its reason. */
  signal?: mx.Signal | undefined;
  /** Chooses tokens, in place of `temperature` and the options beside it. */
  sampler?: Sampler | undefined;
  /** Change logits, after `logitBias` and `repetitionPenalty`. */
  logitsProcessors?: readonly LogitsProcessor[] | undefined;
  /** The caches of the text before the prompt, which then have the new tokens, too. */
  promptCache?: Cache[] | undefined;
  /** How many tokens of the prompt are read at a time. By default 2048. */
  prefillStepSize?: number | undefined;
  /** Called as the prompt is read, with the number of tokens read and of all. */
  onPromptProgress?: ((processed: number, total: number) => void) | undefined;
  /** Keep the keys and values of this many tokens, and forget older ones but the first four. */
  maxKvSize?: number | undefined;
  /** Keep keys and values in this many bits: 1 to 6, or 8. By default as they are. Not beside `maxKvSize`. */
  kvBits?: number | undefined;
  /** How many of these numbers share a scale: 32, 64 or 128, a divisor of the size of a head. By default 64. */
  kvGroupSize?: number | undefined;
  /** From how many tokens on to do so. By default 0. */
  quantizedKvStart?: number | undefined;
}

function asStops(value: unknown, fn: string, param: string): readonly string[] {
  const stops = [value].flat();
  if (!stops.every((text): text is string => typeof text === "string" && text !== "")) {
    throw mismatch(fn, param, "a text, or a list of texts, that are not empty", value);
  }
  return stops;
}

const areFunctions = (x: unknown) =>
  Array.isArray(x) && x.every((each) => typeof each === "function");

/** What may differ from one answer of a conversation to the next. */
export const answerOptions = {
  ...samplerOptions,
  ...processorOptions,
  maxTokens: count(256),
  stop: kind<string | readonly string[], readonly string[]>(asStops, []),
  sampler: kindOf(asFunction<Sampler>)(),
  logitsProcessors: kindWhere<readonly LogitsProcessor[]>(areFunctions, "a list of functions")(),
  prefillStepSize: count(2048),
  onPromptProgress: kindOf(asFunction<(processed: number, total: number) => void>)(),
  maxKvSize: count(),
  kvBits: bitsOption(),
  kvGroupSize: groupSizeOption(64),
  quantizedKvStart: length(0),
};

const readOptions = optionsOf<GenerateOptions>()("generate", {
  ...answerOptions,
  signal: signalOption(),
  promptCache: kindOf<Cache[]>(asCaches)(),
});

/** Options that are checked, with what those are by default that are left out. */
type Settings = ReturnType<typeof readOptions>;

/** Refuses options that do not go together. */
export function checkTogether(
  { kvBits, maxKvSize }: Pick<Settings, "kvBits" | "maxKvSize">,
  fn: string,
): void {
  if (kvBits !== undefined && maxKvSize !== undefined) {
    const expected = "nothing beside maxKvSize, since caches that forget tokens are not quantized";
    throw outOfRange(fn, "kvBits", expected, kvBits);
  }
}

/** Reads the options of {@link generate}. */
export function settingsOf(options: GenerateOptions | undefined): Settings {
  const settings = { ...readOptions(options) };
  checkTogether(settings, "generate");
  return settings;
}

/** One step of a generation. */
export interface Generated {
  /** The text that is certain now and was not before, perhaps none. */
  text: string;
  token: number;
  /** In the last step: "stop" if the model or a stop text ended the answer, "length" if a limit did. */
  finishReason: "stop" | "length" | null;
  promptTokens: number;
  /** Prompt tokens a second, up to the first new token. */
  promptTps: number;
  generationTokens: number;
  /** New tokens a second, after the first one. */
  generationTps: number;
  /** The most memory that MLX has had in use, in bytes. */
  peakMemory: number;
}

/** An answer as it comes. */
export interface Generation extends AsyncGenerator<Generated, void, undefined> {
  /** The whole text, when it is there. */
  text(): Promise<string>;
}

/** The steps, with what waits for their whole text. */
export function generationOf(steps: AsyncGenerator<Generated, void, undefined>): Generation {
  return Object.assign(steps, {
    async text() {
      let whole = "";
      for await (const { text } of steps) {
        whole += text;
      }
      return whole;
    },
  });
}

/** Freed memory is kept for the next tokens, whose arrays are a bit longer; now and then it is given back. */
const tokensBetweenClearing = 256;

/**
 * Caches for a text.
 *
 * @param maxKvSize Keep this many tokens, where a layer would keep all.
 */
export function makePromptCache(model: LanguageModel, maxKvSize?: number): Cache[] {
  if (typeof model?.makeCaches !== "function") {
    throw mismatch(
      "makePromptCache",
      "model",
      "a model, such as the one in what load gives",
      model,
    );
  }
  if (maxKvSize === undefined) {
    return model.makeCaches();
  }
  asCount(maxKvSize, "makePromptCache", "maxKvSize");
  return model.makeCaches().map((cache) => {
    if (!(cache instanceof KVCache)) {
      return cache;
    }
    cache.dispose();
    return new RotatingKVCache(maxKvSize, { keep: Math.min(4, maxKvSize - 1) });
  });
}

function disposeAll(caches: readonly Cache[]): void {
  for (const cache of caches) {
    cache[Symbol.dispose]();
  }
}

/** Changes caches to quantized ones, in place. */
function quantizeCaches(caches: Cache[], settings: Settings): void {
  const { kvBits: bits, kvGroupSize: groupSize, quantizedKvStart } = settings;
  if (bits === undefined) {
    return;
  }
  for (const [i, cache] of caches.entries()) {
    if (cache instanceof KVCache && cache.offset > 0 && cache.offset >= quantizedKvStart) {
      caches[i] = cache.toQuantized({ groupSize, bits });
      cache.dispose();
    }
  }
}

/** The tokens that logits processors see. */
class History extends mx.Owner {
  tokens: mx.array = mx.array([], mx.int32);

  add(token: mx.array): mx.array {
    const before = this.tokens;
    this.tokens = mx.concatenate([before, token.astype(mx.int32)]);
    before.dispose();
    return this.tokens;
  }
}

function isToken(x: unknown, { vocabSize }: LanguageModel): boolean {
  return typeof x === "number" && Number.isInteger(x) && x >= 0 && x < vocabSize;
}

/** The tokens of a model, in an error. */
function tokensOf({ vocabSize }: LanguageModel): string {
  return `a token of the model, which has those from 0 to ${vocabSize - 1}`;
}

function isTokens(prompt: Prompt): prompt is readonly number[] {
  return typeof prompt !== "string" && typeof prompt[0] === "number";
}

/** The tokens of a prompt. */
function encoded(prompt: Prompt, { model, tokenizer }: TextModel): readonly number[] {
  if (isTokens(prompt)) {
    return prompt;
  }
  const tokens =
    typeof prompt === "string"
      ? tokenizer.encodePrompt(prompt)
      : tokenizer.applyChatTemplate(prompt);
  if (tokens.length === 0) {
    const expected =
      typeof prompt === "string"
        ? "a text of at least one token"
        : "messages of which the chat template makes at least one token";
    throw outOfRange("generate", "prompt", expected, prompt);
  }
  const beyond = tokens.find((token) => !isToken(token, model));
  if (beyond !== undefined) {
    throw outOfRange("generate", "model.tokenizer", `to give ${tokensOf(model)}`, beyond);
  }
  return tokens;
}

function checkPrompt(prompt: unknown, model: LanguageModel): void {
  if (typeof prompt === "string") {
    return;
  }
  if (!Array.isArray(prompt)) {
    const expected = "a string, a list of messages { role, content }, or a list of tokens";
    throw mismatch("generate", "prompt", expected, prompt);
  }
  if (prompt.length === 0) {
    throw outOfRange("generate", "prompt", "at least one message or token", prompt);
  }
  if (typeof prompt[0] === "number") {
    const wrong = prompt.findIndex((token) => !isToken(token, model));
    if (wrong >= 0) {
      const refuse = typeof prompt[wrong] === "number" ? outOfRange : mismatch;
      throw refuse("generate", `prompt[${wrong}]`, tokensOf(model), prompt[wrong]);
    }
    return;
  }
  const wrong = prompt.findIndex((message) => typeof message?.role !== "string");
  if (wrong >= 0) {
    const expected = "a message { role, content }, or a token, which is a number";
    throw mismatch("generate", `prompt[${wrong}]`, expected, prompt[wrong]);
  }
}

/** A sampler that is known to give one integer. */
function checked(sampler: Sampler): Sampler & Partial<Disposable> {
  return (logprobs) => {
    const token: unknown = sampler(logprobs);
    if (
      !(token instanceof mx.array) ||
      token.size !== 1 ||
      !mx.issubdtype(token.dtype, mx.integer)
    ) {
      throw mismatch("generate", "sampler", "one that gives an array of one integer", token);
    }
    return token.reshape([1]);
  };
}

/** A processor that is known to give logits. */
function checkedProcessor(processor: LogitsProcessor): LogitsProcessor {
  return (tokens, logits) => {
    const changed: unknown = processor(tokens, logits);
    const { shape } = logits;
    if (
      !(changed instanceof mx.array) ||
      !mx.issubdtype(changed.dtype, mx.floating) ||
      changed.ndim !== shape.length ||
      changed.shape.some((size, axis) => size !== shape[axis])
    ) {
      const expected = `functions that give a floating-point array of shape [${shape.join(", ")}]`;
      throw mismatch("generate", "logitsProcessors", expected, changed);
    }
    return changed;
  };
}

/** What a step gives. */
interface Step {
  readonly token: mx.array;
  /** The logarithm of the sum of the logits' exponentials: finite, if a token can be chosen by them. */
  readonly sum?: mx.array;
  /** The logits as the model gave them, if processors changed them. */
  readonly before?: mx.array;
}

/** Refuses logits by which no token can be chosen: what came then would mean nothing. */
function checkLogits({ sum, before }: Step, settings: Settings): void {
  const value = sum?.item<number>() ?? 0;
  if (Number.isFinite(value)) {
    return;
  }
  const expected = "logits of which none is NaN or Infinity, and one is finite";
  if (before !== undefined && mx.tidy(() => Number.isFinite(mx.logsumexp(before).item<number>()))) {
    const names = ["logitsProcessors", "logitBias", "repetitionPenalty"] as const;
    const param = names.find((name) => settings[name] !== undefined) ?? names[0];
    throw outOfRange("generate", param, `to leave ${expected}`, value);
  }
  throw failure(
    "ERR_MLX_LM_MODEL",
    `[generate] model: expected ${expected}, received ${value}: weights are damaged, or numbers become too ` +
      "large for their dtype, which model.setDtype(mx.float32) mends",
  );
}

/** How many tokens there is room for after the prompt. */
function roomAfter(
  prompt: readonly number[],
  caches: readonly Cache[],
  model: LanguageModel,
): number {
  const { contextLength } = model;
  const seen = (caches[0]?.offset ?? 0) + prompt.length;
  if (contextLength === undefined) {
    return Number.POSITIVE_INFINITY;
  }
  if (seen > contextLength) {
    throw failure(
      "ERR_MLX_LM_CONTEXT",
      `[generate] prompt: expected at most ${contextLength} tokens, which is what the model can ` +
        `read, received ${seen}. Shorten it, or leave out the oldest messages.`,
    );
  }
  // The last token is not read any more.
  return contextLength - seen + 1;
}

/** The caches that a generation is filling. */
const inUse = new WeakSet<Cache[]>();

async function* iterate(
  source: TextModel,
  prompt: Prompt,
  settings: Settings,
): AsyncGenerator<Generated, void, undefined> {
  const { model, tokenizer } = source;
  const { signal, promptCache, prefillStepSize, maxKvSize, onPromptProgress } = settings;
  const isOwn = settings.sampler === undefined;
  const sampler = settings.sampler ? checked(settings.sampler) : samplerOf(settings);
  const processors = [
    ...processorsOf(settings),
    ...(settings.logitsProcessors ?? []).map((processor) => checkedProcessor(processor)),
  ];
  if (promptCache !== undefined && inUse.has(promptCache)) {
    throw failure(
      "ERR_MLX_LM_CACHE",
      "[generate] promptCache: expected caches that no other generation fills, received those of one " +
        "that has not ended: wait for it, or leave its loop",
    );
  }
  const caches = promptCache ?? makePromptCache(model, maxKvSize);
  if (caches.length !== model.depth) {
    const expected = `caches of the model's ${model.depth} layers`;
    throw outOfRange("generate", "promptCache", expected, caches.length);
  }
  if (caches.some(({ offset }) => offset !== caches[0]?.offset)) {
    const counts = caches.map(({ offset }) => offset);
    const text =
      "[generate] promptCache: expected as many tokens in all layers, received from " +
      `${Math.min(...counts)} to ${Math.max(...counts)}`;
    throw failure("ERR_MLX_LM_CACHE", text);
  }
  inUse.add(caches);
  const history = processors.length > 0 ? new History() : undefined;
  let first: mx.array | undefined;
  // How many tokens are known to whoever gave the caches.
  let known = caches[0]?.offset ?? 0;
  try {
    stopIfAborted(signal);
    const began = performance.now();
    const tokens = encoded(prompt, source);
    known += tokens.length;
    const most = Math.min(settings.maxTokens, roomAfter(tokens, caches, model));

    // All but the last token, of which the logits are not needed.
    const last = tokens.length - 1;
    onPromptProgress?.(0, tokens.length);
    for (let start = 0; start < last; start += prefillStepSize) {
      const end = Math.min(start + prefillStepSize, last);
      mx.tidy(() => {
        model.forward(mx.array([tokens.slice(start, end)], mx.int32), caches);
        quantizeCaches(caches, settings);
      });
      await mx.asyncEval(caches, signal);
      mx.clearCache();
      onPromptProgress?.(end, tokens.length);
    }

    const step = ({ token: last }: Step, index: number): Step | undefined => {
      if (index >= most) {
        return undefined;
      }
      // A token that the model lacks is refused when it is known. Until then another one stands for it, so
      // that the caches can be computed.
      const previous = isOwn
        ? last
        : mx.clip(last.astype(mx.int64), 0, model.vocabSize - 1).astype(mx.int32);
      const before = model.forward(previous.reshape([1, 1]), caches).get(":", -1);
      let logits = before;
      if (history !== undefined) {
        const seen = history.add(previous);
        for (const processor of processors) {
          logits = processor(seen, logits);
        }
      }
      quantizeCaches(caches, settings);
      const sum = mx.logsumexp(logits, -1, { keepdims: true });
      const token = sampler(logits.subtract(sum));
      return history === undefined ? { token, sum } : { token, sum, before };
    };

    first = mx.array(tokens.slice(last), mx.int32);
    const detokenizer = tokenizer.detokenizer();
    const finder = new StopFinder(settings.stop);
    let promptTps = 0;
    let firstAt = 0;
    let count = 0;
    const steps = mx.pipeline<Step>(step, {
      initial: { token: first },
      signal,
      // A processor need not look at the tokens, which would then be a longer and longer graph.
      state: history === undefined ? undefined : [history],
    });
    for await (const noted of steps) {
      checkLogits(noted, settings);
      const token = Number(noted.token.item());
      if (!isOwn && !isToken(token, model)) {
        throw outOfRange("generate", "sampler", `to give ${tokensOf(model)}`, token);
      }
      const now = performance.now();
      count += 1;
      known += 1;
      if (count === 1) {
        firstAt = now;
        promptTps = (tokens.length / (now - began)) * 1000;
        onPromptProgress?.(tokens.length, tokens.length);
      }
      const isEnd = tokenizer.eosTokenIds.has(token);
      const found = isEnd ? { text: "", found: false } : finder.add(detokenizer.add(token));
      let finishReason: Generated["finishReason"] = isEnd || found.found ? "stop" : null;
      if (finishReason === null && count === most) {
        finishReason = "length";
      }
      let { text } = found;
      if (finishReason !== null && !found.found) {
        const rest = finder.add(detokenizer.finish());
        text += rest.text + (rest.found ? "" : finder.finish());
      }
      yield {
        ...{ text, token, finishReason, promptTokens: tokens.length, promptTps },
        generationTokens: count,
        generationTps: count === 1 ? 0 : ((count - 1) / (now - firstAt)) * 1000,
        peakMemory: mx.getPeakMemory(),
      };
      if (finishReason !== null) {
        return;
      }
      if (count % tokensBetweenClearing === 0) {
        mx.clearCache();
      }
    }
  } finally {
    inUse.delete(caches);
    first?.dispose();
    history?.dispose();
    if (isOwn) {
      sampler[Symbol.dispose]?.();
    }
    if (promptCache === undefined) {
      disposeAll(caches);
    } else {
      // A step that was noted already may have read a token that nobody has seen.
      trimTo(caches, known);
    }
  }
}

/**
 * Goes on with a text, or answers a conversation, token by token. The event loop goes on meanwhile, and
 * the next token is noted while the last one is read. When the iteration ends, by `break`, too, its caches
 * are freed.
 *
 * @param model What `load` gives.
 * @param prompt A text to go on with, messages for the model's chat template, or tokens.
 * @returns the steps, an async iterable; `text()` waits for the whole text.
 * @throws Error if the prompt is longer than the model's context.
 * @example
 * for await (const { text } of generate(loaded, "One, two, three,", { maxTokens: 5 })) {
 *   process.stdout.write(text);
 * }
 * //  four, five, six
 */
export function generate(model: TextModel, prompt: Prompt, options?: GenerateOptions): Generation {
  if (typeof model?.model?.forward !== "function" || model.tokenizer === undefined) {
    throw mismatch("generate", "model", "what load gives, { model, tokenizer }", model);
  }
  checkPrompt(prompt, model.model);
  return generationOf(iterate(model, prompt, settingsOf(options)));
}
