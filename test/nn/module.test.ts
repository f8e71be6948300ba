import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { mx, nn, optim, utils } from "mlx-js";
import { describe, expect, test } from "vitest";
import { sanitized } from "../support/sanitized.js";

class Block extends nn.Module {
  readonly queryProj = new nn.Linear(2, 3);
  readonly norm = new nn.LayerNorm(3);
  forward(x: mx.array): mx.array {
    return this.norm.forward(this.queryProj.forward(x));
  }
}

class Model extends nn.Module {
  readonly layers = [new Block(), new Block()];
  readonly heads = { main: new nn.Linear(3, 1, { bias: false }) };
  scale: mx.array = mx.array(2);
  readonly name = "model";
  readonly #hidden = mx.ones([4]);
  get hidden(): mx.array {
    return this.#hidden;
  }
}

const names = (tree: unknown) => utils.treeFlatten(tree).map(([name]) => name);
const file = (name: string) => join(mkdtempSync(join(tmpdir(), "mlx-js-")), name);

describe("parameters", () => {
  test("are public arrays, also in lists, records and modules", () => {
    expect(names(new Model().parameters())).toEqual([
      "layers.0.queryProj.weight",
      "layers.0.queryProj.bias",
      "layers.0.norm.weight",
      "layers.0.norm.bias",
      "layers.1.queryProj.weight",
      "layers.1.queryProj.bias",
      "layers.1.norm.weight",
      "layers.1.norm.bias",
      "heads.main.weight",
      "scale",
    ]);
  });

  test("update, wholly and in part", () => {
    const model = new Model();
    const weight = mx.zeros([1, 3]);
    model.update({ heads: { main: { weight } }, layers: [{}, { norm: { bias: mx.ones([3]) } }] });
    expect(model.heads.main.weight).toBe(weight);
    expect(model.layers[1]?.norm.bias?.tolist()).toEqual([1, 1, 1]);
    expect(() => model.update({ nope: weight } as never)).toThrow(RangeError);
    expect(() => model.update({ scale: 3 as never })).toThrow(TypeError);
    expect(() => model.update(3 as never)).toThrow(TypeError);
    expect(model.update({ nope: weight } as never, { strict: false })).toBe(model);
  });

  test("freeze and unfreeze", () => {
    const model = new Model();
    const trainable = () => names(model.trainableParameters());
    model.layers[0]?.freeze();
    expect(trainable().some((name) => name.startsWith("layers.0"))).toBe(false);
    expect(trainable()).toContain("layers.1.norm.bias");
    model.freeze({ keys: "bias" });
    expect(trainable()).not.toContain("layers.1.norm.bias");
    model.unfreeze();
    expect(trainable()).toEqual(names(model.parameters()));
    model.freeze({ recurse: false });
    expect(trainable()).not.toContain("scale");
    expect(trainable()).toContain("layers.1.norm.bias");
    expect(() => model.freeze({ keys: "nope", strict: true })).toThrow(RangeError);
  });

  test("apply, setDtype, modes", () => {
    const model = new Model();
    model.apply((x) => mx.zeros(x.shape));
    expect(mx.sum(model.layers[0]?.queryProj.weight as mx.array).item()).toBe(0);
    model.setDtype(mx.float16);
    expect(model.scale.dtype).toBe(mx.float16);
    expect(model.training).toBe(true);
    model.eval();
    expect(model.modules().some((module) => module.training)).toBe(false);
    model.train();
    expect(model.modules().every((module) => module.training)).toBe(true);
  });

  test("options that are not known, or of the wrong type", () => {
    const model = new Model();
    const typo = { key: "bias", stric: true } as never;
    for (const call of [
      () => model.freeze(typo),
      () => model.unfreeze(typo),
      () => model.update({}, typo),
      () => model.updateModules({}, typo),
      () => model.loadWeights([], typo),
      () => model.update({}, { strict: 1 as never }),
      () => model.freeze({ recurse: "no" as never }),
    ]) {
      expect(call).toThrow(TypeError);
    }
    expect(names(model.trainableParameters())).toEqual(names(model.parameters()));
  });

  test("filterAndMap asks about parts, and what is a leaf", () => {
    const model = new Model().freeze({ keys: "scale" });
    const asked: string[] = [];
    const seen = model.filterAndMap(
      (module, key, value) => {
        if (module === model) {
          asked.push(key);
        }
        return key !== "layers.0" && nn.Module.validChildFilter(module, key, value);
      },
      (module: nn.Module) => module.constructor.name,
      (_, __, value) => nn.Module.isModule(value),
    );
    expect(asked).toContain("layers.1");
    expect(seen["layers"][0]).toEqual({});
    expect(typeof seen["layers"][1]).toBe("string");
    expect(nn.Module.trainableParameterFilter(model, "scale", model.scale)).toBe(false);
    expect(nn.Module.trainableParameterFilter(model, "other", model.scale)).toBe(true);
    expect(nn.Module.validParameterFilter(model, "dims", 3)).toBe(false);
  });

  test("modules by name", () => {
    const model = new Model();
    expect(model.namedModules().map(([name]) => name)).toEqual([
      "",
      "layers.0",
      "layers.0.queryProj",
      "layers.0.norm",
      "layers.1",
      "layers.1.queryProj",
      "layers.1.norm",
      "heads.main",
    ]);
    const main = new nn.Linear(3, 5);
    model.updateModules({ heads: { main } });
    expect(model.heads.main).toBe(main);
  });
});

