// nn.checkpoint: gradients are those of the plain function, whatever is computed again.
import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

class Model extends nn.Module {
  first = new nn.Linear(3, 8);
  second = new nn.Linear(8, 3);
  calls = 0;

  forward(x: mx.array): mx.array {
    this.calls++;
    return this.second.forward(nn.tanh(this.first.forward(x))).sin();
  }
}

const x = mx.random.normal([4, 3], mx.float32, { key: mx.random.key(0) });

function flat(gradients: nn.ParameterTree): Record<string, mx.array> {
  return Object.fromEntries(utils.treeFlatten(gradients));
}

/** The loss of some layers, and its gradients by their parameters. */
function gradientsOf(model: nn.Module, forward: (x: mx.array) => mx.array) {
  const [value, gradients] = nn.valueAndGrad(model, () => forward(x).square().sum())();
  return { value: value.item(), gradients: flat(gradients) };
}

describe("checkpoint", () => {
  test("gives the values and gradients of the module", () => {
    const model = new Model();
    const light = nn.checkpoint(model);
    expect(light(x)).toEqual(model.forward(x));
    const plain = gradientsOf(model, (x) => model.forward(x));
    expect(gradientsOf(model, light)).toEqual(plain);
    expect(Object.keys(plain.gradients)).toHaveLength(4);
    expect(
      gradientsOf(
        model,
        nn.checkpoint(model, (x: mx.array) => model.forward(x)),
      ),
    ).toEqual(plain);
    // By the inputs, too.
    const input = mx.grad((y: mx.array) => light(y).square().sum())(x);
    expect(input).toEqual(mx.grad((y: mx.array) => model.forward(y).square().sum())(x));
  });

  test("mx.checkpoint takes the same parameters for constants", () => {
    const model = new Model();
    const plain = mx.checkpoint((y: mx.array) => model.forward(y));
    const { gradients } = gradientsOf(model, plain);
    expect(gradients["first.weight"]?.abs().sum().item()).toBe(0);
  });

  test("computes again what it did not keep", () => {
    const model = new Model();
    const light = nn.checkpoint(model);
    light(x);
    expect(model.calls).toBe(1);
    gradientsOf(model, light);
    expect(model.calls).toBe(3);
  });

  test("leaves the module as it was, also where the function throws", () => {
    const model = new Model();
    const before = flat(model.parameters());
    const same = () => {
      for (const [name, value] of Object.entries(flat(model.parameters()))) {
        expect(value).toBe(before[name]);
      }
    };
    gradientsOf(model, nn.checkpoint(model));
    same();
    const error = new Error("no");
    expect(() =>
      nn.checkpoint(model, () => {
        throw error;
      })(),
    ).toThrow(error);
    same();
    let calls = 0;
    const fails = nn.checkpoint(model, (y: mx.array) => {
      if (++calls > 1) {
        throw error;
      }
      return model.forward(y);
    });
    expect(() => gradientsOf(model, fails)).toThrow(error);
    same();
  });

  test("frozen parameters have no gradients, and are used as they are", () => {
    const model = new Model();
    model.first.freeze();
    const plain = gradientsOf(model, (x) => model.forward(x));
    expect(Object.keys(plain.gradients)).toEqual(["second.weight", "second.bias"]);
    expect(gradientsOf(model, nn.checkpoint(model))).toEqual(plain);
    model.freeze();
    expect(gradientsOf(model, nn.checkpoint(model)).gradients).toEqual({});
    expect(nn.checkpoint(model)(x)).toEqual(model.forward(x));
  });

  test("one inside of another", () => {
    const model = new Model();
    const inner = nn.checkpoint(model.second);
    const outer = nn.checkpoint(model, (x: mx.array) =>
      inner(nn.tanh(model.first.forward(x))).sin(),
    );
    expect(gradientsOf(model, outer)).toEqual(gradientsOf(model, (x) => model.forward(x)));
  });

  test("draws the same random numbers again", () => {
    const model = new nn.Sequential(new nn.Linear(3, 64), new nn.Dropout(), new nn.Linear(64, 1));
    const run = (forward: (x: mx.array) => mx.array) => {
      mx.random.seed(3);
      const found = gradientsOf(model, forward);
      return { ...found, next: mx.random.uniform(0, 1, [3]) };
    };
    const plain = run((x) => model.forward(x));
    expect(run(nn.checkpoint(model))).toEqual(plain);
    // What is drawn afterwards is as without, and differs from call to call.
    const light = nn.checkpoint(model);
    expect(light(x)).not.toEqual(light(x));
  });

  test("what a call changes in the module changes once", () => {
    class Counts extends nn.Module {
      weight = mx.array([2]);
      seen = mx.array(0);
      constructor() {
        super();
        this.freeze({ keys: "seen" });
      }
      forward(x: mx.array): mx.array {
        this.seen = this.seen.add(x.sum());
        return x.multiply(this.weight);
      }
    }
    const model = new Counts();
    const { value } = gradientsOf(model, nn.checkpoint(model));
    expect(value).toBeCloseTo(x.multiply(2).square().sum().item(), 4);
    expect(model.seen.item()).toBeCloseTo(x.sum().item(), 5);
  });

  test("running statistics learn of a batch once", () => {
    const linear = new nn.Linear(2, 2);
    linear.update({ weight: mx.eye(2), bias: mx.zeros([2]) });
    const norm = new nn.BatchNorm(2);
    const model = new nn.Sequential(linear, norm);
    const light = nn.checkpoint(model);
    const step = nn.valueAndGrad(model, (x: mx.array) => light(x).sin().sum());
    const learned = () =>
      [norm.runningMean, norm.runningVar].map((x) =>
        x?.tolist<number[]>().map((n) => Number(n.toFixed(4))),
      );
    const batch = mx.array([
      [1, 10],
      [3, 30],
    ]);
    // What Python gives without its checkpoint, with which they learn twice.
    step(batch);
    expect(learned()).toEqual([
      [0.2, 2],
      [1.1, 20.9],
    ]);
    mx.eval(mx.compile(step, { inputs: model, outputs: model })(batch));
    expect(learned()).toEqual([
      [0.38, 3.8],
      [1.19, 38.81],
    ]);
  });

  test("inside of tidy and compile", () => {
    const model = new Model();
    const light = nn.checkpoint(model);
    const step = nn.valueAndGrad(model, (x: mx.array) => mx.tidy(() => light(x).square().sum()));
    const [value, gradients] = step(x);
    const [same, others] = mx.tidy(() => step(x));
    expect(same.item()).toBe(value.item());
    expect(flat(others)).toEqual(flat(gradients));
    const compiled = mx.compile((x: mx.array) => step(x), { inputs: [model] });
    const close = flat(compiled(x)[1]);
    for (const [name, gradient] of Object.entries(flat(gradients))) {
      expect(mx.allclose(close[name] as mx.array, gradient, { atol: 1e-5 }).item()).toBe(true);
    }
  });

  test("passes on what is no array, and results that are trees", () => {
    const model = new Model();
    const split = nn.checkpoint(model, (x: mx.array, how: { twice: boolean }) => ({
      y: how.twice ? model.forward(x).multiply(2) : x,
      rest: [x],
    }));
    const { y, rest } = split(x, { twice: true });
    expect(y).toEqual(model.forward(x).multiply(2));
    expect(rest[0]).toEqual(x);
    expect(split(x, { twice: false }).y).toEqual(x);
  });

  test("what it refuses", () => {
    expect(() => nn.checkpoint({} as never)).toThrow("[checkpoint] module: expected an nn.Module");
    expect(() => nn.checkpoint(new nn.Module() as never)).toThrow(
      "[checkpoint] fn: expected a function, received undefined",
    );
    expect(() => nn.checkpoint(new Model(), 3 as never)).toThrow(
      "[checkpoint] fn: expected a function",
    );
  });
});
