import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mlx, { mx, nn, optim, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: habits of other libraries
const any: any = mx;
const x = mx.ones([2, 3]);
const inItsPlace = (param: string) =>
  `; write the value of ${param} in its place, without its name, and options after it`;
const severalArrays =
  "received float32 array of shape [2, 3]; several arrays go in one list, such as [a, b]";
const severalNumbers = "; several numbers go in one list, such as [2, 3]";

test.each<[string, () => unknown, string]>([
  [
    "a parameter by its name",
    () => any.sum(x, { axis: 0 }),
    `[sum] axis: expected an integer or a list of integers, received { axis: 0 }${inItsPlace("axis")}`,
  ],
  [
    "a parameter by its name, beside options",
    () => any.softmax(x, { axis: 0, precise: true }),
    `received { axis: 0, precise: true }${inItsPlace("axis")}`,
  ],
  ["a parameter by PyTorch's name", () => any.sum(x, { dim: 0 }), inItsPlace("dim")],
  ["a rate by PyTorch's name", () => new optim.SGD({ lr: 0.1 } as never), inItsPlace("lr")],
  ["a shape by its name", () => any.zeros({ shape: [2] }), inItsPlace("shape")],
  [
    "a shape by its name, in the place of something else",
    () => any.random.uniform({ shape: [2] }),
    `[random.uniform] low: expected an array or a scalar, received { shape: [ 2 ] }${inItsPlace("shape")}`,
  ],
  ["a parameter that is required", () => any.topk(x, { k: 1 }), inItsPlace("k")],
  ["an operand", () => any.random.uniform({ low: 0 }), inItsPlace("low")],
  [
    "options too early",
    () => any.sum(x, { keepdims: true }),
    "; options such as keepdims come after axis, for which undefined may stand",
  ],
  ["a shape of several numbers", () => any.zeros(2, 3), severalNumbers],
  ["a shape of random numbers", () => any.random.normal(2, 3), severalNumbers],
  ["axes of several numbers", () => any.transpose(x, 1, 0), severalNumbers],
  ["a shape for a function", () => any.reshape(x, 3, 2), severalNumbers],
  [
    "a shape for another dtype",
    () => any.view(x, 3, 2),
    "; x.reshape gives an array another shape",
  ],
  [
    "a shape for a dtype",
    () => any.array([1, 2], [2, 1]),
    "; x.reshape gives an array another shape",
  ],
  [
    "an index by itself",
    () => x.set(0 as never, 1),
    "[set] indices: expected a list of indices, received 0; each goes in a list, as in x.set([0], value)",
  ],
  [
    "all indices in one text",
    () => x.get(":, 0" as never),
    'received ":, 0"; each axis has its own, as in x.get("1:3", 0)',
  ],
  [
    "an argument by another library's name",
    () => new nn.Linear({ in_features: 3, out_features: 2 } as never, 2),
    "[Linear] inputDims: expected an integer, received { in_features: 3, out_features: 2 }; " +
      "write its value in its place, without a name",
  ],
  ["bounds by their names", () => any.clip(x, { min: 0, max: 1 }), "without a name"],
  [
    "a class for a layer",
    () => new nn.Sequential(new nn.Linear(3, 2), nn.ReLU as never),
    "[Sequential] layers[1]: expected a layer or a function, received [class ReLU]; make one with new",
  ],
  [
    "a class for a function",
    () => new nn.RNN(3, 2, { nonlinearity: nn.Tanh as never }),
    "[RNN] nonlinearity: expected a layer or a function, received [class Tanh]; make one with new",
  ],
  [
    "a tree for a record of weights",
    () => new nn.Sequential(new nn.Linear(3, 2)).loadWeights({ layers: [] } as never),
    "received { layers: [] }; utils.treeFlatten makes a list of a tree",
  ],
  [
    "a tree for a record of arrays",
    () => any.saveSafetensors("a.safetensors", new nn.Sequential(new nn.Linear(3, 2)).parameters()),
    "; utils.treeFlatten(tree, { destination: {} }) gives a tree's arrays by their names",
  ],
  [
    "a tree among arrays",
    () => any.savez("a.npz", [x, { deep: { x } }]),
    '[savez] arrays["arr_1"]: expected an array, received { deep: { x: float32 array of shape [2, 3] } }; utils.treeFlatten',
  ],
  [
    "several arrays for one",
    () => any.save("a.npy", { x }),
    "received { x: float32 array of shape [2, 3] }; mx.saveSafetensors and mx.savez write several",
  ],
  [
    "an option by another library's name",
    () => nn.softmax(x, { dim: 1 } as never),
    '[softmax] options: expected axis, received an option "dim"; did you mean "axis"?',
  ],
  [
    "an option with two letters swapped",
    () => new nn.LayerNorm(2, { esp: 1e-3 } as never),
    '[LayerNorm] options: expected eps, affine, bias, received an option "esp"; did you mean "eps"?',
  ],
  [
    "a value and gradients for gradients",
    () => new optim.SGD(0.1).update(new nn.Linear(3, 2), [x, {}] as never),
    "[SGD] gradients: expected a record of arrays or an nn.Module, received " +
      "[ float32 array of shape [2, 3], {} ]; nn.valueAndGrad gives [value, gradients]",
  ],
  ["arrays one by one", () => any.concatenate(x, x), severalArrays],
  ["arrays to be compared by type", () => any.resultType(x, x), severalArrays],
  ["a dtype's name", () => any.zeros([2], "int32"), `received "int32"; write mx.int32`],
  ["another library's", () => any.array([1], "torch.float16"), "; write mx.float16"],
  ["a device's name", () => any.setDefaultDevice("cpu"), `received "cpu"; write mx.cpu`],
  ["another library's device", () => any.exp(x, { stream: "cuda:0" }), "; write mx.gpu"],
  [
    "a device in the place of the options",
    () => any.deviceInfo(mx.cpu),
    "[deviceInfo] options: expected { d: … }, received the device cpu",
  ],
  [
    "a stream in the place of the options",
    () => any.exp(x, mx.defaultStream(mx.cpu)),
    "[exp] options: expected an object with stream, received the stream 0 of the device cpu",
  ],
  [
    "a signal in the place of the options",
    () => any.pipeline(() => x, new AbortController().signal),
    "[pipeline] options: expected { signal: … }, received AbortSignal {}",
  ],
  [
    "an array for a number among an optimizer's options",
    () => new optim.AdamW(0.1, { weightDecay: x } as never),
    "[AdamW] weightDecay: expected a number, received float32 array of shape [2, 3]",
  ],
  [
    "a dtype in the place of the options",
    () => any.softmax(x, 0, mx.float32),
    "[softmax] options: expected an object with precise, stream, received the dtype float32",
  ],
])("%s", (_, call, message) => {
  expect(call).toThrow(TypeError);
  expect(call).toThrow(message);
});

test("an option without its name has no hint that is about shapes", () => {
  expect(() => any.diagonal(x, 1)).toThrow(/: expected \{ offset: 1 \}, received 1$/);
});

test("the shape in the place of what comes before it", () => {
  const spelled: [call: () => unknown, instead: string][] = [
    [() => any.random.uniform([2, 2]), "mx.random.uniform(0, 1, [2, 2])"],
    [() => any.random.uniform(0, [2]), "mx.random.uniform(0, 1, [2])"],
    [() => any.random.randint([2, 2]), "mx.random.randint(low, high, [2, 2])"],
    [() => any.random.randint(0, [3]), "mx.random.randint(low, high, [3])"],
    [() => any.random.bernoulli([4]), "mx.random.bernoulli(p, [4])"],
    [() => any.random.truncatedNormal([2]), "mx.random.truncatedNormal(lower, upper, [2])"],
    [() => any.random.truncatedNormal(0, [2]), "mx.random.truncatedNormal(lower, upper, [2])"],
    [() => any.random.categorical([4], x), "mx.random.categorical(logits, -1, [4])"],
    [() => any.random.categorical(x, [4, 2]), "mx.random.categorical(logits, -1, [4, 2])"],
    [
      () => any.random.multivariateNormal([2], x, mx.eye(3)),
      "mx.random.multivariateNormal(mean, cov, [2])",
    ],
    [
      () => any.random.multivariateNormal(x, [2], mx.eye(3)),
      "mx.random.multivariateNormal(mean, cov, [2])",
    ],
    [() => any.random.normal(0, 1, [2, 2]), "mx.random.normal([2, 2])"],
    [() => any.random.laplace(0, 1, [2]), "mx.random.laplace([2])"],
    [() => any.random.gumbel(0, 1, [2]), "mx.random.gumbel([2])"],
  ];
  for (const [call, instead] of spelled) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(`; if this is the shape, write ${instead}`);
  }
  for (const call of [
    () => any.random.uniform([0.5]),
    () => any.random.multivariateNormal([0, 0], mx.eye(2)),
    () => any.random.categorical([-1, 1]),
    () => any.random.permutation([1, 2]),
    () => any.matmul(x, [1, 2]),
    () =>
      x
        .astype(mx.float32)
        .at(0)
        .add([1, 2] as never),
  ]) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(/ \]; mx\.array makes an array of a list$/);
  }
  expect(() => any.random.permutation(new Float32Array(2))).toThrow(
    /; mx\.array makes an array of a typed array$/,
  );
  // What the program throws in the place of a shape comes out as it is.
  const mine = new TypeError("mine");
  const thrower = Object.assign([2], {
    __mlx_array__() {
      throw mine;
    },
  });
  expect(() => any.random.uniform(thrower)).toThrow(mine);
});

