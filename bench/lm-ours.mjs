// What a model takes to read a prompt and to write an answer, as reference/lm.py measures it.
// usage: lm-ours.mjs MODEL PROMPT-TOKENS NEW-TOKENS     prints the figures as JSON
import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";
import { generate, load } from "mlx-js-lm";

const [path = "", promptTokens = "256", newTokens = "64"] = process.argv.slice(2);

const loaded = await load(path);
// Numbers stand for a text: what they say has no part in the time.
const prompt = Array.from({ length: Number(promptTokens) }, (_, i) => 100 + ((i * 7919) % 40_000));
// Without an end, so that as many tokens come as are asked for.
const endless = { model: loaded.model, tokenizer: Object.create(loaded.tokenizer) };
Object.defineProperty(endless.tokenizer, "eosTokenIds", { value: new Set() });
endless.tokenizer.detokenizer = () => loaded.tokenizer.detokenizer();

/** @param {number} maxTokens */
async function measure(maxTokens) {
  mx.resetPeakMemory();
  const processor = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const began = performance.now();
  const start = processor();
  let first = 0;
  let read = 0;
  let promptTps = 0;
  let generationTps = 0;
  for await (const step of generate(endless, prompt, { maxTokens })) {
    first ||= performance.now() - began;
    read ||= processor() - start;
    ({ promptTps, generationTps } = step);
  }
  return {
    ...{ promptTps, generationTps, firstToken: first / 1000, peakMemory: mx.getPeakMemory() },
    promptProcessor: read / prompt.length,
    generationProcessor: (processor() - start - read) / (maxTokens - 1),
  };
}

await measure(4);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const figures = await measure(Number(newTokens));
delay.disable();
// What is kept is the time between two calls of a timer of one millisecond.
console.log(JSON.stringify({ ...figures, eventLoopDelay: delay.percentile(99) / 1e9 - 1e-3 }));