describe("wrong arguments", () => {
  // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
  const layer: any = new nn.Linear(2, 1);
  test.each([
    ["filterAndMap", ["all"], "[filterAndMap] filterFn: expected a function"],
    ["filterAndMap", [() => true, null], "[filterAndMap] mapFn: expected a function"],
    ["applyToModules", [], "[applyToModules] applyFn: expected a function"],
    ["apply", [mx.float16], "[apply] mapFn: expected a function"],
    ["apply", [(x: mx.array) => x, "bias"], "[apply] filterFn: expected a function"],
    ["setDtype", [mx.float16, 0], "[setDtype] predicate: expected a function"],
    ["loadWeights", [[0]], "[loadWeights] fileOrWeights: expected a file, a record or a list"],
    [
      "loadWeights",
      [new Array(3)],
      "[loadWeights] fileOrWeights: expected a file, a record or a list",
    ],
    ["loadWeights", [[], { strict: 1 }], "[loadWeights] strict: expected a boolean"],
    ["update", [{}, null], "[update] options: expected"],
    [
      "update",
      [{ wieght: mx.ones([1]) }],
      "one of the module's parameters, such as weight, received",
    ],
    ["updateModules", [{}, { strictly: true }], "[updateModules] options: expected strict"],
    ["freeze", [{ recursive: false }], "[freeze] options: expected recurse, keys, strict"],
    ["unfreeze", [null], "[unfreeze] options: expected"],
  ])("%s, %#", (method, args, message) => {
    expect(() => layer[method](...args)).toThrow(message);
  });

  test("Dropout takes arrays", () => {
    // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
    const dropout: any = new nn.Dropout();
    expect(() => dropout.forward()).toThrow("[Dropout.forward] x: expected an array");
  });
});