test("a key in the place of another argument", () => {
  const key = mx.random.key(0);
  for (const call of [
    () => any.random.normal(key, [2]),
    () => any.random.normal([2], null, key),
    () => any.random.laplace(key, [2]),
    () => any.random.uniform(0, 1, key),
    () => any.random.bernoulli(0.5, key),
    () => any.random.permutation(5, key),
    () => any.random.categorical(x, key),
  ]) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(
      "received uint32 array of shape [2]; if this is a key, write it into the options, as { key }",
    );
  }
  expect(() => any.random.permutation(5, x)).toThrow(/received float32 array of shape \[2, 3\]$/);
});

test("a layer's arguments in a record: the record is at fault, not what then is missing", () => {
  const made = Object.entries<unknown>({ ...nn }).flatMap(([name, value]) => {
    const Class = value as new (...args: unknown[]) => unknown;
    if (!(Class.prototype instanceof nn.Module)) {
      return [];
    }
    try {
      new Class({ dims: 4, more: 2 });
      return [];
    } catch (error) {
      return [[name, (error as Error).message] as const];
    }
  });
  expect(made.length).toBeGreaterThan(30);
  for (const [name, message] of made) {
    expect(message).toMatch(new RegExp(`^\\[${name}\\] \\w+(\\[0\\])?: expected `));
    expect(message).not.toContain("received undefined");
  }
});

