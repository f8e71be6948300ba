import { readFileSync } from "node:fs";
import { mx } from "mlx-js";
import {
  ChatSession,
  Config,
  createModel,
  type Generated,
  type GenerateOptions,
  generate,
  KVCache,
  load,
  type Message,
  makePromptCache,
  QuantizedKVCache,
  RotatingKVCache,
} from "mlx-js-lm";
import { describe, expect, test } from "vitest";
import { models } from "../../../scripts/models.mjs";
import { live } from "../../../test/support/live.js";
import { letters, letterTokenizer, Stub, stub } from "./support/stub.js";

const loaded = stub();
mx.eval(loaded.model);

async function steps(prompt: string, options?: GenerateOptions): Promise<Generated[]> {
  const all: Generated[] = [];
  for await (const step of generate(loaded, prompt, options)) {
    all.push(step);
  }
  return all;
}

/** What the stub writes after a letter. */
function after(letter: string, count: number): string {
  const start = letters.indexOf(letter);
  return Array.from({ length: count }, (_, i) => letters[(start + 3 * (i + 1)) % letters.length])
    .join("")
    .replace(/\..*/, "");
}

describe("generate", () => {
  test("gives text, tokens and statistics, up to the limit", async () => {
    const all = await steps("xyza", { maxTokens: 5 });
    expect(all.map(({ text }) => text)).toEqual(["d", "g", "j", "m", "p"]);
    expect(all.map(({ token }) => token)).toEqual([3, 6, 9, 12, 15]);
    expect(all.map(({ finishReason }) => finishReason)).toEqual([null, null, null, null, "length"]);
    const { promptTokens, generationTokens, promptTps, generationTps, peakMemory } = all[4] ?? {};
    expect([promptTokens, generationTokens]).toEqual([4, 5]);
    for (const figure of [promptTps, generationTps, peakMemory]) {
      expect(figure).toBeGreaterThan(0);
    }
  });

  test("ends where the model does, whose end is no text", async () => {
    const all = await steps("a");
    expect(all.map(({ text }) => text).join("")).toBe(after("a", 100));
    expect(all.at(-1)).toMatchObject({ text: "", finishReason: "stop", token: 27 });
  });

  test("takes messages of a type of one's own, and such as have more fields", async () => {
    interface Line {
      role: "user" | "assistant";
      content: string;
    }
    const own: readonly Line[] = [{ role: "user", content: "za" }];
    const more: Message[] = [{ role: "user", name: "Ishmael", content: "za" }];
    const texts = [own, more].map((prompt) => generate(loaded, prompt, { maxTokens: 3 }).text());
    expect(await Promise.all(texts)).toEqual(["dgj", "dgj"]);
    // @ts-expect-error: content is a text.
    expect(() => generate(loaded, [{ role: "user", content: 3 }])).not.toThrow();
    using chat = new ChatSession(loaded);
    expect(await chat.send(own, { maxTokens: 3 }).text()).toBe("dgj");
    expect(chat.messages[0]?.content).toBe("za");
  });

  test("takes tokens and messages for prompts, and gives the whole text", async () => {
    const prompts = ["za", [25, 0], [{ role: "user", content: "za" }]];
    const texts = prompts.map((prompt) => generate(loaded, prompt, { maxTokens: 3 }).text());
    expect(await Promise.all(texts)).toEqual(["dgj", "dgj", "dgj"]);
  });

  test.each<[string | string[], string, "stop" | "length"]>([
    ["m", "dgj", "stop"],
    ["jm", "dg", "stop"],
    [["zz", "mp", "gj"], "d", "stop"],
    ["jx", "dgjmps", "length"],
    ["vy", "dgjmps", "length"],
    ["sx", "dgjmps", "length"],
  ])("ends before the stop %j", async (stop, text, reason) => {
    const all = await steps("a", { stop, maxTokens: 6 });
    expect(all.map(({ text }) => text).join("")).toBe(text);
    expect(all.at(-1)?.finishReason).toBe(reason);
  });

  test("reads the prompt in chunks, all but its last token", async () => {
    loaded.model.calls.length = 0;
    const progress: number[] = [];
    const onPromptProgress = (done: number, total: number) => progress.push(done, total);
    await steps("abcdefgh", { prefillStepSize: 3, maxTokens: 1, onPromptProgress });
    expect(loaded.model.calls).toEqual([3, 3, 1, 1]);
    expect(progress).toEqual([0, 8, 3, 8, 6, 8, 7, 8, 8, 8]);
  });

  test("goes on with caches that are given, which then hold what was read", async () => {
    const promptCache = makePromptCache(loaded.model);
    await steps("abcde", { promptCache, maxTokens: 1 });
    expect(promptCache.map(({ offset }) => offset)).toEqual([5, 5]);
    expect((await steps("f", { promptCache, maxTokens: 2 })).map(({ text }) => text)).toEqual([
      "i",
      "l",
    ]);
    expect(promptCache.map(({ offset }) => offset)).toEqual([7, 7]);
    expect(promptCache[0]?.[Symbol.dispose]()).toBeUndefined();
    mx.dispose(promptCache);
  });

  test("an abort in the middle of a step leaves no token in the caches that was not given", async () => {
    const promptCache = makePromptCache(loaded.model);
    const controller = new AbortController();
    const given: string[] = [];
    let noted = 0;
    const sampler = (logprobs: mx.array) => {
      noted += 1;
      if (noted === 4) {
        controller.abort(new Error("enough"));
      }
      return mx.argmax(logprobs, -1);
    };
    const writing = (async () => {
      const options = { promptCache, sampler, signal: controller.signal };
      for await (const { text } of generate(loaded, "za", options)) {
        given.push(text);
      }
    })();
    await expect(writing).rejects.toThrow("enough");
    expect(given).toEqual(["d", "g"]);
    expect(promptCache.map(({ offset }) => offset)).toEqual([4, 4]);
    mx.dispose(promptCache);
  });

  test("with rotating and quantized caches", async () => {
    const rotating = makePromptCache(loaded.model, 8);
    expect(rotating.every((cache) => cache instanceof RotatingKVCache)).toBe(true);
    const promptCache = makePromptCache(loaded.model);
    const options = { kvBits: 8, kvGroupSize: 32, quantizedKvStart: 4, promptCache };
    const all = await steps("ab", { ...options, maxTokens: 2 });
    expect(promptCache[0]).toBeInstanceOf(KVCache);
    all.push(...(await steps("h", { ...options, maxTokens: 3 })));
    expect(promptCache.every((cache) => cache instanceof QuantizedKVCache)).toBe(true);
    expect(promptCache[0]?.offset).toBe(6);
    expect(all.map(({ text }) => text).join("")).toBe("ehknq");
    mx.dispose([rotating, promptCache]);
    expect(await generate(loaded, "a", { maxKvSize: 3 }).text()).toBe(after("a", 100));
  });

  test("logits processors see the tokens since the prompt's last one", async () => {
    const seen: mx.array[] = [];
    const logitsProcessors = [
      (tokens: mx.array, logits: mx.array) => {
        // The tokens themselves are freed when there are more.
        seen.push(mx.keep(tokens.add(0)));
        // The other near token.
        return logits.at(":", 7).add(tokens.size === 2 ? 100 : 0);
      },
    ];
    const all = await steps("cba", { maxTokens: 3, logitsProcessors });
    expect(all.map(({ text }) => text).join("")).toBe("dhk");
    const tokens = seen.map((x) => x.tolist());
    expect(tokens).toEqual([[0], [0, 3], [0, 3, 7]]);
    mx.dispose(seen);
    const biased = generate(loaded, "a", { maxTokens: 3, logitBias: { 25: 9 } });
    expect(await biased.text()).toBe("zzz");
    // b is likelier than all others, but not right after itself.
    const options = { maxTokens: 4, logitBias: { 1: 9 }, repetitionPenalty: 9 };
    const often = generate(loaded, "bb", { ...options, repetitionContextSize: 1 });
    expect(await often.text()).toBe("ebeb");
    expect(await generate(loaded, "bb", options).text()).toBe("ehkn");
  });

  test("the same seed chooses the same, and leaves the state of others alone", async () => {
    const write = (seed: number) =>
      generate(loaded, "a", { temperature: 3, seed, maxTokens: 40, logitBias: { 27: -99 } }).text();
    mx.random.seed(7);
    const other = mx.random.uniform().item();
    mx.random.seed(7);
    const [first, second, third] = [await write(1), await write(1), await write(2)];
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(mx.random.uniform().item()).toBe(other);
  });
});