describe("weights in files", () => {
  test("there and back, under Python's names", () => {
    mx.random.seed(1);
    const path = file("model.safetensors");
    const model = new Model();
    model.saveWeights(path);
    const weights = mx.load(path) as Record<string, mx.array>;
    expect(Object.keys(weights)).toContain("layers.0.query_proj.weight");
    mx.random.seed(2);
    const other = new Model().loadWeights(path);
    for (const [name, value] of utils.treeFlatten(model.parameters())) {
      const loaded = new Map(utils.treeFlatten(other.parameters())).get(name) as mx.array;
      expect(mx.arrayEqual(loaded, value as mx.array).item()).toBe(true);
    }
  });

  test("names that are one in Python", () => {
    class Twice extends nn.Module {
      parts = { aB: mx.ones([1]), a_b: mx.zeros([1]) };
    }
    const message =
      'parameters: expected names that differ in a file, received "parts.aB" and "parts.a_b", which are both "parts.a_b"';
    expect(() => new Twice().saveWeights(file("twice.npz"))).toThrow(`[saveWeights] ${message}`);
    expect(() => new Twice().loadWeights([])).toThrow(`[loadWeights] ${message}`);
  });

  test("of what does not fit, the first names, and how many more there are", () => {
    class Deep extends nn.Module {
      layers: nn.Linear[];
      constructor(depth: number, dims: number) {
        super();
        this.layers = Array.from({ length: depth }, () => new nn.Linear(dims, 1, { bias: false }));
      }
    }
    const weights = (depth: number, prefix = "layers", dims = 2) =>
      Array.from({ length: depth }, (_, i): [string, mx.array] => [
        `${prefix}.${i}.weight`,
        mx.ones([1, dims]),
      ]);
    // In the order of texts.
    const first = [0, 1, 10, 100, 1000, 1001, 1002, 1003];
    const names = (prefix: string) => first.map((i) => `${prefix}.${i}.weight`).join(", ");
    const model = new Deep(2000, 2);
    expect(() => model.loadWeights(weights(2000, "blocks"))).toThrow(
      new RegExp(
        `received 2000 missing: ${names("layers")} and 1992 more; 2000 unexpected: ${names("blocks")} and 1992 more$`,
      ),
    );
    expect(() => model.loadWeights(weights(2000, "layers", 3))).toThrow(
      /2000 of another shape: layers\.0\.weight \(expected \[1, 2\], received \[1, 3\]\), .* and 1992 more$/,
    );
    expect(() => new Deep(8, 2).loadWeights([])).toThrow(/ layers\.6\.weight, layers\.7\.weight$/);
    expect(() => new Deep(9, 2).loadWeights([])).toThrow(/ layers\.7\.weight and 1 more$/);
  });

  test("what does not fit", () => {
    const model = new nn.Linear(2, 3);
    const { weight, bias } = model as { weight: mx.array; bias: mx.array };
    expect(() => model.loadWeights([["weight", weight]])).toThrow(/received 1 missing: bias$/);
    expect(() =>
      model.loadWeights([
        ["weight", weight],
        ["bias", bias],
        ["extra", bias],
      ]),
    ).toThrow(/received 1 unexpected: extra$/);
    expect(() =>
      model.loadWeights([
        ["weight", bias],
        ["bias", bias],
      ]),
    ).toThrow(/1 of another shape: weight \(expected \[3, 2\], received \[3\]\)/);
    expect(() =>
      model.loadWeights([
        ["weight", bias],
        ["extra", bias],
      ]),
    ).toThrow(/1 missing: bias; 1 unexpected: extra; 1 of another shape: weight/);
    model.loadWeights({ weight, bias: mx.array([1, 2, 3]) });
    expect(model.bias?.tolist()).toEqual([1, 2, 3]);
    model.loadWeights([["bias", mx.ones([3])]], { strict: false });
    expect(model.bias?.tolist()).toEqual([1, 1, 1]);
    // Another shape would make another layer of it, whether or not names may differ.
    expect(() =>
      model.loadWeights({ weight: mx.ones([5, 2]), extra: bias }, { strict: false }),
    ).toThrow(/received 1 of another shape: weight \(expected \[3, 2\], received \[5, 2\]\)$/);
    expect(model.weight.shape).toEqual([3, 2]);
    const broken = file("broken.safetensors");
    writeFileSync(broken, "not a file of weights");
    expect(() => model.loadWeights(broken)).toThrow(Error);
    expect(() => model.loadWeights("/nonexistent.safetensors")).toThrow(/nonexistent/);
    expect(() => model.saveWeights("weights.bin")).toThrow(TypeError);
  });
});

describe("valueAndGrad", () => {
  const layer = () => {
    const model = new nn.Linear(2, 1, { bias: false });
    return model.update({ weight: mx.array([[1, 2]]) });
  };

  test("gives gradients of what is trainable", () => {
    const model = new Model();
    model.layers[0]?.freeze();
    const f = nn.valueAndGrad(model, () => mx.sum(mx.square(model.scale)));
    const [value, gradients] = f();
    expect(value.item()).toBe(4);
    expect(gradients["scale"].item()).toBe(4);
    expect(names(gradients)).toEqual(names(model.trainableParameters()));
  });

  test("puts the parameters back, also when the function throws", () => {
    const model = layer();
    const { weight } = model;
    const boom = new Error("boom");
    const failing = nn.valueAndGrad(model, () => {
      throw boom;
    });
    expect(failing).toThrow(boom);
    expect(model.weight).toBe(weight);
    nn.valueAndGrad(model, (x: mx.array) => mx.sum(model.forward(x)))(mx.array([3, 4]));
    expect(model.weight).toBe(weight);
    expect(weight.tolist()).toEqual([[1, 2]]);
  });

  test("trains through a function in a Sequential", () => {
    const model = new nn.Sequential(new nn.Linear(1, 4), mx.tanh, new nn.Linear(4, 1));
    const optimizer = new optim.SGD(0.1);
    const x = mx.array([[0.5], [-0.5]]);
    const f = nn.valueAndGrad(model, () => nn.losses.mseLoss(model.forward(x), mx.negative(x)));
    const [first] = f();
    for (let i = 0; i < 50; i++) {
      optimizer.update(model, f()[1]);
    }
    expect(f()[0].item()).toBeLessThan(first.item() / 2);
  });
});

