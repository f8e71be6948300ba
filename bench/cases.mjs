// What is measured, on our side; reference/cases.py has the same. Prints
// seconds by name as JSON: of all cases, of those whose name contains `--only`,
// or of the one that `--case` names, by itself and in `tidy`. `--list` prints the names,
// `--warm` says for how many seconds models run before they are measured.
import { parseArgs } from "node:util";
import { mx, nn } from "mlx-js";
import { Bench } from "tinybench";
import { convolutional, recurrent } from "./layers.mjs";
import { decoding, training } from "./transformer.mjs";

const { values: options } = parseArgs({
  options: {
    device: { type: "string", default: "cpu" },
    only: { type: "string", default: "" },
    case: { type: "string" },
    warm: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
  },
});
mx.setDefaultDevice(options.device === "gpu" ? mx.gpu : mx.cpu);
// Kernels are there when a case begins, as Python's are.
process.env["MLX_JS_KERNELS"] = "wait";

/** @typedef {(count: number) => void} Body Does what is measured so many times. */
/** @typedef {() => mx.array} Operation */
/** @typedef {() => unknown} Call */
/** @typedef {{ warmupTime: number, warmupIterations: number }} WarmUp */
/** @typedef {{ rounds: number, count: number, prepare: () => Body, warmUp?: WarmUp }} Case */

const oneRound = { warmupTime: 0, warmupIterations: 1 };

/**
 * Seconds of one call in the best of several rounds: the least disturbed one.
 *
 * @param {Case} what
 */
function measure({ rounds, count, prepare, warmUp = oneRound }) {
  const body = prepare();
  const bench = new Bench({ iterations: rounds, time: 0, ...warmUp });
  // Unless it is told, tinybench finds out by a call whether a function is asynchronous.
  bench.add("case", () => body(count), { async: false });
  const [task] = bench.runSync();
  const result = task?.result;
  if (result === undefined || !("latency" in result)) {
    throw new Error("a case failed", { cause: result && "error" in result && result.error });
  }
  return result.latency.min / 1000 / count;
}

const a = mx.array([1, 2, 3]);

/** @param {Call} operation @returns {Body} */
function repeat(operation) {
  return (count) => {
    for (let i = 0; i < count; i++) {
      operation();
    }
  };
}

/**
 * In scopes of a training step's size.
 *
 * @param {Operation} operation
 * @returns {Body}
 */
function tidied(operation) {
  return (count) => {
    for (let done = 0; done < count; done += 500) {
      mx.tidy(() => repeat(operation)(500));
    }
  };
}

/** @param {Operation} operation @returns {Body} */
function evaluated(operation) {
  return (count) => {
    for (let i = 0; i < count; i++) {
      mx.tidy(() => mx.eval(operation()));
    }
  };
}

/** @param {number} count @param {Operation} operation @returns {Case} */
const plain = (count, operation) => ({ rounds: 9, count, prepare: () => repeat(operation) });
/** @param {number} count @param {Operation} operation @returns {Case} */
const scoped = (count, operation) => ({ rounds: 9, count, prepare: () => tidied(operation) });

/**
 * A model's work, which lasts: measured after some seconds of it.
 *
 * @param {number} rounds @param {number} count @param {() => Body} prepare @returns {Case}
 */
const lasting = (rounds, count, prepare) => ({
  rounds,
  count,
  prepare,
  warmUp: { warmupTime: 1000 * Number(options.warm), warmupIterations: 1 },
});
/**
 * What it costs at first, in a process that has done nothing before.
 *
 * @param {number} count @param {() => Body} prepare @returns {Case}
 */
const first = (count, prepare) => ({
  rounds: 1,
  count,
  prepare,
  warmUp: { warmupTime: 0, warmupIterations: 0 },
});

function chain() {
  let x = a;
  for (let i = 0; i < 50; i++) {
    x = mx.add(x, a);
  }
  return x;
}

/** Holds the result of each call until the next has one. @param {Operation} operation @returns {Body} */
function heldUntilNext(operation) {
  return (count) => {
    let last = a;
    for (let i = 0; i < count; i++) {
      last = operation();
    }
    return void last;
  };
}

const compiled = mx.compile((x, y) => mx.add(mx.multiply(x, y), x));

/** The gradients of a small perceptron. */
function perceptron() {
  const network = new nn.Sequential(
    new nn.Linear(16, 32),
    nn.relu,
    new nn.Linear(32, 32),
    nn.relu,
    new nn.Linear(32, 1),
  );
  const x = mx.random.normal([8, 16]);
  const y = mx.random.normal([8, 1]);
  const step = nn.valueAndGrad(network, () => nn.losses.mseLoss(network.forward(x), y));
  mx.eval(network.parameters(), x, y);
  return step;
}

/** @param {boolean} tidy @returns {Case} */
const gradients = (tidy) => ({
  rounds: 5,
  count: 500,
  prepare: () => {
    const step = perceptron();
    return (count) => {
      for (let i = 0; i < count; i++) {
        tidy ? mx.tidy(() => void step()) : step();
      }
    };
  },
});

/** @param {number} megabytes */
function typed(megabytes) {
  return new Float32Array((megabytes * 2 ** 20) / 4).fill(1);
}

/** @param {number} megabytes @param {number} count @returns {Case} */
const into = (megabytes, count) => ({
  rounds: 3,
  count,
  prepare: () => {
    const data = typed(megabytes);
    return (n) => {
      for (let i = 0; i < n; i++) {
        mx.tidy(() => void mx.array(data));
      }
    };
  },
});

