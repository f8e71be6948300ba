// Trains, evaluates asynchronously, serves HTTP and compiles functions that it
// drops again, all at once, for twenty minutes or `--minutes N`. Thirty times all of
// this rests and the garbage is collected: what is there then must be as flat in the
// last third as in the second, and what the process takes while it works, too.
// `--save` keeps the figures in results/soak.json.

import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mx, nn, optim } from "mlx-js";

const require = createRequire(import.meta.url);
const { Transformer } = require("../dist-examples/train-short-test-long/model.js");

/** @typedef {import("../examples/train-short-test-long/model.js").LayerCache} LayerCache */

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "20" },
    device: { type: "string", default: "cpu" },
    save: { type: "boolean", default: false },
  },
});
mx.setDefaultDevice(options.device === "gpu" ? mx.gpu : mx.cpu);
mx.random.seed(0);

const start = Date.now();
const end = start + Number(options.minutes) * 60_000;
const [vocabulary, batch, length, written] = [90, 8, 32, 16];
const model = new Transformer({ vocabulary, width: 64, heads: 4, layers: 2, positions: "alibi" });
const count = { steps: 0, requests: 0, functions: 0, failures: 0 };
// Not the user's.
const cache = mkdtempSync(join(tmpdir(), "mlx-js-soak-"));
process.env["MLX_JS_CACHE"] = cache;

setFlagsFromString("--expose-gc");
/** @type {() => void} */
const collect = runInNewContext("gc");

// Who works asks before each step. Who has come to the last step is at rest for good.
let working = 0;
/** @type {Promise<void> | undefined} */
let pause;
/** @type {() => void} */
let noteRest = () => {};

function rests() {
  working--;
  noteRest();
}

/** Runs a step until the time is up. @param {() => Promise<void>} step */
async function work(step) {
  working++;
  while (Date.now() < end) {
    await step();
    if (pause) {
      rests();
      await pause;
      working++;
    }
  }
  rests();
}

/** Stops all work, and gives what `look` sees then. @param {() => void} look */
async function atRest(look) {
  const { promise, resolve } = withResolvers();
  pause = promise;
  while (working > 0) {
    const { promise: oneRests, resolve: note } = withResolvers();
    noteRest = note;
    await oneRests;
  }
  // Finalizers run between turns of the event loop.
  for (let i = 0; i < 3; i++) {
    collect();
    await sleep(0);
  }
  look();
  pause = undefined;
  resolve();
}