describe("lifetimes", () => {
  test("a module made in a scope keeps its parameters", () => {
    let model: Model | undefined;
    mx.tidy(() => {
      mx.tidy(() => {
        model = new Model();
      });
    });
    expect(model?.layers[0]?.norm.weight?.tolist()).toEqual([1, 1, 1]);
    expect(model?.hidden.disposed).toBe(true);
  });

  test("what update and an optimizer store survives", () => {
    const model = new nn.Linear(2, 1);
    const optimizer = new optim.Adam(0.1);
    for (let i = 0; i < 3; i++) {
      mx.tidy(() => {
        const [, gradients] = nn.valueAndGrad(model, () => mx.sum(model.forward(mx.ones([2]))))();
        optimizer.update(model, gradients);
      });
      mx.eval(model, optimizer.state);
    }
    expect(model.weight.shape).toEqual([1, 2]);
  });

  // Each in a process of its own, where nothing else has memory.
  const grown = (body: string) => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        "-e",
        `const { mx, nn, optim } = require("mlx-js");
         const megabytes = () => process.memoryUsage().rss / 2 ** 20;
         ${body}`,
      ],
      { cwd: join(__dirname, "..", ".."), encoding: "utf8" },
    );
    expect(stderr).toBe("");
    return Number(stdout);
  };

  test.skipIf(sanitized)("500,000 additions in a plain loop", () => {
    const growth = grown(`
      const a = mx.array([1, 2, 3]);
      let early;
      for (let i = 0; i < 500_000; i++) {
        mx.add(a, a);
        if (i === 50_000) early = megabytes();
      }
      console.log(megabytes() - early);`);
    expect(growth).toBeLessThan(150);
  });

  test.skipIf(sanitized)("2,000 training steps without tidy or await", () => {
    const growth = grown(`
      const model = new nn.Sequential(
        new nn.Linear(64, 128), nn.relu, new nn.Linear(128, 128), nn.relu, new nn.Linear(128, 8));
      const optimizer = new optim.Adam(1e-3);
      const x = mx.random.normal([64, 64]);
      const y = mx.random.randint(0, 8, [64]);
      const step = nn.valueAndGrad(model, () =>
        nn.losses.crossEntropy(model.forward(x), y, { reduction: "mean" }));
      let early;
      for (let i = 0; i < 2000; i++) {
        const [loss, gradients] = step();
        optimizer.update(model, gradients);
        mx.eval(loss, model, optimizer.state);
        if (i === 200) early = megabytes();
      }
      console.log(megabytes() - early);`);
    expect(growth).toBeLessThan(150);
  });
});

describe("printing", () => {
  const linear = (inputs: number, outputs: number) =>
    `Linear(inputDims=${inputs}, outputDims=${outputs}, bias=true)`;

  test("one a line, as Python does, with the count of the parameters", () => {
    expect(String(new nn.Linear(2, 3))).toBe(linear(2, 3));
    expect(String(new nn.Sequential(mx.exp))).toBe("Sequential()");
    class Net extends nn.Module {
      readonly blocks = [new Block(), new Block(), new Block()];
      readonly ends = { a: new nn.Linear(1, 2), b: new nn.Linear(1, 2) };
      readonly list = [new nn.Linear(2, 2), mx.exp, new nn.Linear(2, 2), new nn.Linear(2, 1)];
      readonly _hidden = new nn.Linear(1, 1);
      scale = mx.ones([1000]);
      same = this.scale;
      protected override extraRepr(): string {
        return "blocks=3";
      }
    }
    const lines = [
      "Net(blocks=3",
      "  (blocks.0-2): 3 x Block(",
      `    (queryProj): ${linear(2, 3)}`,
      "    (norm): LayerNorm(3, eps=0.00001, affine=true)",
      "  )",
      `  (ends.a): ${linear(1, 2)}`,
      `  (ends.b): ${linear(1, 2)}`,
      `  (list.0): ${linear(2, 2)}`,
      `  (list.2): ${linear(2, 2)}`,
      `  (list.3): ${linear(2, 1)}`,
      `  (_hidden): ${linear(1, 1)}`,
      ") with 1,068 parameters",
    ];
    const net = new Net();
    expect(String(net)).toBe(lines.join("\n"));
    expect(inspect(net)).toBe(lines.join("\n"));
    net.blocks.push(new Block());
    net.blocks[1]?.norm.freeze();
    net.freeze({ keys: ["scale", "same"], recurse: false });
    expect(String(net)).toContain("(blocks.0-3): 4 x Block(");
    expect(String(net)).toMatch(/\) with 1,083 parameters, 77 of them trainable$/);
    expect(inspect([net.blocks])).not.toContain("(...)");
  });

  test("a module within itself, and one that was disposed of", () => {
    class Loop extends nn.Module {
      inner?: Loop;
      weight = mx.ones([1]);
    }
    const loop = new Loop();
    loop.inner = loop;
    expect(String(loop)).toBe("Loop()");
    loop.inner = new Loop();
    loop.inner.inner = loop;
    expect(String(loop)).toBe(
      "Loop(\n  (inner): Loop(\n    (inner): Loop(...)\n  )\n) with 2 parameters",
    );
    loop.dispose();
    expect(String(loop)).toContain("Loop(");
  });
});

