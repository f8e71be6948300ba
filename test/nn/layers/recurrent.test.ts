// Recurrent layers beyond the values of test/golden/nn/recurrent.json.
import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

const kinds = { RNN: nn.RNN, GRU: nn.GRU, LSTM: nn.LSTM };
type Recurrent = nn.RNN | nn.GRU | nn.LSTM;

/** What a layer shows at each step. */
function states(layer: Recurrent, x: mx.array, options = {}): mx.array {
  return [layer.forward(x, options)].flat()[0] as mx.array;
}

describe.each(Object.entries(kinds))("%s", (name, Layer) => {
  test("begins uniform within 1 / sqrt(hiddenSize)", () => {
    mx.random.seed(0);
    const parameters = utils.treeFlatten(new Layer(30, 100).parameters());
    expect(parameters.map(([key, value]) => [key, value.shape])).toEqual(
      {
        RNN: [
          ["Wxh", [100, 30]],
          ["Whh", [100, 100]],
          ["bias", [100]],
        ],
        GRU: [
          ["Wx", [300, 30]],
          ["Wh", [300, 100]],
          ["b", [300]],
          ["bhn", [100]],
        ],
        LSTM: [
          ["Wx", [400, 30]],
          ["Wh", [400, 100]],
          ["bias", [400]],
        ],
      }[name],
    );
    const bound = 1 / Math.sqrt(100);
    for (const [, value] of parameters) {
      const slack = 4 / Math.sqrt(value.size);
      const [low, high] = [value.min().item(), value.max().item()];
      expect(low).toBeGreaterThanOrEqual(-bound);
      expect(high).toBeLessThanOrEqual(bound);
      expect(high - low).toBeGreaterThan(2 * bound * (1 - 10 / value.size));
      // Mean and standard deviation of the uniform distribution, and its fourth moment.
      expect(Math.abs(value.mean().item()) / bound).toBeLessThan(slack);
      expect(value.square().mean().item() / bound ** 2).toBeCloseTo(1 / 3, slack < 0.1 ? 1 : 0);
      expect(value.power(4).mean().item() / bound ** 4).toBeCloseTo(1 / 5, slack < 0.1 ? 1 : 0);
    }
    // No parameter repeats another.
    const firsts = parameters.map(([, value]) => value.flatten().get(0).item());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  test("has no biases without", () => {
    const layer = new Layer(3, 4, { bias: false });
    expect(utils.treeFlatten(layer.parameters())).toHaveLength(2);
    expect(String(layer)).toContain("bias=false");
  });

  test("says what it is", () => {
    const more = name === "RNN" ? "nonlinearity=tanh, " : "";
    expect(String(new Layer(3, 4))).toBe(`${name}(inputDims=3, hiddenSize=4, ${more}bias=true)`);
  });

  test("goes on from the state that it stopped at", () => {
    const layer = new Layer(3, 4);
    const x = mx.random.normal([2, 7, 3]);
    const whole = [layer.forward(x)].flat();
    const first = [layer.forward(x.get(":", ":3"))].flat();
    const [hidden, cell] = first.map((y) => y.get(":", -1));
    const rest = [layer.forward(x.get(":", "3:"), { hidden, ...(cell && { cell }) })].flat();
    whole.forEach((y, i) => {
      const parts = mx.concatenate([first[i] as mx.array, rest[i] as mx.array], 1);
      expect(mx.allclose(parts, y, { atol: 1e-6 }).item()).toBe(true);
    });
  });

  test("takes one state for all sequences", () => {
    const layer = new Layer(3, 4);
    const x = mx.random.normal([2, 5, 3]);
    const hidden = mx.random.normal([4]);
    const each = states(layer, x, { hidden: mx.stack([hidden, hidden]) });
    expect(states(layer, x, { hidden })).toEqual(each);
    expect(states(layer, x, { hidden: hidden.reshape([1, 4]) })).toEqual(each);
    expect(states(layer, x, { hidden: null })).toEqual(states(layer, x));
  });

  test("refuses other sizes", () => {
    const layer = new Layer(3, 4);
    const refuses = (
      x: unknown,
      options: unknown,
      text: string,
      type: new () => Error = RangeError,
    ) => {
      const call = () => layer.forward(x as mx.array, options as object);
      expect(call).toThrow(type);
      expect(call).toThrow(text);
    };
    const x = mx.zeros([2, 5, 3]);
    refuses(
      mx.zeros([2, 0, 3]),
      {},
      `[${name}.forward] x: expected at least one step, received [ 2, 0, 3 ]`,
    );
    for (const shape of [[2, 5], [3, 4], [1, 2, 4], [2, 1], []]) {
      refuses(
        x,
        { hidden: mx.zeros(shape) },
        `[${name}.forward] hidden: expected the shape (2, 4)`,
      );
    }
    refuses(x, { hidden: [0, 0, 0, 0] }, `[${name}.forward] hidden: expected an array`, TypeError);
    refuses(x, { state: x }, `[${name}.forward] options: expected hidden`, TypeError);
    if (name === "LSTM") {
      refuses(x, { cell: mx.zeros([2, 5]) }, "[LSTM.forward] cell: expected the shape (2, 4)");
    } else {
      refuses(
        x,
        { cell: mx.zeros([2, 4]) },
        `[${name}.forward] options: expected hidden`,
        TypeError,
      );
    }
    expect(() => new Layer(0, 4)).toThrow(`[${name}] inputSize: expected a positive integer`);
    expect(() => new Layer(3, 1.5)).toThrow(`[${name}] hiddenSize: expected an integer`);
    expect(() => new Layer(3, 4, { bias: 1 as never })).toThrow(
      `[${name}] bias: expected a boolean`,
    );
    expect(() => new Layer(3, 4, { biases: true } as never)).toThrow(
      `[${name}] options: expected bias`,
    );
  });

  test("computes the same in tidy, compiled, mapped and checkpointed", () => {
    const layer = new Layer(3, 4);
    const x = mx.random.normal([2, 5, 3]);
    const forward = (y: mx.array) => states(layer, y);
    const plain = forward(x);
    const close = (y: mx.array) => expect(mx.allclose(y, plain, { atol: 1e-6 }).item()).toBe(true);
    close(mx.tidy(() => forward(x)));
    close(mx.compile(forward)(x));
    close(mx.vmap(forward)(x));
    close(nn.checkpoint(layer, forward)(x));
  });
});

test("RNN takes a layer, with its parameters, as its nonlinearity", () => {
  const layer = new nn.RNN(3, 4, { nonlinearity: new nn.PReLU() });
  expect(Object.keys(layer.parameters())).toContain("nonlinearity");
  expect(String(layer)).toContain("nonlinearity=PReLU");
  layer.update({ nonlinearity: { weight: mx.array([0]) } });
  const plain = new nn.RNN(3, 4, { nonlinearity: nn.relu });
  plain.update({ Wxh: layer.Wxh, Whh: layer.Whh, bias: layer.bias });
  const x = mx.random.normal([5, 3]);
  expect(layer.forward(x)).toEqual(plain.forward(x));
  expect(() => new nn.RNN(3, 4, { nonlinearity: "tanh" as never })).toThrow(
    "[RNN] nonlinearity: expected a layer or a function",
  );
});
