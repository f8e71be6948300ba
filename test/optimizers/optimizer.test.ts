import { mx, nn, optim, utils } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "../support/live.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const parameters = () => ({
  weight: mx.array([
    [1, -2],
    [0.5, 4],
  ]),
  layers: [{ bias: mx.array([0.25]) }, { bias: mx.array([-1, 3]) }],
});

const gradients = (scale = 1) =>
  utils.treeMap((x: mx.array) => mx.multiply(mx.sin(x), scale), parameters());

/** The arrays of a tree as numbers, by name. */
const values = (tree: unknown) =>
  Object.fromEntries(utils.treeFlatten(tree).map(([name, x]) => [name, x.tolist()]));

const all: [string, () => optim.Optimizer][] = [
  ["SGD", () => new optim.SGD(0.01, { momentum: 0.9, nesterov: true })],
  ["RMSprop", () => new optim.RMSprop(0.1)],
  ["Adagrad", () => new optim.Adagrad(0.1)],
  ["AdaDelta", () => new optim.AdaDelta(0.1)],
  ["Adam", () => new optim.Adam(0.1, { biasCorrection: true })],
  ["AdamW", () => new optim.AdamW(0.1)],
  ["Adamax", () => new optim.Adamax(0.1)],
  ["Lion", () => new optim.Lion(0.1, { weightDecay: 0.1 })],
  ["Adafactor", () => new optim.Adafactor({ beta1: 0.9 })],
  ["Muon", () => new optim.Muon(0.1)],
  [
    "MultiOptimizer",
    () =>
      new optim.MultiOptimizer([new optim.Muon(0.1), new optim.AdamW(0.1)], {
        filters: [(path) => path.endsWith("weight")],
      }),
  ],
];

class Model extends nn.Module {
  weight = mx.array([1, 2, 3]);
  inner = [new nn.Linear(3, 2)];

  forward(x: mx.array) {
    return (this.inner[0] as nn.Linear).forward(mx.multiply(x, this.weight));
  }
}

const train = (model: Model) =>
  nn.valueAndGrad(model, (x: mx.array) => mx.mean(mx.square(model.forward(x))));