test("parameters in the place of an optimizer's arguments", () => {
  const model = new nn.Linear(3, 1);
  const classes = Object.entries<{ prototype: unknown }>({ ...optim }).filter(
    ([, { prototype }]) => prototype instanceof optim.Optimizer,
  );
  expect(classes.length).toBeGreaterThan(8);
  const answer = "received a model's parameters; optimizer.update(model, gradients) gets the model";
  for (const [name, value] of classes) {
    const Class = value as new (...args: unknown[]) => unknown;
    const others: Record<string, string> = { Adafactor: "options", MultiOptimizer: "optimizers" };
    const first = others[name] ?? "learningRate";
    for (const given of [model, model.parameters(), { layers: [{ w: x }] }, [x]]) {
      for (const rest of [[], [0.1], [{ lr: 0.1 }]]) {
        expect(() => new Class(given, ...rest)).toThrow(`[${name}] ${first}: expected`);
        expect(() => new Class(given, ...rest)).toThrow(answer);
      }
      if (first === "learningRate") {
        expect(() => new Class(0.1, given)).toThrow(`[${name}] options: expected a record`);
        expect(() => new Class(0.1, given)).toThrow(answer);
      }
    }
    expect(() => new Class([{ params: model.parameters(), lr: 0.1 }])).toThrow(
      "received groups; optim.MultiOptimizer takes optimizers and filters that choose",
    );
  }
});

test("a module in the place of a function is to be called by one", () => {
  const model: never = new nn.Linear(3, 1) as never;
  const calls: [fn: string, param: string, call: () => unknown][] = [
    ["grad", "fun", () => any.grad(model)],
    ["valueAndGrad", "fun", () => any.valueAndGrad(model)],
    ["vmap", "fun", () => any.vmap(model)],
    ["jvp", "fun", () => any.jvp(model, [x], [x])],
    ["vjp", "fun", () => any.vjp(model, [x], [x])],
    ["compile", "fun", () => any.compile(model)],
    ["checkpoint", "fun", () => any.checkpoint(model)],
    ["customFunction", "f", () => any.customFunction(model)],
    ["exporter", "fun", () => any.exporter("model.mlxfn", model)],
    ["exportFunction", "fun", () => any.exportFunction("model.mlxfn", model, [x])],
  ];
  const received = "received a module of class Linear; write (x) => model.forward(x)";
  for (const [fn, param, call] of calls) {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(`[${fn}] ${param}: expected a function, ${received}`);
  }
  const loss = "[valueAndGrad] fn: expected a function such as (x) => mx.mean(model.forward(x))";
  expect(() => nn.valueAndGrad(model, undefined as never)).toThrow(`${loss}, received undefined`);
  expect(() => nn.valueAndGrad(model, model)).toThrow(`${loss}, received a module`);
  // It may as well be that the arguments are in the wrong order.
  expect(() => utils.treeMap(model, () => 0)).toThrow(/received a module of class Linear$/);
});