describe("what is left", () => {
  test("nothing, and caches to go on from, after an abort at any turn of the event loop", async () => {
    const before = live();
    const prompt = "xyzabc";
    const outcomes: string[] = [];
    // Each turn at first; a busy machine has many before it is done.
    for (let turns = 0; outcomes.at(-1) !== "the end"; turns += 1 + (turns >> 5)) {
      const promptCache = makePromptCache(loaded.model);
      const controller = new AbortController();
      const options = { promptCache, prefillStepSize: 2, maxTokens: 4, topK: 1, seed: 1 };
      let given = "";
      const writing = (async () => {
        const all = generate(loaded, prompt, { ...options, signal: controller.signal });
        for await (const { text } of all) {
          given += text;
        }
      })().then(
        () => "the end",
        ({ message }) => message,
      );
      for (let i = 0; i < turns; i++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      controller.abort(new Error("enough"));
      outcomes.push(await writing);
      expect(after("c", 4).startsWith(given)).toBe(true);
      const [offset = 0, other] = promptCache.map((cache) => cache.offset);
      expect(other).toBe(offset);
      expect(offset).toBeLessThanOrEqual(prompt.length + given.length);
      if (given !== "") {
        expect(offset).toBeGreaterThanOrEqual(prompt.length + given.length - 1);
      }
      // What is not read yet goes on from there, or else the last letter once more.
      const all = prompt + given;
      const going = generate(loaded, all.slice(offset) || all.slice(-1), options);
      expect(await going.text()).toBe(after(all.slice(-1), 4));
      mx.dispose(promptCache);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(new Set(outcomes)).toEqual(new Set(["enough", "the end"]));
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("nothing, however a generation ends", async () => {
    const before = live();
    const controller = new AbortController();
    const failing = () => {
      throw new Error("no more");
    };
    const options = { repetitionPenalty: 1.1, temperature: 1, seed: 3 };
    await steps("abc", { ...options, maxTokens: 20 });
    for (const count of [1, 2, 5]) {
      for await (const { generationTokens } of generate(loaded, "abc", options)) {
        if (generationTokens === count) {
          break;
        }
      }
      const aborted = (async () => {
        const controller = new AbortController();
        for await (const { generationTokens } of generate(loaded, "abc", {
          ...options,
          signal: controller.signal,
        })) {
          if (generationTokens === count) {
            controller.abort(new Error("enough"));
          }
        }
      })();
      await expect(aborted).rejects.toThrow("enough");
    }
    controller.abort(new Error("before"));
    await expect(steps("abc", { signal: controller.signal })).rejects.toThrow("before");
    const during = new AbortController();
    const reading = steps("abcabc", {
      prefillStepSize: 2,
      signal: during.signal,
      onPromptProgress: (done) => done === 4 && during.abort(new Error("while reading")),
    });
    await expect(reading).rejects.toThrow("while reading");
    await expect(steps("abc", { logitsProcessors: [failing] })).rejects.toThrow("no more");
    await expect(steps("abc", { sampler: failing })).rejects.toThrow("no more");
    // One that is never asked for anything.
    generate(loaded, "abc", options);
    expect(mx.memory().arrays).toBe(before);
  });

  test("memory is flat but for the caches, for 5,000 tokens, and the event loop runs", async () => {
    const before = live();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const arrays: number[] = [];
    const active: number[] = [];
    const options = { maxTokens: 5000, maxKvSize: 64, logitBias: { 27: -99 } };
    for await (const { generationTokens } of generate(loaded, "a", options)) {
      if (generationTokens % 500 === 0) {
        arrays.push(mx.memory().arrays - before);
        active.push(mx.getActiveMemory());
      }
    }
    clearInterval(timer);
    expect(arrays).toHaveLength(10);
    expect(Math.max(...arrays)).toBeLessThan(40);
    expect(Math.max(...active) - Math.min(...active)).toBeLessThan(100_000);
    expect(ticks).toBeGreaterThan(50);
    expect(mx.memory().arrays).toBe(before);
  });

  test("flat but for the caches, for 5,000 tokens of a Llama", { timeout: 300_000 }, async () => {
    const before = live();
    const sizes = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2 };
    const heads = { num_attention_heads: 4, num_key_value_heads: 2 };
    const config = { model_type: "llama", vocab_size: letters.length, ...sizes, ...heads };
    const model = createModel(new Config(config, "the test"));
    mx.eval(model);
    const weights = live();
    const promptCache = makePromptCache(model);
    const arrays: number[] = [];
    const active: number[] = [];
    const resident: number[] = [];
    const options = {
      maxTokens: 5000,
      promptCache,
      logitBias: { 27: -99 },
      temperature: 1,
      seed: 1,
    };
    const text = { model, tokenizer: loaded.tokenizer };
    for await (const { generationTokens } of generate(text, "abc", options)) {
      if (generationTokens % 500 === 0) {
        arrays.push(live() - weights);
        const bytes = (promptCache as KVCache[]).map(
          ({ keys, values }) => (keys?.nbytes ?? 0) + (values?.nbytes ?? 0),
        );
        active.push(mx.getActiveMemory() - bytes.reduce((a, b) => a + b));
        // Without what MLX and V8 keep for later, more of it now and less of it then.
        mx.clearCache();
        const { rss, heapTotal, heapUsed } = process.memoryUsage();
        resident.push(rss - heapTotal + heapUsed);
      }
    }
    expect(arrays).toHaveLength(10);
    expect(Math.max(...arrays) - Math.min(...arrays)).toBeLessThan(10);
    expect(Math.max(...active) - Math.min(...active)).toBeLessThan(2_000_000);
    // What 4 KB a token would be; the caches have grown by 5 MB.
    expect(Math.max(...resident.slice(5)) - Math.max(...resident.slice(0, 2))).toBeLessThan(20e6);
    mx.dispose(promptCache);
    model.dispose();
    expect(live()).toBe(before);
  });
});

describe("refused", () => {
  test("a prompt longer than the context; an answer ends there", async () => {
    const short = stub(6);
    await expect(generate(short, "abcdefg").text()).rejects.toThrow(
      "[generate] prompt: expected at most 6 tokens, which is what the model can read, received 7.",
    );
    // The sixth token is read, and a seventh comes of it.
    expect(await generate(short, "abcd").text()).toBe("gjm");
    short.model.dispose();
  });

  test.each<[unknown, object, RegExp]>([
    [5, {}, /prompt: expected a string, a list of messages/],
    [[], {}, /prompt: expected at least one message or token/],
    [
      "a",
      { temprature: 1 },
      /options: expected .*temperature.*"temprature"; did you mean "temperature"/,
    ],
    ["a", { temperature: -1 }, /temperature: expected a number of at least 0, received -1/],
    ["a", { topP: 2 }, /topP: expected a number from 0 to 1, received 2/],
    ["a", { minP: "0.1" }, /minP: expected a number, received "0.1"/],
    ["a", { topK: 0 }, /topK: expected a positive integer, received 0/],
    ["a", { seed: "x" }, /seed: expected an integer, received "x"/],
    ...[-1, 0.5, Number.NaN, 2 ** 64].map((seed): [unknown, object, RegExp] => [
      "a",
      { seed },
      /seed: expected an integer of 64 bits that is not negative, received/,
    ]),
    ["a", { maxTokens: 0 }, /maxTokens: expected a positive integer, received 0/],
    ["a", { stop: [""] }, /stop: expected a text, or a list of texts, that are not empty/],
    ["a", { signal: {} }, /signal: expected an AbortSignal/],
    ["a", { logitBias: { x: 1 } }, /logitBias: expected an integer/],
    ["a", { logitBias: { 1: Number.NaN } }, /logitBias\[1\]: expected a number, received NaN/],
    ["a", { logitBias: null }, /logitBias: expected a record or a Map of tokens and numbers/],
    ["a", { repetitionPenalty: 0 }, /repetitionPenalty: expected a number above 0, received 0/],
    ["a", { sampler: 5 }, /sampler: expected a function, received 5/],
    ["a", { logitsProcessors: [5] }, /logitsProcessors: expected a list of functions/],
    ["a", { onPromptProgress: 5 }, /onPromptProgress: expected a function, received 5/],
    ["a", { promptCache: [5] }, /promptCache: expected what makePromptCache gives/],
    ["a", { kvBits: 7 }, /kvBits: expected one of 1, 2, 3, 4, 5, 6, 8, received 7/],
    ["a", { kvBits: "8" }, /kvBits: expected an integer, received "8"/],
    ["a", { kvGroupSize: 48 }, /kvGroupSize: expected one of 32, 64, 128, received 48/],
    ["a", { kvBits: 8, maxKvSize: 9 }, /kvBits: expected nothing beside maxKvSize, .* received 8/],
    [
      "a",
      { logitBias: { 1: Number.POSITIVE_INFINITY } },
      /logitBias\[1\]: expected less than Infinity/,
    ],
    [[{ content: "a" }], {}, /prompt\[0\]: expected a message \{ role, content \}, or a token/],
    [[null], {}, /prompt\[0\]: expected a message .*, received null/],
    [[0, "1"], {}, /prompt\[1\]: expected a token of the model.*, received "1"/],
    ...[28, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map(
      (token): [unknown, object, RegExp] => [
        [0, token],
        {},
        new RegExp(`prompt\\[1\\]: expected a token .* from 0 to 27, received ${token}`),
      ],
    ),
    [mx.array([1]), {}, /prompt: expected a string.*, received float32 array of shape \[1\]/],
  ])("%j with %j", (prompt, options, message) => {
    const call = () => generate(loaded, prompt as never, options as never);
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }));
  });

  test("an empty text, a bias of no token, and no model", async () => {
    await expect(steps("")).rejects.toThrow(/prompt: expected a text of at least one token/);
    const silent = generate(loaded, [{ role: "user", content: "" }]).text();
    await expect(silent).rejects.toThrow(
      /prompt: expected messages of which the chat template makes at least one token/,
    );
    const biased = steps("a", { logitBias: { 99: 1 } });
    await expect(biased).rejects.toThrow(/biases: expected tokens below 28, received 99/);
    expect(() => generate({} as never, "a")).toThrow(/model: expected what load gives/);
    expect(() => makePromptCache(loaded as never)).toThrow(/model: expected a model, such as the/);
    expect(() => createModel({} as never)).toThrow(/\[createModel\] config: expected a Config/);
  });

  test.each<[unknown, object, RegExp]>([
    [[1], { promptCache: [] }, /promptCache: expected caches of the model's 2 layers, received 0/],
  ])("%j with %j, as it begins", async (prompt, options, message) => {
    const before = live();
    await expect(generate(loaded, prompt as never, options).text()).rejects.toThrow(message);
    expect(live()).toBeLessThanOrEqual(before);
  });

  test("caches of another model, which stay as they are", async () => {
    const other = new KVCache();
    other.update(mx.ones([1, 3, 5, 16]), mx.ones([1, 3, 5, 16]));
    const promptCache = [other, other];
    await expect(generate(loaded, "abc", { promptCache }).text()).rejects.toMatchObject({
      code: "ERR_MLX_LM_CACHE",
      message: expect.stringMatching(
        /shape of those in the cache, \[1, 3, …, 16\] .* received \[1, 1, …, 32\]: .*another model/,
      ),
    });
    expect(other.offset).toBe(5);
    mx.dispose(promptCache);
  });

  test("a group of quantized keys that is larger than a head", async () => {
    const steps = generate(loaded, "abc", { kvBits: 8 });
    await expect(steps.text()).rejects.toThrow(
      /groupSize: expected a divisor of the size of a head, 32, received 64/,
    );
  });

  test("a tokenizer of another model", async () => {
    const other = { model: new Stub(), tokenizer: letterTokenizer() };
    Object.assign(other.model, { vocabSize: 5 });
    await expect(generate(other, "abf").text()).rejects.toThrow(
      /model\.tokenizer: expected to give a token of the model, which has those from 0 to 4, received 5/,
    );
    other.model.dispose();
  });

  describe("a sampler that gives", () => {
    const isInteger = /sampler: expected one that gives an array of one integer, received /;
    const isToken = /sampler: expected to give a token of the model, which has those from 0 to 27/;
    test.each<[string, () => unknown, RegExp]>([
      ["nothing", () => undefined, isInteger],
      ["a number", () => 5, isInteger],
      ["NaN", () => Number.NaN, isInteger],
      ["a promise", async () => mx.array([1], mx.int32), /received Promise/],
      ["a fraction", () => mx.array([1.5]), /received float32 array of shape \[1\]/],
      ["an array of NaN", () => mx.array([Number.NaN]), isInteger],
      ["booleans", () => mx.array([true]), isInteger],
      ["two tokens", () => mx.array([1, 2], mx.int32), /received int32 array of shape \[2\]/],
      ["none", () => mx.array([], mx.int32), isInteger],
      ["-1", () => mx.array([-1], mx.int32), isToken],
      ["a token beyond the vocabulary", () => mx.array([28], mx.uint8), isToken],
      ["one far beyond it", () => mx.array([2n ** 32n + 1n], mx.int64), isToken],
      ["the largest", () => mx.array([2n ** 64n - 1n], mx.uint64), isToken],
    ])("%s", async (_, sampler, message) => {
      const before = live();
      const promptCache = makePromptCache(loaded.model);
      // In its second step, and with a processor that reads the tokens.
      let count = 0;
      const options = {
        promptCache,
        repetitionPenalty: 1.1,
        sampler: (x: mx.array) => (count++ === 0 ? mx.argmax(x, -1) : (sampler() as mx.array)),
      };
      const given: string[] = [];
      const writing = (async () => {
        for await (const { text } of generate(loaded, "za", options)) {
          given.push(text);
        }
      })();
      await expect(writing).rejects.toThrow(message);
      await expect(writing).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
      expect(given).toEqual(["d"]);
      // The caches hold what was given, and can be gone on with.
      expect(promptCache.map(({ offset }) => offset)).toEqual([3, 3]);
      expect((await steps("g", { promptCache, maxTokens: 1 }))[0]?.text).toBe("j");
      mx.dispose(promptCache);
      expect(live()).toBeLessThanOrEqual(before);
    });

    test("a token in another shape is taken", async () => {
      for (const shape of [[], [1, 1]]) {
        const sampler = (x: mx.array) => mx.argmax(x, -1).astype(mx.uint8).reshape(shape);
        const options = { sampler, maxTokens: 3, repetitionPenalty: 1.1 };
        expect(await generate(loaded, "a", options).text()).toBe("dgj");
      }
    });
  });

  describe("a processor that gives", () => {
    const areLogits =
      /logitsProcessors: expected functions that give a floating-point array of shape \[1, 28\]/;
    const cannot =
      /logitsProcessors: expected to leave logits of which none is NaN or Infinity, and one is/;
    const always = (value: number) => (x: mx.array) => mx.full(x.shape, value);
    test.each<[string, (logits: mx.array) => unknown, RegExp]>([
      ["nothing", () => undefined, areLogits],
      ["a number", () => 5, areLogits],
      ["another shape", (x) => x.reshape([28]), /received float32 array of shape \[28\]/],
      ["one column", (x) => x.get(":", "0:1"), areLogits],
      ["integers", (x) => x.astype(mx.int32), /received int32 array of shape \[1, 28\]/],
      ["NaN", always(Number.NaN), cannot],
      ["a NaN among others", (x) => x.at(":", 3).add(Number.NaN), cannot],
      ["Infinity", (x) => x.at(":", 3).add(Number.POSITIVE_INFINITY), cannot],
      ["-Infinity for all", always(Number.NEGATIVE_INFINITY), cannot],
    ])("%s", async (_, processor, message) => {
      const before = live();
      const logitsProcessors = [(_: mx.array, x: mx.array) => processor(x) as mx.array];
      for (const temperature of [0, 1]) {
        const writing = steps("a", { logitsProcessors, temperature });
        await expect(writing).rejects.toThrow(message);
      }
      expect(live()).toBeLessThanOrEqual(before);
    });

    test("-Infinity for all but one chooses that one", async () => {
      const only = (_: mx.array, x: mx.array) =>
        mx.where(mx.arange(28).equal(7), x, Number.NEGATIVE_INFINITY);
      for (const temperature of [0, 1]) {
        const options = { logitsProcessors: [only], temperature, maxTokens: 2 };
        expect(await generate(loaded, "a", options).text()).toBe("hh");
      }
    });
  });

  test("biases that leave no token, and a model that gives NaN", async () => {
    const none = Object.fromEntries([...letters].map((_, i) => [i, Number.NEGATIVE_INFINITY]));
    await expect(steps("a", { logitBias: none })).rejects.toThrow(/logitBias: expected to leave/);
    const broken = stub();
    broken.model.table.weight = mx.full([letters.length, letters.length], Number.NaN);
    const refused = { code: "ERR_MLX_LM_MODEL", message: expect.stringMatching(/received NaN/) };
    for (const options of [{}, { repetitionPenalty: 2 }]) {
      await expect(generate(broken, "a", options).text()).rejects.toMatchObject(refused);
    }
    broken.model.dispose();
  });

  test("caches that another generation fills, or that have unequal lengths", async () => {
    const promptCache = makePromptCache(loaded.model);
    const first = generate(loaded, "a", { promptCache, maxTokens: 3 });
    await first.next();
    const refused = { code: "ERR_MLX_LM_CACHE" };
    await expect(steps("a", { promptCache })).rejects.toMatchObject(refused);
    expect(await first.text()).toBe("gj");
    promptCache[1]?.trim(1);
    await expect(steps("a", { promptCache })).rejects.toMatchObject(refused);
    mx.dispose(promptCache);
  });
});

test("a temperature that is beyond all bounds chooses the likeliest token, or any", async () => {
  const write = (temperature: number) =>
    generate(loaded, "a", { temperature, seed: 1, topK: 2, maxTokens: 8 }).text();
  expect(await write(1e-320)).toBe(await write(0));
  for (const temperature of [1e300, Number.POSITIVE_INFINITY]) {
    // Each letter is one of the two likeliest: three further, or four.
    let last = 0;
    for (const letter of await write(temperature)) {
      const next = letters.indexOf(letter);
      expect([3, 4]).toContain((next - last + letters.length) % letters.length);
      last = next;
    }
  }
});

test("SmolLM2 writes mlx-lm's tokens, 200 of 200", { timeout: 240_000 }, async () => {
  // Written by reference/lm/smollm2.py.
  const golden: { message: string; tokens: number[]; text: string } = JSON.parse(
    readFileSync(new URL("golden/smollm2.json", import.meta.url), "utf8"),
  );
  using smollm2 = await load(models().smollm2);
  const tokens: number[] = [];
  let text = "";
  const messages = [{ role: "user", content: golden.message }];
  for await (const step of generate(smollm2, messages, { maxTokens: 200 })) {
    tokens.push(step.token);
    text += step.text;
  }
  expect(tokens).toEqual(golden.tokens);
  expect(text).toBe(golden.text);
});
