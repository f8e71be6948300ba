// Layers that normalize beyond the values of test/golden/nn: statistics from step to step, errors, text.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

const close = (a: mx.array | undefined, b: mx.array) =>
  expect(mx.allclose(a as mx.array, b, { atol: 1e-5 }).item()).toBe(true);

const data = (step: number) =>
  mx.random.normal([8, 3], mx.float32, { key: mx.random.key(step), loc: 2 });

/** What the running statistics have to be after some batches. */
function expected(steps: number): { mean: mx.array; variance: mx.array } {
  let [mean, variance] = [mx.zeros([3]), mx.ones([3])];
  for (let i = 0; i < steps; i++) {
    mean = mean.multiply(0.9).add(data(i).mean(0).multiply(0.1));
    variance = variance.multiply(0.9).add(data(i).var(0, { ddof: 1 }).multiply(0.1));
  }
  return { mean, variance };
}

class Model extends nn.Module {
  norm = new nn.BatchNorm(3);
  output = new nn.Linear(3, 1);

  forward(x: mx.array): mx.array {
    return this.output.forward(this.norm.forward(x));
  }
}

function checkStatistics({ norm }: Model, steps: number): void {
  const { mean, variance } = expected(steps);
  close(norm.runningMean, mean);
  close(norm.runningVar, variance);
}