describe.each(all)("%s", (_, make) => {
  test("learns, outside of tidy and inside of it", () => {
    const x = mx.array([
      [1, 2, 0.5],
      [-1, 0.5, 2],
    ]);
    for (const scoped of [false, true]) {
      mx.random.seed(3);
      const model = new Model();
      const lossAndGradients = train(model);
      const optimizer = make();
      const losses: number[] = [];
      for (let i = 0; i < 20; i++) {
        const step = () => {
          const [loss, grads] = lossAndGradients(x);
          optimizer.update(model, grads);
          mx.eval(model, optimizer.state);
          losses.push(loss.item());
        };
        scoped ? mx.tidy(step) : step();
      }
      expect(losses[19]).toBeLessThan(losses[0] as number);
      expect(optimizer.step.item()).toBe(20n);
    }
  });

  test("frees what the formulas leave behind", () => {
    const optimizer = make();
    const g = gradients();
    const w = optimizer.applyGradients(g, parameters());
    const state = utils.treeFlatten(optimizer.state).length;
    const held = live();
    optimizer.applyGradients(g, w);
    expect(live()).toBeLessThanOrEqual(held + state + 3);
  });

  test("state and parameters survive tidy", () => {
    const optimizer = make();
    const model = new Model();
    mx.tidy(() => {
      const grads = utils.treeMap((x: mx.array) => mx.cos(x), model.parameters());
      optimizer.update(model, grads);
      mx.tidy(() => optimizer.update(model, grads));
    });
    for (const [name, x] of utils.treeFlatten([optimizer.state, model])) {
      expect(x.disposed, name).toBe(false);
      expect(Number.isFinite(mx.sum(x).item()) || x.dtype === mx.uint64).toBe(true);
    }
  });

  test("what applyGradients returns belongs to the scope", () => {
    const optimizer = make();
    let inside: ReturnType<typeof parameters> | undefined;
    mx.tidy(() => {
      inside = optimizer.applyGradients(gradients(), parameters());
    });
    expect(inside?.weight.disposed).toBe(true);
    expect(optimizer.step.item()).toBe(1n);
  });

  test("resumes from a saved state", () => {
    const steps = (optimizer: optim.Optimizer, w: ReturnType<typeof parameters>, n: number) => {
      for (let i = 0; i < n; i++) {
        w = optimizer.applyGradients(gradients(i + 1), w);
      }
      return w;
    };
    const first = make();
    const half = steps(first, parameters(), 3);
    const saved = utils.treeFlatten(first.state, { destination: {} });
    const through = values(steps(first, half, 2));

    const second = make();
    second.state = utils.treeUnflatten(saved);
    expect(second.step.item()).toBe(3n);
    expect(values(steps(second, half, 2))).toEqual(through);
    expect(values(second.state)).toEqual(values(first.state));
  });

  test("trains the parameters that have gradients", () => {
    const optimizer = make();
    const out = optimizer.applyGradients(
      { layers: [{}, { bias: mx.array([1, 2]) }] },
      parameters(),
    );
    expect(utils.treeFlatten(out).map(([name]) => name)).toEqual(["layers.1.bias"]);
    // Later there may be more.
    const more = optimizer.applyGradients(gradients(), parameters());
    expect(utils.treeFlatten(more).map(([name]) => name)).toEqual([
      "weight",
      "layers.0.bias",
      "layers.1.bias",
    ]);
    expect(Object.keys(more)).toEqual(["weight", "layers"]);
  });

  test("leaves the gradients and the old parameters as they were", () => {
    const g = gradients();
    const w = parameters();
    make().applyGradients(g, w);
    expect(values(g)).toEqual(values(gradients()));
    expect(values(w)).toEqual(values(parameters()));
  });
});

describe("gradients that do not match", () => {
  const optimizer = new optim.Adam(0.1);
  const w = parameters();
  const state = () => utils.treeFlatten(optimizer.state).map(([name]) => name);

  test.each<[string, unknown, unknown, string]>([
    ["a name", { wieght: mx.array([1]) }, w, "parameters.wieght: expected an array, as there is"],
    ["an inherited name", { toString: mx.array([1]) }, w, "parameters.toString: expected an array"],
    [
      "a shape",
      { weight: mx.array([1, 2]) },
      w,
      "gradients.weight: expected the parameter's shape [2, 2], received float32 array of shape [2]",
    ],
    [
      "no array",
      { layers: [{ bias: 3 }] },
      w,
      "gradients.layers.0.bias: expected an array or a tree of arrays, received 3",
    ],
    [
      "a missing branch",
      { blocks: [{}] },
      w,
      "parameters.blocks: expected a tree like the gradients', received undefined",
    ],
    ["a list", [mx.array([1])], w, "gradients: expected a record of arrays or an nn.Module"],
    ["an array", mx.array([1]), mx.array([1]), "gradients: expected a record"],
    [
      "nothing",
      undefined,
      w,
      "gradients: expected a record of arrays or an nn.Module, received undefined",
    ],
    [
      "no parameters",
      {},
      null,
      "parameters: expected a record of arrays or an nn.Module, received null",
    ],
  ])("%s", (_, g, p, text) => {
    expect(() => optimizer.applyGradients(g as never, p as never)).toThrow(TypeError);
    expect(() => optimizer.applyGradients(g as never, p as never)).toThrow(`[Adam] ${text}`);
    // Nothing has happened.
    expect(state()).toEqual(["step", "learningRate"]);
    expect(optimizer.step.item()).toBe(0n);
  });

  test("cycles", () => {
    const g: Record<string, unknown> = { a: {} };
    any(g["a"])["b"] = g;
    expect(() => optimizer.applyGradients(g, g)).toThrow(
      "[Adam] gradients.a.b: expected a tree, received a value that contains itself",
    );
    expect(() => optimizer.init(g)).toThrow(TypeError);
  });

  test("disposed arrays", () => {
    const g = { weight: mx.array([1]) };
    g.weight.dispose();
    expect(() => optimizer.applyGradients(g, { weight: mx.array([1]) })).toThrow(
      "[Adam] gradients.weight: expected an array, received one that has been disposed",
    );
  });

  test("no model", () => {
    expect(() => optimizer.update(any({}), {})).toThrow(
      "[Adam] model: expected an nn.Module, received {}",
    );
    expect(() => optimizer.update(any(null), {})).toThrow(TypeError);
  });

  test("names that the state has for itself", () => {
    const named = { step: mx.array([1]) };
    expect(() => new optim.SGD(0.1).applyGradients(named, named)).toThrow(
      "[SGD] state.step: expected a record of arrays, received uint64 array of shape []",
    );
  });

  test("names of files from elsewhere", () => {
    const hostile = utils.treeUnflatten([["__proto__", mx.array([1])]]);
    const out = new optim.Adam(0.1).applyGradients(hostile, hostile);
    expect(Object.keys(out)).toEqual(["__proto__"]);
    expect(any({}).m).toBeUndefined();
  });
});

