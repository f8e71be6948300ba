// What is measured, on our side; reference/cases.py has the same. Prints
// seconds by name as JSON.
import { parseArgs } from "node:util";
import { mx } from "mlx-js";
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

const cases = {
  "mx.add(a, a)": () =>
    best(
      9,
      100_000,
      repeat(() => mx.add(a, a)),
    ),
  "mx.add(a, a) in tidy": () =>
    best(
      9,
      100_000,
      tidied(() => mx.add(a, a)),
    ),
  "mx.add(a, 2)": () =>
    best(
      9,
      50_000,
      repeat(() => mx.add(a, 2)),
    ),
  "mx.add(a, 2) in tidy": () =>
    best(
      9,
      50_000,
      tidied(() => mx.add(a, 2)),
    ),
  "mx.exp(a)": () =>
    best(
      9,
      100_000,
      repeat(() => mx.exp(a)),
    ),
  "a.sum(0, keepdims)": () =>
    best(
      9,
      100_000,
      repeat(() => a.sum(0, { keepdims: true })),
    ),
  "eval of a small array": () =>
    best(
      9,
      2000,
      evaluated(() => mx.add(a, a)),
    ),
  "matmul 1024 x 1024": matmul(1024),
  "training step": () => trainingStep(best, true),
  "training step without tidy": () => trainingStep(best, false),
};

/** @type {Record<string, number>} */
const out = {};
for (const [name, measure] of Object.entries(cases)) {
  if (options.only === undefined || name.includes(options.only)) {
    out[name] = measure();
  }
}
console.log(JSON.stringify(out));