describe("BatchNorm's running statistics", () => {
  test("outlive scopes, and are freed with the layer", () => {
    const model = new Model();
    for (let i = 0; i < 3; i++) {
      mx.tidy(() => mx.eval(model.forward(data(i)), model));
    }
    checkStatistics(model, 3);
    const { runningMean } = model.norm;
    model.dispose();
    expect(runningMean?.disposed).toBe(true);
  });

  test("change in valueAndGrad, and gradients leave them out", () => {
    const model = new Model();
    const optimizer = new optim.SGD(0.1);
    const step = nn.valueAndGrad(model, (x: mx.array) => model.forward(x).square().mean());
    for (let i = 0; i < 3; i++) {
      const loss = mx.tidy(() => {
        const [loss, gradients] = step(data(i));
        expect(Object.keys(gradients["norm"])).toEqual(["weight", "bias"]);
        optimizer.update(model, gradients);
        return loss;
      });
      mx.eval(loss, model, optimizer.state);
    }
    checkStatistics(model, 3);
    model.eval().forward(data(9));
    checkStatistics(model, 3);
  });

  test("change in a compiled step that names the model, and the values are the same", () => {
    const train = (compiled: boolean): Model => {
      mx.random.seed(4);
      const model = new Model();
      const optimizer = new optim.SGD(0.1);
      const lossAndGradients = nn.valueAndGrad(model, (x: mx.array) =>
        model.forward(x).square().mean(),
      );
      const plain = (x: mx.array): mx.array => {
        const [loss, gradients] = lossAndGradients(x);
        optimizer.update(model, gradients);
        return loss;
      };
      const state = [model, optimizer.state];
      const step = compiled ? mx.compile(plain, { inputs: state, outputs: state }) : plain;
      for (let i = 0; i < 3; i++) {
        mx.eval(
          mx.tidy(() => step(data(i))),
          model,
        );
      }
      return model;
    };
    const [eager, compiled] = [train(false), train(true)];
    checkStatistics(compiled, 3);
    const pairs = utils.treeFlatten(compiled.parameters());
    for (const [i, [, value]] of utils.treeFlatten(eager.parameters()).entries()) {
      close(pairs[i]?.[1] as mx.array, value as mx.array);
    }
  });

  test("are what evaluation uses: compiled, too, each mode for itself", () => {
    const model = new Model();
    const forward = mx.compile((x: mx.array) => model.norm.forward(x), {
      inputs: model,
      outputs: model,
    });
    forward(data(0));
    const { mean, variance } = expected(1);
    model.eval();
    close(forward(data(5)), data(5).subtract(mean).multiply(variance.add(1e-5).rsqrt()));
    checkStatistics(model, 1);
    model.train();
    close(forward(data(1)).mean(0), mx.zeros([3]));
    checkStatistics(model, 2);
  });

  test("count the values of each batch in a function for all shapes", () => {
    const training = (shapeless: boolean): nn.BatchNorm => {
      const layer = new nn.BatchNorm(3);
      const forward = (x: mx.array) => layer.forward(x);
      const step = shapeless
        ? mx.compile(forward, { inputs: layer, outputs: layer, shapeless })
        : forward;
      for (const size of [8, 2, 5]) {
        const x = mx.random.normal([size, 3], mx.float32, { key: mx.random.key(size) });
        mx.eval(step(x), layer);
      }
      return layer;
    };
    const [expected, layer] = [training(false), training(true)];
    close(layer.runningMean, expected.runningMean as mx.array);
    close(layer.runningVar, expected.runningVar as mx.array);
  });

  test("stay frozen whoever unfreezes, and are saved under Python's names", () => {
    const model = new Model();
    const trainable = () => Object.keys(model.trainableParameters()["norm"]);
    for (const unfreeze of [
      () => model.unfreeze(),
      () => model.unfreeze({ keys: ["runningMean", "weight", "bias"] }),
      () => model.norm.unfreeze(),
    ]) {
      model.freeze();
      expect(trainable()).toEqual([]);
      unfreeze();
      expect(trainable()).toEqual(["weight", "bias"]);
    }
    expect(Object.keys(model.norm.parameters())).toEqual([
      "weight",
      "bias",
      "runningMean",
      "runningVar",
    ]);
    model.forward(data(0));
    const folder = mkdtempSync(join(tmpdir(), "mlx-js-norm-"));
    try {
      const file = join(folder, "model.safetensors");
      model.saveWeights(file);
      expect(Object.keys(mx.load(file)).sort()).toEqual([
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.weight",
        "output.bias",
        "output.weight",
      ]);
      const loaded = new Model().loadWeights(file);
      checkStatistics(loaded, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("need not be", () => {
    const layer = new nn.BatchNorm(3, { trackRunningStats: false, affine: false });
    expect(layer.parameters()).toEqual({});
    const inTraining = layer.forward(data(0));
    close(layer.eval().forward(data(0)), inTraining);
  });
});

test.each([[[0, 3]], [[0, 4, 3]], [[2, 0, 3]], [[0, 2, 2, 3]]])(
  "a batch of shape %j changes no statistics of BatchNorm",
  (shape) => {
    const layer = new nn.BatchNorm(3);
    const next = mx.array([
      [1, 2, 3],
      [3, 2, 5],
    ]);
    layer.forward(next);
    const before = [layer.runningMean, layer.runningVar].map((x) => x?.tolist());
    expect(layer.forward(mx.zeros(shape)).shape).toEqual(shape);
    expect([layer.runningMean, layer.runningVar].map((x) => x?.tolist())).toEqual(before);
  },
);

test("BatchNorm wants more than one value in each channel in training", () => {
  expect(() => new nn.BatchNorm(3).forward(mx.zeros([1, 3]))).toThrow(
    "more than one value in each channel",
  );
  // In evaluation one value is enough.
  expect(new nn.BatchNorm(3).eval().forward(mx.ones([1, 3])).shape).toEqual([1, 3]);
});

test("what their constructors refuse", () => {
  expect(() => new nn.GroupNorm(4, 6)).toThrow(
    new RangeError("[GroupNorm] dims: expected a multiple of the 4 groups, received 6"),
  );
  expect(() => new nn.GroupNorm(0, 6)).toThrow("[GroupNorm] numGroups");
  for (const Norm of [nn.BatchNorm, nn.InstanceNorm]) {
    expect(() => new Norm(0)).toThrow(RangeError);
    expect(() => new Norm(3, { eps: 0 })).toThrow(`[${Norm.name}] eps: expected a number above 0`);
  }
});

test("the text", () => {
  expect(String(new nn.BatchNorm(3, { momentum: 0.2 }))).toBe(
    "BatchNorm(3, eps=0.00001, momentum=0.2, affine=true, trackRunningStats=true)",
  );
  expect(String(new nn.GroupNorm(2, 4, { affine: false }))).toBe(
    "GroupNorm(2, 4, eps=0.00001, affine=false, pytorchCompatible=false)",
  );
  expect(String(new nn.InstanceNorm(3))).toBe("InstanceNorm(3, eps=0.00001, affine=false)");
});