describe("the shapes of Python's trees", () => {
  class Parts extends nn.Module {
    readonly a = mx.array([1, 2]);
    readonly list = [nn.relu, new nn.Linear(2, 2)];
    readonly record = { x: new nn.Linear(2, 1), y: 2 };
    readonly empty: unknown[] = [];
    readonly deep = { q: [1, { z: 3 }] };
    readonly size = 3;
    readonly _cache = mx.array([5]);
    readonly _list = [mx.array(6)];
    readonly _inner = new nn.Linear(1, 1);
    forward(x: mx.array): mx.array {
      return x;
    }
  }

  const isLinear = (x: unknown) => x instanceof nn.Linear;

  test("children and leaf modules keep the places of what is no module", () => {
    const model = new Parts();
    for (const tree of [model.children(), model.leafModules()]) {
      expect(Object.keys(tree)).toEqual(["list", "record", "empty", "deep", "_list", "_inner"]);
      expect(tree["list"][0]).toEqual({});
      expect(tree["list"][1]).toBe(model.list[1]);
      expect(tree["record"].x).toBe(model.record.x);
      expect(tree["record"].y).toEqual({});
      expect([tree["empty"], tree["deep"]]).toEqual([[], { q: [{}, { z: {} }] }]);
      expect(isLinear(tree["_inner"])).toBe(true);
      expect(model.updateModules(tree)).toBe(model);
      expect(model.list[0]).toBe(nn.relu);
    }
    const outer = new nn.Sequential(model, new nn.Linear(1, 2));
    expect(outer.children()["layers"][0]).toBe(model);
    const [inner, leaf] = outer.leafModules()["layers"];
    expect([isLinear(inner.list[1]), isLinear(leaf)]).toEqual([true, true]);
    const other = new nn.Linear(2, 2);
    outer.updateModules({ layers: [{ list: [{}, other] }, {}] });
    expect(model.list[1]).toBe(other);
    expect(() => outer.updateModules({ layers: [{ list: [other] }] })).toThrow(RangeError);
    expect(() => outer.updateModules({ layers: [{ list: other as never }] })).toThrow(RangeError);
  });

  test("fields that begin with an underscore are no parameters", () => {
    const model = new Parts();
    expect(names(model.parameters())).toEqual([
      ...["a", "list.1.weight", "list.1.bias", "record.x.weight", "record.x.bias"],
    ]);
    expect(names(model.trainableParameters())).toEqual(names(model.parameters()));
    expect(model.modules().length).toBe(4);
    model.freeze();
    expect(names(model.trainableParameters())).toEqual([]);
    expect(model.unfreeze().trainableParameters()["list"][0]).toEqual({});
    const path = file("parts.npz");
    model.saveWeights(path);
    expect(Object.keys(mx.load(path)).sort()).toEqual([
      ...["a", "list.1.bias", "list.1.weight", "record.x.bias", "record.x.weight"],
    ]);
  });

  test("weights go to npz files and come back", () => {
    const [model, other] = [new Model(), new Model()];
    const path = file("weights.npz");
    model.saveWeights(path);
    other.loadWeights(path);
    const values = (m: Model) => utils.treeFlatten(m.parameters()).map(([, x]) => x.tolist());
    expect(values(other)).toEqual(values(model));
    expect(Object.keys(mx.load(path))).toContain("layers.1.query_proj.weight");
    expect(() => other.loadWeights(file("nothing.npz"))).toThrow(Error);
    expect(() => model.saveWeights("weights.gguf")).toThrow(
      "[saveWeights] file: expected a name that ends in .safetensors or .npz",
    );
    for (const name of ["package.json", "weights", "weights.npy"]) {
      const load = () => other.loadWeights(name);
      expect(load).toThrow(TypeError);
      expect(load).toThrow(
        "[loadWeights] fileOrWeights: expected a name that ends in .safetensors, .npz or .gguf, " +
          `received "${name}"`,
      );
    }
  });
});

