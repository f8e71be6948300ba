// Values nested deeper than JavaScript's stack, and functions that call each
// other without end, on this thread and in a worker with little stack. Prints
// what came out, and what did not work afterwards.
import { setImmediate } from "node:timers/promises";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { mx, nn, optim, utils } from "mlx-js";

const levels = 20_000;

/** @type {(leaf: unknown, wrap: (x: unknown) => unknown) => any} */
const nested = (leaf, wrap) => {
  let x = leaf;
  for (let i = 0; i < levels; i++) {
    x = wrap(x);
  }
  return x;
};
const list = (/** @type {unknown} */ leaf) => nested(leaf, (x) => [x]);
const record = (/** @type {unknown} */ leaf) => nested(leaf, (x) => ({ a: x }));
const one = () => mx.array(1);
/** @type {any} */
const any = mx;

/** @type {Record<string, () => unknown>} */
const deep = {
  eval: () => mx.eval(list(one())),
  keep: () => mx.dispose(mx.keep(list(one()))),
  argument: () => mx.add(list(1), 1),
  message: () => any.zeros(list(1)),
  array: () => mx.array(list(1)),
  index: () => mx.ones([3]).get(list(1)),
  grad: () => any.grad(one)(record(one())),
  vmap: () => mx.vmap((x) => list(x))(mx.ones([2])),
  compiled: () => any.compile(one)(list(one())),
  checkpoint: () => any.checkpoint(one)(list(one())),
  files: () => mx.saveSafetensors("never-written", record(one())),
  treeMap: () => utils.treeMap((x) => x, list(one())),
  treeFlatten: () => utils.treeFlatten(record(one())),
  treeUnflatten: () => utils.treeUnflatten([[Array(levels).fill("a").join("."), 1]]),
  treeMerge: () => utils.treeMerge(record(1), record(2), () => 3),
  parameters: () => Object.assign(new nn.Linear(1, 1), { more: list(one()) }).parameters(),
  update: () => {
    const model = Object.assign(new nn.Linear(1, 1), { more: list(one()) });
    model.freeze().unfreeze().eval().update(model.parameters());
  },
  updateOther: () => new nn.Linear(1, 1).update(record(one())),
  optimizer: () => new optim.SGD(1).applyGradients(record(one()), record(one())),
};

/** @type {Record<string, () => unknown>} */
const endless = {
  tidy: () => {
    /** @type {(...args: any[]) => any} */
    const f = () => mx.tidy(() => mx.add(one(), f()));
    return f();
  },
  stream: () => {
    /** @type {(...args: any[]) => any} */
    const f = () => mx.stream(mx.cpu, f);
    return f();
  },
  printoptions: () => {
    /** @type {(...args: any[]) => any} */
    const f = () => mx.printoptions({ precision: 1 }, f);
    return f();
  },
  gradOfItself: () => {
    /** @type {(...args: any[]) => any} */
    const f = (/** @type {mx.array} */ x) => mx.grad(f)(x);
    return f(one());
  },
  nestedGrads: () => {
    let f = (/** @type {mx.array} */ x) => mx.square(x);
    for (let i = 0; i < levels; i++) {
      f = mx.grad(f);
    }
    return f(one());
  },
  jvp: () => {
    /** @type {(...args: any[]) => any} */
    const f = (/** @type {mx.array} */ x) => /** @type {mx.array} */ (mx.jvp(f, [x], [x])[1][0]);
    return f(one());
  },
  vmapOfItself: () => {
    /** @type {(...args: any[]) => any} */
    const f = (/** @type {mx.array} */ x) => mx.vmap(f)(mx.expandDims(x, 0));
    return f(mx.ones([1]));
  },
  compiledCallsItself: () => {
    /** @type {(...args: any[]) => any} */
    const f = mx.compile((/** @type {mx.array} */ x) => f(mx.add(x, 1)));
    return f(one());
  },
  checkpointOfItself: () => {
    /** @type {(...args: any[]) => any} */
    const f = mx.checkpoint((/** @type {mx.array} */ x) => f(x));
    return mx.grad(f)(one());
  },
  ownRule: () => {
    /** @type {(...args: any[]) => any} */
    const f = any.customFunction((/** @type {mx.array} */ x) => mx.square(x));
    /** @type {any} */ (f).vjp((/** @type {mx.array} */ x) => any.grad(f)(x));
    return mx.grad(f)(one());
  },
  standIn: () => {
    /** @type {any} */
    const x = { __mlx_array__: () => any.add(x, 1) };
    return any.add(x, 1);
  },
  option: () => {
    /** @type {any} */
    const options = {
      get keepdims() {
        return any.sum(mx.ones([2]), 0, options).item() > 0;
      },
    };
    return mx.sum(mx.ones([2]), 0, options);
  },
};

const works = () =>
  mx.tidy(() =>
    mx
      .grad((/** @type {mx.array} */ x) => mx.square(x))(mx.array(3))
      .item(),
  ) === 6 &&
  String(mx.vmap((/** @type {mx.array} */ x) => mx.add(x, 1.25))(mx.ones([2]))) ===
    "array([2.25, 2.25], dtype=float32)";

/** @type {Record<string, string>} */
const outcome = {};
/** @type {string[]} */
const broken = [];
for (const [name, run] of [...Object.entries(deep), ...Object.entries(endless)]) {
  try {
    run();
    outcome[name] = "a result";
  } catch (error) {
    outcome[name] = /** @type {Error} */ (error).constructor.name;
  }
  if (!works()) {
    broken.push(name);
  }
}
await setImmediate();

const results = { outcome, broken };
if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { resourceLimits: { stackSizeMb: 1 } });
  worker.once("message", (small) => console.log(JSON.stringify({ large: results, small })));
} else {
  parentPort?.postMessage(results);
}
