// What a language model takes to write a token, evaluated at once and a step ahead, as
// reference/decode.py measures it.
// usage: decode.mjs MODEL TOKENS [eval|ahead]     prints the figures as JSON
import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";
import { load, makePromptCache } from "mlx-js-lm";

const [path = "", tokens = "64", how = "ahead"] = process.argv.slice(2);
const count = Number(tokens);
const { model } = await load(path);

/** @param {number} count @returns {Promise<unknown[]>} */
async function write(count) {
  const cache = makePromptCache(model);
  const step = (/** @type {mx.array} */ token) =>
    mx.argmax(model.forward(token.reshape([1, 1]), cache).get(0, -1), -1);
  const initial = mx.array(100, mx.int32);
  const written = [];
  if (how === "eval") {
    let token = initial;
    for (let i = 0; i < count; i++) {
      const next = mx.tidy(() => step(token));
      mx.eval(next);
      token.dispose();
      token = next;
      written.push(token.item());
    }
    return written;
  }
  for await (const token of mx.pipeline(step, { initial })) {
    written.push(token.item());
    if (written.length === count) {
      break;
    }
  }
  return written;
}

await write(8);
const before = process.resourceUsage();
const began = performance.now();
const written = await write(count);
const wall = performance.now() - began;
const after = process.resourceUsage();
// A timer of each millisecond, which costs time itself. What is kept is the time between two calls.
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
await write(count / 2);
delay.disable();
const of = (/** @type {keyof NodeJS.ResourceUsage} */ name) => (after[name] - before[name]) / count;
console.log(
  JSON.stringify({
    wall: wall / count,
    user: of("userCPUTime") / 1e3,
    system: of("systemCPUTime") / 1e3,
    switches: of("voluntaryContextSwitches"),
    forced: of("involuntaryContextSwitches"),
    delay: delay.percentile(99) / 1e6 - 1,
    last: written.at(-1),
  }),
);