describe("the learning rate", () => {
  const step = (optimizer: optim.Optimizer) =>
    optimizer.applyGradients({ w: mx.array([1]) }, { w: mx.array([0]) }).w.item();

  test("can be set", () => {
    const optimizer = new optim.SGD(0.5);
    expect(optimizer.learningRate.dtype).toBe(mx.float32);
    expect(step(optimizer)).toBe(-0.5);
    optimizer.learningRate = 0.25;
    expect(step(optimizer)).toBe(-0.25);
    const rate = mx.array(0.125);
    optimizer.learningRate = rate;
    rate.dispose();
    expect(step(optimizer)).toBe(-0.125);
    mx.tidy(() => {
      optimizer.learningRate = 2;
    });
    expect(step(optimizer)).toBe(-2);
  });

  test("follows a schedule, which gets the number of steps taken", () => {
    const seen: unknown[] = [];
    const optimizer = new optim.SGD((n) => {
      seen.push(n.item());
      return mx.divide(1, mx.add(n, 1));
    });
    expect(optimizer.learningRate.item()).toBe(1);
    expect([step(optimizer), step(optimizer), step(optimizer)]).toEqual([
      -1,
      -0.5,
      any(Math.fround(-1 / 3)),
    ]);
    expect(seen).toEqual([0n, 0n, 1n, 2n]);
    expect(optimizer.learningRate.item()).toBeCloseTo(1 / 3);
    expect(optimizer.learningRate.disposed).toBe(false);
  });

  test("takes schedules that give numbers", () => {
    const optimizer = new optim.SGD((n) => 0.5 ** Number(n.item()));
    expect([step(optimizer), step(optimizer)]).toEqual([-1, -0.5]);
  });

  test("can be given another schedule, and a number ends one", () => {
    const optimizer = new optim.SGD(optim.linearSchedule(0, 1, 4));
    step(optimizer);
    expect(step(optimizer)).toBe(-0.25);
    optimizer.learningRate = optim.stepDecay(8, 0.5, 1);
    expect(optimizer.learningRate.item()).toBe(2);
    expect(step(optimizer)).toBe(-2);
    optimizer.learningRate = 0.5;
    expect(step(optimizer)).toBe(-0.5);
    expect(step(optimizer)).toBe(-0.5);
  });

  test("goes on where a saved state was", () => {
    const schedule = optim.linearSchedule(0, 1, 8);
    const first = new optim.SGD(schedule);
    step(first);
    step(first);
    const second = new optim.SGD(schedule);
    second.state = first.state;
    expect(step(second)).toBe(-0.25);
    expect(first.step.item()).toBe(2n);
  });

  test("is taken in the gradient's dtype", () => {
    for (const dtype of [mx.float16, mx.bfloat16, mx.float32]) {
      const w = { w: mx.array([1, 2], dtype), v: mx.array([1]) };
      for (const [, make] of all.slice(0, -1)) {
        const out = make().applyGradients(w, w);
        expect(out.w.dtype, make().constructor.name).toBe(dtype);
        expect(out.v.dtype).toBe(mx.float32);
      }
    }
  });

  test("wrong ones", () => {
    for (const rate of ["0.1", null, undefined, {}, [0.1], true]) {
      expect(() => new optim.SGD(any(rate))).toThrow(
        "[SGD] learningRate: expected a number, an array or a schedule, received",
      );
    }
    expect(() => new optim.Adam(any(() => "fast"))).toThrow(
      '[Adam] learningRate\'s result: expected an array or a number, received "fast"',
    );
    const thrown = new Error("mine");
    const optimizer = new optim.SGD((n) => {
      if (n.item<bigint>() === 1n) {
        throw thrown;
      }
      return 1;
    });
    step(optimizer);
    expect(() => step(optimizer)).toThrow(thrown);
    expect(optimizer.step.item()).toBe(1n);
    const none = new optim.Adafactor({ relativeStep: false });
    expect(() => step(none)).toThrow("[Adafactor] learningRate: expected an array in the state");
    expect(none.step.item()).toBe(0n);
    none.learningRate = 0.5;
    expect(step(none)).toBeCloseTo(-0.0005, 8);
  });
});

