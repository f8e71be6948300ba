// Evaluations that fail, and what is read afterwards: what failed, and what
// depends on it, fails again; what does not is right.
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import mlx from "mlx-js";
import { Finding, isTyped } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ failure: string, before: string, after: string, reads: string[] }} Case */

const { core: mx, optimizers: optim } = mlx;

/**
 * Arrays of 3 x 3 that can't be computed.
 * @type {Record<string, () => Any>}
 */
const failures = {
  inverse: () => mx.linalg.inv(mx.zeros([3, 3]), { stream: mx.cpu }),
  solve: () => mx.linalg.solve(mx.zeros([3, 3]), mx.ones([3, 3]), { stream: mx.cpu }),
  triangular: () => mx.linalg.triInv(mx.zeros([3, 3]), { stream: mx.cpu }),
  cholesky: () =>
    mx.linalg.cholesky(
      mx.array([
        [1, 2, 0],
        [2, 1, 0],
        [0, 0, 1],
      ]),
      { stream: mx.cpu },
    ),
  svd: () => mx.linalg.svd(mx.full([3, 3], Number.NaN), { stream: mx.cpu })[0],
  index: () => mx.take(mx.ones([3, 3]), mx.add(mx.array([0, 7, 1], mx.int32), 0), 0),
  file() {
    // Large ones are read when they are evaluated.
    mx.save("short.npy", mx.arange(3_000_000).reshape([-1, 3]));
    const x = mx.load("short.npy");
    truncateSync("short.npy", 1_000_000);
    return /** @type {Any} */ (x).get("-3:");
  },
};

/** @type {Record<string, (x: Any) => Any>} */
const dependents = {
  itself: (x) => x,
  sum: (x) => mx.sum(x),
  view: (x) => x.T.get(0),
  product: (x) => mx.matmul(x, mx.ones([3, 3])),
  compiled: (x) => mx.compile((/** @type {Any} */ y) => mx.add(mx.exp(y), 1))(x),
  gradient: (x) => mx.grad((/** @type {Any} */ y) => mx.sum(mx.multiply(y, x)))(mx.ones([3, 3])),
  mapped: (x) => mx.vmap((/** @type {Any} */ y) => mx.add(y, 1))(x),
  set(x) {
    const y = mx.zeros([3, 3]);
    y.set([":", 0], x.get(0));
    return y;
  },
  long(x) {
    for (let i = 0; i < 300; i++) {
      x = mx.add(x, 1);
    }
    return x;
  },
  otherStream: (x) => mx.stream(mx.newStream(mx.cpu), () => mx.multiply(x, 2)),
  stopped: (x) => mx.stopGradient(x),
  emptied: (x) => mx.add(x.get("0:0"), 1),
};

/** @type {Record<string, (x: Any) => unknown>} */
const reads = {
  eval: (x) => mx.eval(x),
  evalBeside: (x) => mx.eval(mx.add(1, 2), x),
  asyncEval: (x) => mx.asyncEval(x),
  tolist: (x) => x.tolist(),
  typed: (x) => x.toTypedArray(),
  item: (x) => (x.size === 1 ? x.item() : x.get(...x.shape.map(() => 0)).item()),
  text: (x) => String(x),
  iterate: (x) => (x.ndim === 0 ? x.item() : [...x].map((y) => y.tolist())),
  save(x) {
    writeFileSync("kept.npy", "before");
    try {
      mx.save("kept.npy", x);
    } catch (error) {
      // Nothing was written.
      if (readFileSync("kept.npy", "utf8") !== "before") {
        throw new Finding("a file was written of what failed");
      }
      throw error;
    }
  },
  savez: (x) => mx.savez("kept.npz", { x }),
  safetensors: (x) => mx.saveSafetensors("kept.safetensors", { x }),
  further: (x) => mx.eval(mx.add(x, 1)),
  index: (x) => mx.eval(mx.take(x, mx.array(0, mx.int32))),
  update: (x) => {
    const [y] = Object.values(
      new optim.SGD(0.1).applyGradients({ y: x }, { y: mx.zeros(x.shape) }),
    );
    mx.eval(y);
  },
};

/** @param {Case} c */
async function failedEvaluations({ failure, before, after, reads: names }) {
  const beside = mx.multiply(mx.arange(4), 3);
  const failed = failures[failure]?.();
  const x = dependents[before]?.(failed);
  if (x.size === 0) {
    return;
  }
  const y = dependents[after]?.(x.ndim === 2 ? x : mx.broadcastTo(x, [3, 3]));
  for (const [i, name] of names.entries()) {
    const target = i % 2 === 0 ? x : y.size === 0 ? x : y;
    let gave;
    try {
      gave = await reads[name]?.(target);
    } catch (error) {
      if (!isTyped(error)) {
        throw error;
      }
      continue;
    }
    throw new Finding(`${name} (${i}) of what failed gave ${String(gave)}`);
  }
  await mx.asyncEval(beside);
  if (String(beside.tolist()) !== "0,3,6,9") {
    throw new Finding(`beside it came ${beside.tolist()}`);
  }
}

const of = (/** @type {object} */ x) => fc.constantFrom(...Object.keys(x));

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { failedEvaluations },
  targets: Object.keys(failures).map((failure) => ({
    name: `a failed ${failure}`,
    cost: 2,
    programs: () =>
      fc
        .record({
          failure: fc.constant(failure),
          before: of(dependents),
          after: of(dependents),
          reads: fc.array(of(reads), { minLength: 1, maxLength: 5 }),
        })
        .map((c) => `failedEvaluations(${JSON.stringify(c)})`),
  })),
};
