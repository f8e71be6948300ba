import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { mx } from "mlx-js";
import { type LoadOptions, load, Tokenizer } from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { live } from "../../../test/support/live.js";
import { configs, weightsOf } from "./support/golden.js";

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
      const controller = new AbortController();
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