describe("state", () => {
  test("has zeros after init", () => {
    const optimizer = new optim.Adam(0.1);
    mx.tidy(() => optimizer.init(parameters()));
    expect(values(optimizer.state)).toEqual({
      step: 0n,
      learningRate: Math.fround(0.1),
      "weight.m": [
        [0, 0],
        [0, 0],
      ],
      "weight.v": [
        [0, 0],
        [0, 0],
      ],
      "layers.0.bias.m": [0],
      "layers.0.bias.v": [0],
      "layers.1.bias.m": [0, 0],
      "layers.1.bias.v": [0, 0],
    });
    const { m } = optimizer.state["weight"];
    optimizer.init(parameters());
    expect(optimizer.state["weight"].m).toBe(m);
  });

  test("init takes a module", () => {
    const optimizer = new optim.SGD(0.1);
    optimizer.init(new Model());
    expect(utils.treeFlatten(optimizer.state).map(([name]) => name)).toEqual([
      "step",
      "learningRate",
      "weight.v",
      "inner.0.weight.v",
      "inner.0.bias.v",
    ]);
  });

  test("is copied when it is set", () => {
    const saved = new optim.Adam(0.1).state;
    const [a, b] = [new optim.Adam(0.1), new optim.Adam(0.1)];
    a.state = saved;
    b.state = saved;
    a.applyGradients(gradients(), parameters());
    expect(Object.keys(saved)).toEqual(["step", "learningRate"]);
    expect(b.step.item()).toBe(0n);
  });

  test("survives the tidy that it was set in", () => {
    const optimizer = new optim.SGD(0.1);
    mx.tidy(() => {
      optimizer.state = { step: mx.array(5, mx.uint64), learningRate: mx.array(0.5) };
    });
    expect(optimizer.step.item()).toBe(5n);
  });

  test("wrong ones", () => {
    const optimizer = new optim.SGD(0.1);
    for (const state of [null, 5, [], mx.array([1])]) {
      expect(() => {
        optimizer.state = any(state);
      }).toThrow("[SGD] state: expected a record of arrays");
    }
    expect(() => {
      optimizer.state = {};
    }).toThrow("[SGD] state.step: expected an array, received undefined");
    const multi = new optim.MultiOptimizer([optimizer]);
    expect(() => {
      multi.state = { states: [] };
    }).toThrow("[MultiOptimizer] state: expected a record with the states of 1 optimizers");
  });
});

