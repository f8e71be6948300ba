// What is measured, on our side; reference/cases.py has the same. Prints
// seconds by name as JSON.
import { parseArgs } from "node:util";
import { mx, nn } from "mlx-js";
import { trainingStep } from "./training.mjs";

const { values: options } = parseArgs({
  options: { device: { type: "string", default: "cpu" }, only: { type: "string" } },
});
mx.setDefaultDevice(options.device === "gpu" ? mx.gpu : mx.cpu);

/** @typedef {(count: number) => void} Body */
/** @typedef {() => mx.array} Operation */

/**
 * The best of several rounds: the least disturbed one.
 *
 * @param {number} rounds
 * @param {number} count
 * @param {Body} body
 */
function best(rounds, count, body) {
  body(Math.max(1, count >> 2));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    body(count);
    least = Math.min(least, Number(process.hrtime.bigint() - start) / count / 1e9);
  }
  return least;
}

const a = mx.array([1, 2, 3]);
/** @param {number} n */
const square = (n) => mx.random.normal([n, n]);

/** @param {Operation} operation @returns {Body} */
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

/** @param {number} n */
function matmul(n) {
  const x = square(n);
  const y = square(n);
  mx.eval(x, y);
  return () =>
    best(
      5,
      10,
      evaluated(() => mx.matmul(x, y)),
    );
}

/** A small perceptron and a batch for it. */
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

const compiled = mx.compile((x, y) => mx.add(mx.multiply(x, y), x));

function chain() {
  let x = a;
  for (let i = 0; i < 50; i++) {
    x = mx.add(x, a);
  }
  return x;
}

/** @param {number} megabytes */
function typed(megabytes) {
  return new Float32Array((megabytes * 2 ** 20) / 4).fill(1);
}

/** @param {number} count @param {Operation} operation */
const plain = (count, operation) => () => best(9, count, repeat(operation));
/** @param {number} count @param {Operation} operation */
const scoped = (count, operation) => () => best(9, count, tidied(operation));

/** @param {number} megabytes @param {number} count */
function out(megabytes, count) {
  const x = mx.array(typed(megabytes));
  return () =>
    best(3, count, (n) => {
      for (let i = 0; i < n; i++) {
        x.toTypedArray();
      }
    });
}

/** @param {number} megabytes @param {number} count */
function into(megabytes, count) {
  const data = typed(megabytes);
  return () =>
    best(3, count, (n) => {
      for (let i = 0; i < n; i++) {
        mx.tidy(() => void mx.array(data));
      }
    });
}

/** @type {Record<string, () => number>} */
const cases = {
  "mx.add(a, a)": plain(100_000, () => mx.add(a, a)),
  "mx.add(a, a) in tidy": scoped(100_000, () => mx.add(a, a)),
  "a.add(a)": plain(100_000, () => a.add(a)),
  "mx.add(a, 2)": plain(50_000, () => mx.add(a, 2)),
  "mx.add(a, 2) in tidy": scoped(50_000, () => mx.add(a, 2)),
  "mx.exp(a)": plain(100_000, () => mx.exp(a)),
  "mx.exp(a) in tidy": scoped(100_000, () => mx.exp(a)),
  "a.sum(0, keepdims)": plain(100_000, () => a.sum(0, { keepdims: true })),
  "a.sum(0, keepdims) in tidy": scoped(100_000, () => a.sum(0, { keepdims: true })),
  "chain of 50 additions": plain(2000, chain),
  "chain of 50 additions in tidy": () =>
    best(9, 2000, (count) => {
      for (let i = 0; i < count; i++) {
        mx.tidy(() => void chain());
      }
    }),
  "compiled function": plain(50_000, () => compiled(a, a)),
  "compiled function in tidy": scoped(50_000, () => compiled(a, a)),
  "valueAndGrad of an MLP, lazy": () => {
    const step = perceptron();
    return best(5, 500, (count) => {
      for (let i = 0; i < count; i++) {
        mx.tidy(() => void step());
      }
    });
  },
  "eval of a small array": () =>
    best(
      9,
      2000,
      evaluated(() => mx.add(a, a)),
    ),
  "typed array in, 1 MB": into(1, 200),
  "typed array in, 100 MB": into(100, 4),
  "typed array out, 1 MB": out(1, 200),
  "typed array out, 100 MB": out(100, 4),
  "matmul 256 x 256": matmul(256),
  "matmul 1024 x 1024": matmul(1024),
  "matmul 2048 x 2048": matmul(2048),
  "training step": () => trainingStep(best, true),
  "training step without tidy": () => trainingStep(best, false),
};

/** @type {Record<string, number>} */
const results = {};
for (const [name, measure] of Object.entries(cases)) {
  if (options.only === undefined || name.includes(options.only)) {
    results[name] = measure();
  }
}
console.log(JSON.stringify(results));