test("files that only PyTorch reads", () => {
  const load: (file: string) => unknown = mx.load;
  const answer = "; in Python, safetensors.torch.save_file(model.state_dict(), file) makes one of";
  for (const ending of ["pt", "pth", "bin", "ckpt"]) {
    const file = `folder/model.${ending}`;
    expect(() => load(file)).toThrow(`received "${ending}"${answer}`);
    expect(() => new nn.Linear(2, 1).loadWeights(file)).toThrow(`received "${file}"${answer}`);
  }
  expect(() => load("model.h5")).toThrow(/received "h5"$/);
  expect(() => new nn.Linear(2, 1).loadWeights("cpt")).toThrow(/received "cpt"$/);
});

test("layers in a list, where they are arguments", () => {
  const layers: never = [new nn.Linear(2, 3), nn.relu] as never;
  expect(() => new nn.Sequential(layers)).toThrow(
    "[Sequential] layers[0]: expected a layer or a function, received [ a module of class Linear, " +
      "[Function: relu] ]; layers are given one by one, as in new nn.Sequential(...layers)",
  );
});

test("there is none where nothing is known", () => {
  expect(() => any.sum(x, {})).toThrow(/received \{\}$/);
  expect(() => any.sum(x, "0")).toThrow(/received "0"$/);
  expect(() => any.zeros([2], "quaternion")).toThrow(/received "quaternion"$/);
  expect(() => any.sum(x, new Proxy({ axis: 0 }, {}))).not.toThrow(/in its place/);
  expect(() => any.sum(x, Object.create({ axis: 0 }))).not.toThrow(/in its place/);
});

/** The names that are answered, with their answers. */
function answers(prototype: object): [name: string, message: string][] {
  return Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { get }]) => {
    try {
      get?.call(prototype);
    } catch (error) {
      const { message } = error as Error;
      return message.includes(" expected ") && message.endsWith(`.${name}`)
        ? [[name, message]]
        : [];
    }
    return [];
  });
}

