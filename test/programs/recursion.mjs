// Values nested deeper than JavaScript's stack, and functions that call each
// other without end, on this thread and in a worker with little stack. Prints
// what came out, and what did not work afterwards.
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { isMainThread, parentPort, threadId, Worker } from "node:worker_threads";
import { mx, nn, optim, utils } from "mlx-js";

const levels = 10_000;

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

/** The first leaf of a tree. @param {any} tree */
function leafOf(tree) {
  let x = tree;
  while (!(x instanceof mx.array)) {
    x = Object.values(x)[0];
  }
  return x;
}

/** @type {Record<string, () => unknown>} */
const refused = {
  argument: () => mx.add(list(1), 1),
  message: () => any.zeros(list(1)),
  array: () => mx.array(list(1)),
  index: () => mx.ones([3]).get(list(1)),
  files: () => mx.saveSafetensors("never-written", record(one())),
  updateOther: () => new nn.Linear(1, 1).update(record(one())),
};

class Level extends nn.Module {
  weight = mx.ones([1]);
  /** @type {Level[]} */
  inner;

  /** @param {Level[]} inner */
  constructor(inner) {
    super();
    this.inner = inner;
  }

  toQuantized() {
    return new Level([]);
  }
}

/** @returns {Level} */
function levelsOf(count = levels) {
  let model = new Level([]);
  for (let i = 1; i < count; i++) {
    model = new Level([model]);
  }
  return model;
}

/** What a module computes, by a loop through its levels. */
const product = (/** @type {Level} */ model) => () => {
  let y = mx.array([1]);
  for (let level = /** @type {Level | undefined} */ (model); level; level = level.inner[0]) {
    y = mx.multiply(y, level.weight);
  }
  return mx.sum(y);
};

/** @param {Level} model @param {number} levels */
function innermost(model, levels) {
  let level = model;
  for (let i = 1; i < levels; i++) {
    level = /** @type {Level} */ (level.inner[0]);
  }
  return level;
}

const add = (/** @type {mx.array} */ x, /** @type {mx.array} */ y) => mx.add(x, y);
const names = Array(levels).fill("a").join(".");

// Each gives an array that was innermost, or what else shows that it went all the way.
/** @type {Record<string, () => unknown>} */
const walks = {
  eval: () => mx.eval(list(one())),
  keep: () => mx.dispose(mx.keep(list(one()))),
  grad: () => leafOf(mx.grad((x) => mx.square(/** @type {mx.array} */ (leafOf(x))))(record(one()))),
  vmap: () => leafOf(mx.vmap((x) => list(x))(mx.ones([1]))),
  vmapArgument: () => mx.vmap((x) => /** @type {mx.array} */ (leafOf(x)))(list(mx.ones([1]))),
  compiled: () => any.compile(leafOf)(list(one())),
  checkpoint: () => any.checkpoint(leafOf)(list(one())),
  treeMap: () => leafOf(utils.treeMap((x) => x, list(one()))),
  treeFlatten: () => utils.treeFlatten(record(one()))[0]?.[1],
  treeUnflatten: () => leafOf(utils.treeUnflatten([[names, one()]])),
  treeMerge: () => leafOf(utils.treeMerge(record(one()), record(one()), add)),
  treeReduce: () => utils.treeReduce(add, record(one()), one()),
  optimizer: () => leafOf(new optim.SGD(1).applyGradients(record(one()), record(one()))),
  optimizers: () => {
    const all = [new optim.SGD(1), new optim.SGD(1)];
    const both = new optim.MultiOptimizer(all, { filters: [() => false] });
    return leafOf(both.applyGradients(record(one()), record(one())));
  },
  clip: () => leafOf(optim.clipGradNorm(record(one()), 2)[0]),
  fields: () => {
    const model = Object.assign(new nn.Linear(1, 1), { more: list(one()) });
    model.freeze().unfreeze().eval().update(model.parameters());
    return leafOf(model.more);
  },
  train: () => {
    const model = levelsOf();
    const optimizer = new optim.SGD(0.5);
    const step = () => optimizer.update(model, nn.valueAndGrad(model, product(model))()[1]);
    step();
    model.setDtype(mx.float16).setDtype(mx.float32).freeze().unfreeze().train();
    optimizer.state = { ...optimizer.state };
    mx.tidy(step);
    mx.eval(model, optimizer.state);
    const { weight } = innermost(model, levels);
    model.dispose();
    return weight.disposed;
  },
  quantize: () => {
    const model = levelsOf();
    nn.quantize(model);
    return innermost(model, levels).weight;
  },
  compiledState: () => {
    const model = levelsOf();
    return mx.compile(product(model), { inputs: model, outputs: model })();
  },
  recomputed: () => {
    const model = levelsOf();
    return nn.checkpoint(model, product(model))();
  },
  // Their names in files are as long as the way to them.
  files: () => {
    const file = join(tmpdir(), `mlx-js-recursion-${process.pid}-${threadId}.safetensors`);
    const model = levelsOf(1000);
    model.saveWeights(file);
    model.loadWeights(file);
    rmSync(file);
    return innermost(model, 1000).weight;
  },
  // What no one could read is left out.
  printed: () => {
    const lines = inspect(levelsOf()).split("\n");
    return [lines.length, lines.find((line) => line.includes("..."))?.trim(), lines.at(-1)].join();
  },
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

/** @param {() => unknown} run */
function outcomeOf(run) {
  try {
    const result = run();
    return result instanceof mx.array ? String(result.item()) : String(result);
  } catch (error) {
    return /** @type {Error} */ (error).constructor.name;
  }
}

/** @type {string[]} */
const broken = [];
/** @param {Record<string, () => unknown>} all */
const outcomes = (all) =>
  Object.fromEntries(
    Object.entries(all).map(([name, run]) => {
      const outcome = outcomeOf(run);
      if (!works()) {
        broken.push(name);
      }
      return [name, outcome];
    }),
  );
const results = {
  refused: outcomes(refused),
  walks: outcomes(walks),
  endless: outcomes(endless),
  broken,
};
await setImmediate();

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { resourceLimits: { stackSizeMb: 1 } });
  worker.once("message", (small) => console.log(JSON.stringify({ large: results, small })));
} else {
  parentPort?.postMessage(results);
}
