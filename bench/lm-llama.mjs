// What node-llama-cpp takes to read a prompt and to write an answer, as lm-ours.mjs measures it.
// usage: lm-llama.mjs GGUF PROMPT-TOKENS NEW-TOKENS FOLDER    FOLDER has node-llama-cpp
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modelPath = "", promptTokens = "256", newTokens = "64", folder = ""] = process.argv.slice(2);
const module = createRequire(join(folder, "package.json")).resolve("node-llama-cpp");
const { getLlama } = await import(pathToFileURL(module).href);

// By default it takes at least four threads, which wait for each other in a loop where there are fewer processors.
const threads = availableParallelism();
const llama = await getLlama({
  gpu: false,
  build: "never",
  logLevel: "error",
  maxThreads: threads,
});
const model = await llama.loadModel({ modelPath });
const prompt = Array.from({ length: Number(promptTokens) }, (_, i) => 100 + ((i * 7919) % 40_000));

/** @param {number} maxTokens */
async function measure(maxTokens) {
  const context = await model.createContext({ contextSize: prompt.length + maxTokens, threads });
  const began = performance.now();
  let first = 0;
  let count = 0;
  const steps = context.getSequence().evaluate(prompt, { temperature: 0, yieldEogToken: true });
  for await (const _ of steps) {
    first ||= performance.now();
    count += 1;
    if (count === maxTokens) {
      break;
    }
  }
  const seconds = (performance.now() - first) / 1000;
  await context.dispose();
  return {
    promptTps: (prompt.length / (first - began)) * 1000,
    generationTps: (count - 1) / seconds,
    firstToken: (first - began) / 1000,
  };
}

await measure(4);
console.log(JSON.stringify(await measure(Number(newTokens))));
await llama.dispose();