describe("names from elsewhere", () => {
  const model = new nn.Linear(2, 1);
  const optimizer = new optim.SGD(0.1);
  // biome-ignore lint/suspicious/noExplicitAny: names that are not in the types
  const known: Record<string, any> = {
    mx,
    nn,
    optim,
    utils,
    x,
    y: x,
    a: x,
    mask: x,
    model,
    optimizer,
  };

  /** Each `mx.sum`, `x.reshape` and the like in a text is there. */
  function expectNames(text: string, where: string): void {
    for (const [path, owner = "", names = ""] of text.matchAll(/\b([a-z]+)((?:\.[a-zA-Z]\w*)+)/g)) {
      const found = names
        .slice(1)
        .split(".")
        .reduce((value, name) => value?.[name], known[owner]);
      expect(found, `${path} in ${where}`).toBeDefined();
    }
  }

  test.each([
    ["array", mx.array.prototype, 60],
    ["Module", nn.Module.prototype, 20],
    ["Optimizer", optim.Optimizer.prototype, 8],
  ])("%s: each answer says what there is", (what, prototype, atLeast) => {
    const all = answers(prototype);
    expect(all.length).toBeGreaterThanOrEqual(atLeast);
    for (const [, message] of all) {
      expect(message).toMatch(new RegExp(`^\\[${what}\\] expected `));
      const [instead = ""] = message.split(", received ");
      expectNames(instead, message);
    }
  });

  test.each(["requires_grad", "requiresGrad", "trainable"])(
    "a module's %s can't be set",
    (name) => {
      const message = `[Module] expected model.freeze() or model.unfreeze(), received model.${name}`;
      expect(() => Object.assign(new nn.Linear(2, 1), { [name]: false })).toThrow(message);
      // A class may have its own.
      class Own extends nn.Module {
        constructor() {
          super();
          Object.defineProperty(this, name, { value: false, enumerable: true });
        }
      }
      expect(new Own()).toHaveProperty(name, false);
    },
  );

  const guide = readFileSync(join(__dirname, "..", "docs", "coming-from.md"), "utf8");

  test("the guide names what there is", () => {
    const rows = [...guide.matchAll(/^\| (?!---).* \| (.*) \|$/gm)].map(([, here = ""]) => here);
    expect(rows.length).toBeGreaterThan(35);
    for (const row of rows) {
      for (const [, code = ""] of row.matchAll(/`([^`]*)`/g)) {
        expectNames(code, row);
      }
    }
  });

  test("what the guide says to write takes its arguments as they are there", async () => {
    const file = join(tmpdir(), `mlx-js-${process.pid}.safetensors`);
    const variables = () => {
      const [x, index] = [
        mx.array([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        mx.array([0, 1], mx.int32),
      ];
      const model = new nn.Linear(3, 2);
      const gradients = model.parameters();
      return {
        ...{ mx, nn, optim, utils, x, y: x, a: x, b: x, logits: x, w: mx.ones([3, 2]) },
        ...{
          mask: x.greater(2),
          arrays: [x, x],
          data: [1, 2],
          shape: [2, 3],
          axes: [1, 0],
          axis: 0,
        },
        ...{
          indices: index,
          labels: index,
          targets: index,
          classes: 3,
          n: 3,
          i: 0,
          v: 1,
          value: 1,
        },
        ...{ model, gradients, best: gradients, fileOrWeights: gradients, file },
        ...{ optimizer: new optim.SGD(0.1), fun: mx.sum, f: () => mx.sum(model.forward(x)) },
        ...{ init: 0.1, decayRate: 0.9, stepSize: 2, steps: 3, maxNorm: 1, aMin: 0, aMax: 1 },
        ...{ dtype: mx.int32, into: new Float32Array(6) },
      };
    };
    const wrong: string[] = [];
    let calls = 0;
    const rows = [...guide.matchAll(/^\| (?!---).* \| (.*) \|$/gm)].map(([, here = ""]) => here);
    for (const [, code = ""] of rows.join("\n").matchAll(/`([^`]*)`/g)) {
      // Without statements and what leaves something out.
      if (!code.includes("(") || /…|^const /.test(code)) {
        continue;
      }
      calls++;
      const names = variables();
      try {
        const run = new Function(...Object.keys(names), `return async () => (${code})`);
        await run(...Object.values(names))();
      } catch (error) {
        // The variables' shapes need not fit.
        if (error instanceof TypeError || !(error instanceof Error && "code" in error)) {
          wrong.push(`${code}: ${String(error)}`);
        }
      }
    }
    rmSync(file, { force: true });
    expect(wrong).toEqual([]);
    expect(calls).toBeGreaterThan(60);
  });

  test("the guide quotes JavaScript's own errors", () => {
    const names = Object.keys({ ...known, mlx });
    const run = (code: string) => new Function(...names, code)(...Object.values({ ...known, mlx }));
    const section = guide.slice(guide.indexOf("## Where JavaScript answers itself"));
    const errors = [...section.matchAll(/^\| (?!error|---)(.*?) \| .* \|$/gm)].map(
      ([, x = ""]) => x,
    );
    expect(errors.length).toBeGreaterThan(35);
    for (const error of errors) {
      const [, called, what = ""] = /^(.*) is not a (function|constructor)\b/.exec(error) ?? [];
      const [, message, name, owner] = /^(.*\(reading '(\w+)'\)), for (\S+)$/.exec(error) ?? [];
      const [, type] = /^Class constructor (\w+) /.exec(error) ?? [];
      const attempts: [code: string, message: string][] =
        called !== undefined
          ? called.split(", ").map((path) => {
              const make = what === "constructor" ? "new " : "";
              // So it shortens the arguments of calls.
              const code = `${make}${path.replaceAll("(...)", "()")}()`;
              return [code, `${path} is not a ${what}`];
            })
          : [owner ? [`${owner}.${name}`, `${message}`] : [`nn.${type}()`, error]];
      for (const [code, text] of attempts) {
        expect(() => run(code), code).toThrow(text);
      }
    }
  });

  test("a class of one's own may have them", () => {
    class Phone extends nn.Module {
      call = mx.ones([2]);
      predict(): number {
        return 1;
      }
      constructor() {
        super();
        Object.assign(this, { to: mx.ones([3]) });
      }
    }
    expect(Object.keys(new Phone().parameters()).sort()).toEqual(["call", "to"]);
    expect(new Phone().predict()).toBe(1);
    for (const name of ["learning_rate", "lr"]) {
      expect(() => Object.assign(optimizer, { [name]: 1 })).toThrow(
        `[Optimizer] expected optimizer.learningRate, received optimizer.${name}`,
      );
    }
  });
});
