import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { mx } from "mlx-js";
import {
  type Cache,
  ChatSession,
  type GenerateOptions,
  generate,
  type LoadOptions,
  load,
  makePromptCache,
  Tokenizer,
} from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { foreignController } from "../../../test/support/foreign-signal.js";
import { live } from "../../../test/support/live.js";
import { configs, weightsOf } from "./support/golden.js";
import { letterTokenizer, Stub } from "./support/stub.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-abort-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A tokenizer with so many tokens that it takes several turns to make. */
const tokens = Array.from({ length: 20_000 }, (_, i) => i.toString(36));
const tokenizerJson = {
  decoder: { type: "Fuse" },
  model: {
    type: "BPE",
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: tokens.filter(({ length }) => length === 2).map(([x, y]) => `${x} ${y}`),
  },
};

/** A checkpoint of a small Llama. */
function checkpoint(): string {
  const path = join(folder, "llama");
  mkdirSync(path);
  writeFileSync(join(path, "config.json"), JSON.stringify(configs["llama"]));
  writeFileSync(join(path, "tokenizer.json"), JSON.stringify(tokenizerJson));
  const weights = weightsOf("llama");
  mx.saveSafetensors(join(path, "model.safetensors"), weights);
  mx.dispose(weights);
  return path;
}

describe("load, aborted in any turn, throws the reason and leaves nothing", () => {
  const path = checkpoint();
  const starts: [string, (options: LoadOptions) => Promise<Disposable | undefined>][] = [
    ["a model", (options) => load(path, options)],
    ["a tokenizer", (options) => Tokenizer.load(path, options).then(() => undefined)],
  ];
  test.each(starts)("%s", async (_, start) => {
    const before = live();
    let aborted = 0;
    for (let turns = 0; ; turns++) {
      const controller = turns % 2 === 0 ? new AbortController() : foreignController().controller;
      const reason = new Error(`after ${turns} turns`);
      const loading = start({ signal: controller.signal }).catch((error: Error) => error);
      for (let i = 0; i < turns; i++) {
        await turn();
      }
      controller.abort(reason);
      const result = await loading;
      if (!(result instanceof Error)) {
        // It was there before.
        result?.[Symbol.dispose]();
        break;
      }
      expect(result).toBe(reason);
      expect(live()).toBe(before);
      aborted++;
    }
    expect(aborted).toBeGreaterThan(4);
    expect(live()).toBe(before);
  });
});

/** A model that does something when it has been called a number of times, with half of its layers done. */
class Interrupted extends Stub {
  _at = Number.POSITIVE_INFINITY;
  _act = () => {};

  override forward(tokens: mx.array, caches: readonly Cache[] = []): mx.array {
    if (this.calls.length === this._at) {
      super.forward(tokens, caches.slice(0, 1));
      this._act();
      return super.forward(tokens, caches.slice(1));
    }
    return super.forward(tokens, caches);
  }
}

describe("generate, ended at any moment, leaves nothing, and caches that can be used", () => {
  const model = new Interrupted();
  mx.eval(model);
  const loaded = { model, tokenizer: letterTokenizer() };
  const prompt = "abcdefgz";
  // Chunks of three tokens before the last one, and then a token at a time.
  const options = { prefillStepSize: 3, maxTokens: 6, repetitionPenalty: 1.1, seed: 1 };
  const all = "adgjmp";

  /** Runs until it ends, and then goes on with the caches that were given, from what they hold. */
  async function ended(
    own: GenerateOptions,
    error: unknown,
    run = async (promptCache: Cache[]) => {
      let text = "";
      for await (const step of generate(loaded, prompt, { ...options, ...own, promptCache })) {
        text += step.text;
      }
      return text;
    },
  ): Promise<void> {
    model.calls.length = 0;
    const before = live();
    const promptCache = makePromptCache(model);
    try {
      await expect(run(promptCache)).rejects.toBe(error);
      model._at = Number.POSITIVE_INFINITY;
      const offsets = promptCache.map(({ offset }) => offset);
      expect(new Set(offsets).size).toBe(1);
      const read = offsets[0] ?? 0;
      const rest = [...(prompt + all)].slice(read, Math.max(read + 1, prompt.length)).join("");
      const further = generate(loaded, rest, { maxTokens: 2, promptCache });
      const next = Math.max(0, read + 1 - prompt.length);
      expect(await further.text()).toBe(`${all}sv`.slice(next, next + 2));
    } finally {
      mx.dispose(promptCache);
    }
    expect(live()).toBe(before);
  }

  test("by a signal, before it begins, and twice", async () => {
    const controller = new AbortController();
    controller.abort("early");
    controller.abort("again");
    await ended({ signal: controller.signal }, "early");
  });

  test.each([1, 2, 3, 4, 5])("by a signal or an error in call %i of the model", async (at) => {
    const foreign = foreignController();
    for (const controller of [new AbortController(), foreign.controller]) {
      model._at = at - 1;
      model._act = () => controller.abort("enough");
      await ended({ signal: controller.signal }, "enough");
    }
    expect(foreign.listeners()).toBe(0);
    const failed = new Error("failed");
    model._at = at - 1;
    model._act = () => {
      throw failed;
    };
    await ended({}, failed);
  });

  test.each([1, 2, 3])("by a signal or an error in a processor, at token %i", async (at) => {
    for (const throws of [false, true]) {
      const controller = new AbortController();
      const reason = new Error("enough");
      let count = 0;
      const processor = (_: mx.array, logits: mx.array) => {
        count += 1;
        if (count === at) {
          controller.abort(reason);
          if (throws) {
            throw reason;
          }
        }
        return logits;
      };
      await ended({ signal: controller.signal, logitsProcessors: [processor] }, reason);
    }
  });

  test.each([1, 2, 5])(
    "by throw and return of the iterator, and by break, at token %i",
    async (at) => {
      const reason = new Error("thrown");
      for (const end of ["throw", "return", "break"]) {
        await ended({}, reason, async (promptCache) => {
          const steps = generate(loaded, prompt, { ...options, promptCache });
          for (let i = 1; i < at; i++) {
            await steps.next();
          }
          if (end === "throw") {
            await steps.throw(reason);
          } else if (end === "return") {
            await steps.return();
            expect(await steps.next()).toEqual({ done: true, value: undefined });
          } else {
            for await (const _ of steps) {
              break;
            }
          }
          throw reason;
        });
      }
    },
  );

  test("a signal in the tick of the last token comes too late", async () => {
    const before = live();
    const controller = new AbortController();
    let text = "";
    const own = { ...options, signal: controller.signal };
    for await (const step of generate(loaded, prompt, own)) {
      text += step.text;
      if (step.finishReason !== null) {
        controller.abort();
      }
    }
    expect(text).toBe(all);
    expect(live()).toBe(before);
  });

  test("a session whose answer fails while its signal is aborted forgets the answer", async () => {
    using session = new ChatSession(loaded, { maxTokens: 2 });
    const controller = new AbortController();
    const failed = new Error("failed");
    model.calls.length = 0;
    model._at = 1;
    model._act = () => {
      controller.abort();
      throw failed;
    };
    const answer = session.send("az", { signal: controller.signal });
    await expect(answer.text()).rejects.toBe(failed);
    model._at = Number.POSITIVE_INFINITY;
    expect(session.messages).toEqual([]);
    expect(await session.send("az").text()).toBe("ad");
  });
});