describe("wrong arguments", () => {
  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    [
      "betas",
      () => new optim.Adam(0.1, { betas: [0.9, 1] }),
      RangeError,
      "[Adam] betas: expected two numbers in [0, 1), received [ 0.9, 1 ]",
    ],
    [
      "negative betas",
      () => new optim.Lion(0.1, { betas: [-0.1, 0.5] }),
      RangeError,
      "[Lion] betas: expected two numbers in [0, 1)",
    ],
    [
      "one beta",
      () => new optim.AdamW(0.1, { betas: any([0.9]) }),
      TypeError,
      "[AdamW] betas: expected two numbers in [0, 1), received [ 0.9 ]",
    ],
    [
      "no list of betas",
      () => new optim.Adamax(0.1, { betas: any(0.9) }),
      TypeError,
      "[Adamax] betas: expected two numbers in [0, 1), received 0.9",
    ],
    [
      "eps",
      () => new optim.Adam(0.1, { eps: -1 }),
      RangeError,
      "[Adam] eps: expected a number of at least 0, received -1",
    ],
    [
      "NaN",
      () => new optim.Adam(0.1, { eps: Number.NaN }),
      RangeError,
      "[Adam] eps: expected a number of at least 0, received NaN",
    ],
    [
      "eps of 0",
      () => new optim.RMSprop(0.1, { eps: 0 }),
      RangeError,
      "[RMSprop] eps: expected a number above 0, received 0",
    ],
    [
      "alpha",
      () => new optim.RMSprop(0.1, { alpha: -1 }),
      RangeError,
      "[RMSprop] alpha: expected a number of at least 0",
    ],
    ["Adagrad's eps", () => new optim.Adagrad(0.1, { eps: 0 }), RangeError, "[Adagrad] eps"],
    ["rho", () => new optim.AdaDelta(0.1, { rho: -0.1 }), RangeError, "[AdaDelta] rho"],
    ["AdaDelta's eps", () => new optim.AdaDelta(0.1, { eps: 0 }), RangeError, "[AdaDelta] eps"],
    [
      "nesterov without momentum",
      () => new optim.SGD(0.1, { nesterov: true }),
      RangeError,
      "[SGD] nesterov: expected a momentum of more than 0 and no dampening beside it, received { nesterov: true }",
    ],
    [
      "nesterov with dampening",
      () => new optim.SGD(0.1, { nesterov: true, momentum: 1, dampening: 1 }),
      RangeError,
      "[SGD] nesterov",
    ],
    [
      "momentum",
      () => new optim.SGD(0.1, { momentum: any("0.9") }),
      TypeError,
      '[SGD] momentum: expected a number, received "0.9"',
    ],
    [
      "nesterov",
      () => new optim.SGD(0.1, { nesterov: any(1) }),
      TypeError,
      "[SGD] nesterov: expected a boolean, received 1",
    ],
    [
      "biasCorrection",
      () => new optim.Adam(0.1, { biasCorrection: any("yes") }),
      TypeError,
      "[Adam] biasCorrection: expected a boolean",
    ],
    [
      "weightDecay",
      () => new optim.AdamW(0.1, { weightDecay: any(null) }),
      TypeError,
      "[AdamW] weightDecay: expected a number, received null",
    ],
    [
      "nsSteps",
      () => new optim.Muon(0.1, { nsSteps: 1.5 }),
      TypeError,
      "[Muon] nsSteps: expected an integer, received 1.5",
    ],
    ["negative nsSteps", () => new optim.Muon(0.1, { nsSteps: -1 }), RangeError, "[Muon] nsSteps"],
    [
      "Adafactor's eps",
      () => new optim.Adafactor({ eps: any([1]) }),
      TypeError,
      "[Adafactor] eps: expected a list of two numbers, received [ 1 ]",
    ],
    [
      "a rate for Adafactor",
      () => new optim.Adafactor(any(0.1)),
      TypeError,
      "[Adafactor] options: expected { learningRate: 0.1 }, received 0.1",
    ],
    [
      "a typo",
      () => new optim.SGD(0.1, any({ momentun: 0.9 })),
      TypeError,
      '[SGD] options: expected momentum, weightDecay, dampening, nesterov, received an option "momentun"',
    ],
    [
      "Adam's weightDecay",
      () => new optim.Adam(0.1, any({ weightDecay: 0.9 })),
      TypeError,
      '[Adam] options: expected betas, eps, biasCorrection, received an option "weightDecay"',
    ],
    [
      "Adamax's biasCorrection",
      () => new optim.Adamax(0.1, any({ biasCorrection: true })),
      TypeError,
      '[Adamax] options: expected betas, eps, received an option "biasCorrection"',
    ],
    [
      "AdamW's typo",
      () => new optim.AdamW(0.1, any({ decay: 1 })),
      TypeError,
      '[AdamW] options: expected betas, eps, biasCorrection, weightDecay, received an option "decay"',
    ],
    [
      "a number for options",
      () => new optim.SGD(0.1, any(0.9)),
      TypeError,
      "[SGD] options: expected { momentum: 0.9 }, received 0.9",
    ],
    [
      "no optimizers",
      () => new optim.MultiOptimizer([]),
      RangeError,
      "[MultiOptimizer] optimizers: expected at least one, received []",
    ],
    [
      "other things",
      () => new optim.MultiOptimizer(any([1])),
      TypeError,
      "[MultiOptimizer] optimizers: expected a list of optimizers, received [ 1 ]",
    ],
    [
      "too few filters",
      () => new optim.MultiOptimizer([new optim.SGD(1), new optim.SGD(1)]),
      RangeError,
      "[MultiOptimizer] filters: expected 1 function, one for each optimizer but the last, received []",
    ],
    [
      "a list of filters",
      () => new optim.MultiOptimizer([new optim.SGD(1)], any([])),
      TypeError,
      "[MultiOptimizer] options",
    ],
    [
      "other filters",
      () => new optim.MultiOptimizer([new optim.SGD(1)], { filters: any(["w"]) }),
      TypeError,
      '[MultiOptimizer] filters: expected a list of functions such as (path) => path.endsWith("weight"), received',
    ],
    [
      "schedulers",
      () => new (class Mine extends optim.SGD {})(any("1")),
      TypeError,
      "[Mine] learningRate: expected",
    ],
  ])("%s", (_, make, type, text) => {
    expect(make).toThrow(type);
    expect(make).toThrow(text);
  });
});