describe("transformations of functions of modules", () => {
  const x = mx.array([1, 2]);
  const layer = () => {
    const out = new nn.Linear(2, 1);
    out.update({ weight: mx.array([[3, 4]]), bias: mx.array([5]) });
    return out;
  };

  test("give the function the module itself, and its arrays back", () => {
    const model = layer();
    const { weight, bias } = model;
    let calls = 0;
    const f = (m: nn.Linear, y: mx.array) => {
      calls++;
      expect(m).toBe(model);
      expect(m.weight === weight).toBe(false);
      return mx.sum(m.forward(y));
    };
    const expected = { weight: [[1, 2]], bias: [1] };
    const listed = (tree: nn.ParameterTree) => ({
      weight: tree["weight"].tolist(),
      bias: tree["bias"].tolist(),
    });
    expect(listed(mx.grad(f)(model, x))).toEqual(expected);
    const [value, gradient] = mx.valueAndGrad(f)(model, x);
    expect([value.item(), listed(gradient)]).toEqual([16, expected]);
    const saved = mx.checkpoint(f);
    expect(listed(mx.grad((m: nn.Linear) => saved(m, x))(model))).toEqual(expected);
    expect(saved(model, x).item()).toBe(16);
    const rows = mx.stack([x, mx.multiply(x, 2)]);
    const stacked = layer();
    stacked.weight = mx.stack([weight, mx.negative(weight)]);
    const over = (m: nn.Linear, y: mx.array) => {
      expect(m).toBe(stacked);
      return mx.sum(m.forward(y));
    };
    const inAxes = [{ weight: 0, bias: null }, 0] as const;
    expect(mx.vmap(over, { inAxes })(stacked, rows).tolist()).toEqual([16, -17]);
    expect(mx.vmap(f, { inAxes: [null, 0] })).toBeTypeOf("function");
    const custom = mx
      .customFunction(f)
      .vjp((primals, c) => [
        { weight: mx.multiply(c, mx.ones([1, 2])), bias: mx.multiply(c, mx.ones([1])) },
        primals[1],
      ]);
    expect(listed(mx.grad((m: nn.Linear) => custom(m, x))(model))).toEqual({
      weight: [[1, 1]],
      bias: [1],
    });
    expect(model.weight).toBe(weight);
    expect(model.bias).toBe(bias);
    expect(calls).toBeGreaterThan(4);
  });

  test("also if it throws, and whatever else the module has", () => {
    const model = new nn.Sequential(nn.relu, layer(), new nn.Dropout({ p: 0.5 })).eval();
    const gradient = mx.grad((m: nn.Sequential) => mx.sum(m.forward(x)))(model);
    expect(names(gradient)).toEqual(["layers.1.weight", "layers.1.bias"]);
    const linear = model.layers[1] as nn.Linear;
    const { weight } = linear;
    const failure = new Error("no");
    const fails = (_: unknown) => {
      throw failure;
    };
    for (const f of [mx.grad(fails), mx.vmap(fails, { inAxes: 0 }), mx.checkpoint(fails)]) {
      expect(() => (f as (...xs: unknown[]) => unknown)(model)).toThrow();
      expect(linear.weight).toBe(weight);
    }
  });

  test("what the function assigns stays", () => {
    const model = layer();
    const kept = mx.array([9]);
    const { weight } = model;
    const gradient = mx.grad((m: nn.Linear) => {
      const out = mx.sum(m.forward(x));
      m.bias = kept;
      return out;
    })(model);
    expect(model.weight).toBe(weight);
    expect(model.bias).toBe(kept);
    expect((gradient as nn.ParameterTree)["bias"].tolist()).toEqual([1]);
  });
});