/** @returns {{ promise: Promise<void>, resolve: () => void }} */
function withResolvers() {
  let resolve = () => {};
  /** @type {Promise<void>} */
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

async function train() {
  const optimizer = new optim.AdamW(1e-3);
  const lossAndGradients = nn.valueAndGrad(
    model,
    (/** @type {mx.array} */ inputs, /** @type {mx.array} */ targets) =>
      nn.losses.crossEntropy(model.forward(inputs), targets, { reduction: "mean" }),
  );
  await work(async () => {
    const step = () => {
      const tokens = mx.random.randint(0, vocabulary, [batch, length + 1]);
      const [loss, gradients] = lossAndGradients(tokens.get(":", ":-1"), tokens.get(":", "1:"));
      optimizer.update(model, gradients);
      return loss;
    };
    // Every other step is left to the garbage collector.
    const loss = count.steps % 2 === 0 ? mx.tidy(step) : step();
    await mx.asyncEval(loss, model, optimizer.state);
    count.steps++;
    if (!Number.isFinite(loss.item())) {
      throw new Error(`the loss of step ${count.steps} is ${loss.item()}`);
    }
  });
}

/** @param {number} first */
async function write(first) {
  const tokens = [first];
  /** @typedef {[token: mx.array, cache: LayerCache[]]} Step */
  /** @param {Step} previous @returns {Step} */
  const step = ([token, cache]) => {
    const [logits, grown] = model.read(token, cache);
    return [mx.argmax(logits.get(":", -1), -1, { keepdims: true }), grown];
  };
  /** @type {Step} */
  const initial = [mx.array([[first]], mx.int32), []];
  for await (const [token] of mx.pipeline(step, { initial })) {
    tokens.push(token.item());
    if (tokens.length === written) {
      break;
    }
  }
  return tokens;
}

// Each has kernels of its own, and is called a few times.
async function compile() {
  const x = mx.zeros([64]);
  await work(async () => {
    const factor = 1 + count.functions++ / 8;
    const f = mx.compile((/** @type {mx.array} */ x) =>
      mx.add(mx.multiply(mx.exp(x), factor), x).max(),
    );
    for (let i = 0; i < 3; i++) {
      const y = mx.tidy(() => f(x));
      await mx.asyncEval(y);
      if (y.item() !== factor) {
        count.failures++;
      }
      y.dispose();
    }
    await sleep(50);
  });
}

const server = createServer(async (incoming, response) => {
  const first = Number(new URL(incoming.url ?? "", "http://localhost").searchParams.get("first"));
  try {
    response.end(JSON.stringify(await write(first)));
  } catch (error) {
    response.writeHead(500).end(String(error));
  }
}).listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? address?.port : undefined;
const agent = new Agent({ keepAlive: true });

/** @param {number} first @returns {Promise<number[]>} */
async function ask(first) {
  const outgoing = request({ host: "127.0.0.1", port, path: `/?first=${first}`, agent }).end();
  const [response] = await once(outgoing, "response");
  let text = "";
  for await (const part of response.setEncoding("utf8")) {
    text += part;
  }
  return response.statusCode === 200 ? JSON.parse(text) : [];
}

/** @param {number} first */
async function client(first) {
  await work(async () => {
    const tokens = await ask(first);
    count.requests++;
    if (tokens.length !== written || tokens[0] !== first) {
      count.failures++;
    }
    await sleep(20);
  });
}

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
/** @type {{ minute: number, rss: number }[]} */
const taken = [];
/** @type {{ minute: number, external: number, heap: number, active: number, arrays: number }[]} */
const kept = [];
const minute = () => (Date.now() - start) / 60_000;

const timer = setInterval(
  () => taken.push({ minute: minute(), rss: process.memoryUsage.rss() }),
  Math.min(5000, (end - start) / 60),
);

async function look() {
  for (let i = 1; i <= 30; i++) {
    await sleep(start + (i * (end - start)) / 31 - Date.now());
    await atRest(() => {
      const { external, heapUsed } = process.memoryUsage();
      const { active, arrays } = mx.memory();
      kept.push({ minute: minute(), external, heap: heapUsed, active, arrays });
    });
  }
}

await Promise.all([look(), train(), compile(), client(1), client(2), client(3)]);
clearInterval(timer);
delay.disable();
agent.destroy();
server.close();

/**
 * The middle of a figure in a third of the time.
 * @template {string} Name
 * @param {Record<Name, number>[]} samples
 * @param {Name} name
 * @param {number} third
 */
function middle(samples, name, third) {
  const [from, to] = [third, third + 1].map((n) => Math.floor((samples.length * n) / 3));
  const sorted = samples.slice(from, to).map((sample) => sample[name]);
  sorted.sort((a, b) => a - b);
  return Number(sorted[sorted.length >> 1]);
}

/** @param {(third: number) => number} of */
function growth(of) {
  const [second, last] = [of(1), of(2)];
  return { second, last, growth: last / second - 1 };
}

const figures = {
  rss: growth((third) => middle(taken, "rss", third)),
  external: growth((third) => middle(kept, "external", third)),
  heap: growth((third) => middle(kept, "heap", third)),
  active: growth((third) => middle(kept, "active", third)),
  arrays: growth((third) => middle(kept, "arrays", third)),
};
const kernels = join(cache, "kernels");
const libraries = existsSync(kernels)
  ? readdirSync(kernels).filter((name) => name.endsWith(".so")).length
  : 0;
rmSync(cache, { recursive: true, force: true, maxRetries: 10 });
const flat = Object.values(figures).every(({ growth }) => growth < 0.1);
const verdict = {
  machine: `Node ${process.versions.node}, ${process.platform}-${process.arch}, ${options.device}`,
  minutes: (Date.now() - start) / 60_000,
  ...count,
  // What is kept is the time between two calls of a timer of one millisecond.
  delay: { p99: delay.percentile(99) / 1e6 - 1, most: delay.max / 1e6 - 1, unit: "ms" },
  figures,
  kernels: libraries,
  flat,
};
console.log(JSON.stringify(verdict, undefined, 2));
if (options.save) {
  const path = new URL("results/soak.json", import.meta.url);
  writeFileSync(path, `${JSON.stringify({ ...verdict, taken, kept }, undefined, 2)}\n`);
}
process.exitCode = flat && libraries <= 256 && count.failures === 0 ? 0 : 1;