/** @param {number} megabytes @param {number} count @returns {Case} */
const out = (megabytes, count) => ({
  rounds: 3,
  count,
  prepare: () => {
    const x = mx.array(typed(megabytes));
    return (n) => {
      for (let i = 0; i < n; i++) {
        x.toTypedArray();
      }
    };
  },
});

/** @param {number} megabytes @param {number} count @returns {Case} */
const outInto = (megabytes, count) => ({
  rounds: 3,
  count,
  prepare: () => {
    const x = mx.array(typed(megabytes));
    const given = typed(megabytes);
    return (n) => {
      for (let i = 0; i < n; i++) {
        x.toTypedArray(given);
      }
    };
  },
});

/** @param {number} n @param {number} count @returns {Case} */
const matmul = (n, count) => ({
  rounds: 3,
  count,
  prepare: () => {
    const x = mx.random.normal([n, n]);
    const y = mx.random.normal([n, n]);
    mx.eval(x, y);
    return evaluated(() => mx.matmul(x, y));
  },
});

/**
 * The products of a small language model's layer, of so many tokens with weights of 4 bits.
 *
 * @param {number} tokens
 * @param {number} count
 * @returns {Case}
 */
const quantized = (tokens, count) => ({
  rounds: 3,
  count,
  prepare: () => {
    const layers = [new nn.Linear(576, 1536), new nn.Linear(1536, 576)];
    const model = new nn.Sequential(...layers);
    nn.quantize(model, { groupSize: 32, bits: 4 });
    const x = mx.random.normal([tokens, 576]);
    mx.eval(model, x);
    return evaluated(() => model.forward(x));
  },
});

/** @type {Record<string, Case>} */
const cases = {
  "mx.add(a, a)": plain(100_000, () => mx.add(a, a)),
  "mx.add(a, a) in tidy": scoped(100_000, () => mx.add(a, a)),
  "a.add(a)": plain(100_000, () => a.add(a)),
  "a.add(a) in tidy": scoped(100_000, () => a.add(a)),
  "mx.add(a, 2)": plain(50_000, () => mx.add(a, 2)),
  "mx.add(a, 2) in tidy": scoped(50_000, () => mx.add(a, 2)),
  "mx.exp(a)": plain(100_000, () => mx.exp(a)),
  "mx.exp(a) in tidy": scoped(100_000, () => mx.exp(a)),
  "a.sum(0, keepdims)": plain(100_000, () => a.sum(0, { keepdims: true })),
  "a.sum(0, keepdims) in tidy": scoped(100_000, () => a.sum(0, { keepdims: true })),
  "chain of 50 additions": { rounds: 9, count: 2000, prepare: () => repeat(chain) },
  "chain of 50 additions in tidy": {
    rounds: 9,
    count: 2000,
    prepare: () => repeat(() => mx.tidy(() => void chain())),
  },
  "chain of 50 additions with its result": {
    rounds: 9,
    count: 2000,
    prepare: () => heldUntilNext(chain),
  },
  "chain of 50 additions with its result in tidy": {
    rounds: 9,
    count: 2000,
    prepare: () => heldUntilNext(() => mx.tidy(chain)),
  },
  "compiled function": plain(50_000, () => compiled(a, a)),
  "compiled function in tidy": scoped(50_000, () => compiled(a, a)),
  "lazy valueAndGrad of an MLP": gradients(false),
  "lazy valueAndGrad of an MLP in tidy": gradients(true),
  "eval of a small array": {
    rounds: 9,
    count: 2000,
    prepare: () => evaluated(() => mx.add(a, a)),
  },
  "typed array in, 1 MB": into(1, 200),
  "typed array in, 100 MB": into(100, 4),
  "typed array out, 1 MB": out(1, 200),
  "typed array out, 100 MB": out(100, 4),
  "typed array out, 1 MB, into one that is given": outInto(1, 200),
  "typed array out, 100 MB, into one that is given": outInto(100, 4),
  "matmul 256 x 256": matmul(256, 20),
  "matmul 512 x 512": matmul(512, 10),
  "matmul 1024 x 1024": matmul(1024, 4),
  "matmul 2048 x 2048": matmul(2048, 1),
  "training step": lasting(3, 2, () => training(false)),
  "training step in tidy": lasting(3, 2, () => training(true)),
  "training step in bfloat16": lasting(1, 2, () => training(true, mx.bfloat16)),
  "convolutional training step": lasting(5, 4, convolutional),
  "convolutional training step, first 16": first(16, convolutional),
  "recurrent training step": lasting(5, 4, () => recurrent(false)),
  "recurrent training step, first 16": first(16, () => recurrent(false)),
  "compiled recurrent training step": lasting(5, 4, () => recurrent(true)),
  "quantized prompt": quantized(64, 4),
  "quantized token": quantized(1, 40),
  "decoding a token": lasting(5, 64, () => decoding(false)),
  "decoding a token in tidy": lasting(5, 64, () => decoding(true)),
  "decoding a token, first 64": first(64, () => decoding(false)),
};

const chosen = Object.entries(cases).filter(([name]) =>
  options.case === undefined
    ? name.includes(options.only)
    : name.replace(/ in tidy$/, "") === options.case,
);
console.log(
  JSON.stringify(
    options.list
      ? chosen.map(([name]) => name)
      : Object.fromEntries(chosen.map(([name, what]) => [name, measure(what)])),
  ),
);