describe("an optimizer of one's own", () => {
  class SignDescent extends optim.Optimizer {
    decay: number;

    constructor(rate: optim.LearningRate, { decay = 0 } = {}) {
      super({ schedulers: { noise: (step) => mx.multiply(step, 0.5) } });
      this.decay = decay;
      this.schedule("learningRate", rate);
    }

    initSingle(parameter: mx.array, state: optim.ParameterState) {
      state["last"] = mx.onesLike(parameter);
    }

    applySingle(gradient: mx.array, parameter: mx.array, state: optim.ParameterState) {
      const rate = this.learningRate.astype(gradient.dtype);
      const out = mx.subtract(parameter, mx.multiply(rate, mx.sign(gradient)));
      state["last"] = gradient;
      return out;
    }
  }

  test("may have fields and methods of any name beside those that are documented", () => {
    class Own extends optim.AdamW {
      rate = 3;
      shared = "text";
      spread = { of: 2 };
      scaled = [1];
      average(): number {
        return 5;
      }
    }
    const w = { a: mx.array([1, 2]) };
    const gradients = { a: mx.array([3, -4]) };
    const own = new Own(0.5);
    expect(own.applyGradients(gradients, w)).toEqual(
      new optim.AdamW(0.5).applyGradients(gradients, w),
    );
    expect([own.rate, own.shared, own.average()]).toEqual([3, "text", 5]);
  });

  test("has trees, schedules and lifetimes", () => {
    const optimizer = new SignDescent(0.5);
    const out = mx.tidy(() => {
      const w = { a: [mx.array([1, 2])] };
      optimizer.init(w);
      expect(optimizer.state["a"][0].last.tolist()).toEqual([1, 1]);
      return optimizer.applyGradients({ a: [mx.array([3, -4])] }, w);
    });
    expect(values(out)).toEqual({ "a.0": [0.5, 2.5] });
    expect(optimizer.state["a"][0].last.tolist()).toEqual([3, -4]);
    expect(optimizer.state["noise"].item()).toBe(0);
    optimizer.applyGradients({}, {});
    expect(optimizer.state["noise"].item()).toBe(0.5);
  });

  test("its exceptions come out", () => {
    const thrown = new Error("mine");
    class Broken extends SignDescent {
      override applySingle(): mx.array {
        throw thrown;
      }
    }
    const before = live();
    let caught: unknown;
    try {
      mx.tidy(() => new Broken(1).applyGradients(gradients(), parameters()));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
    // Step, learning rate, noise and three states are left to the collector.
    expect(live()).toBeLessThanOrEqual(before + 8);
  });
});

describe("MultiOptimizer", () => {
  const make = () =>
    new optim.MultiOptimizer(
      [
        new optim.SGD(0.5),
        new optim.SGD(optim.linearSchedule(1, 2, 2)),
        new optim.SGD(100, { momentum: 0.5 }),
      ],
      { filters: [(path) => path === "layers.1.bias", (_, x) => x.ndim === 2] },
    );

  test("asks its filters for names and gradients", () => {
    const optimizer = make();
    const one = utils.treeMap((x: mx.array) => mx.onesLike(x), parameters());
    const out = optimizer.applyGradients(one, parameters());
    expect(values(out)).toEqual({
      weight: [
        [0, -3],
        [-0.5, 3],
      ],
      "layers.0.bias": [-99.75],
      "layers.1.bias": [-1.5, 2.5],
    });
    const names = optimizer.state["states"].map((state: unknown) =>
      utils.treeFlatten(state).map(([name]) => name),
    );
    expect(names).toEqual([
      ["step", "learningRate", "layers.1.bias.v"],
      ["step", "learningRate", "weight.v"],
      ["step", "learningRate", "layers.0.bias.v"],
    ]);
  });

  test("refuses what a filter returns unless it is a boolean", () => {
    for (const taken of ["yes", undefined, mx.array(false), Promise.resolve(false)]) {
      const optimizer = new optim.MultiOptimizer([new optim.SGD(1), new optim.SGD(1)], {
        filters: [any(() => taken)],
      });
      const step = () => optimizer.applyGradients({ w: mx.array([1]) }, { w: mx.array([2]) });
      expect(step).toThrow(TypeError);
      expect(step).toThrow("[MultiOptimizer] filters[0]'s result: expected a boolean, received");
    }
  });

  test("init, and one that gets nothing", () => {
    const optimizer = make();
    optimizer.init({ a: mx.array([1]) });
    expect(optimizer.state["states"][2].a.v.tolist()).toEqual([0]);
    expect(Object.keys(optimizer.state["states"][0])).toEqual(["step", "learningRate"]);
  });

  test("shares the learning rate", () => {
    const optimizer = make();
    expect(optimizer.learningRate.item()).toBe(0.5);
    optimizer.learningRate = 0.25;
    expect(optimizer.optimizers.map((o) => o.learningRate.item())).toEqual([0.25, 0.25, 0.25]);
  });
});
