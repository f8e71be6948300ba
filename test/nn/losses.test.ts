import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { losses } = nn;

describe("losses", () => {
  const logits = mx.array([
    [2, -1, 0],
    [1, 3, -2],
  ]);
  const classes = mx.array([0, 1], mx.int32);

  test("the gradient of the cross entropy is the softmax less the target", () => {
    const loss = (x: mx.array) => losses.crossEntropy(x, classes, { reduction: "sum" });
    const oneHot = mx.array([
      [1, 0, 0],
      [0, 1, 0],
    ]);
    const expected = mx.subtract(mx.softmax(logits, -1), oneHot);
    expect(mx.allclose(mx.grad(loss)(logits), expected).item()).toBe(true);
  });

  test("the cross entropy keeps what is small beside large logits", () => {
    const loss = losses.crossEntropy(mx.array([[1e8, 1e8 - 8]]), mx.array([1], mx.int32));
    expect(loss.item()).toBeCloseTo(8.000335, 5);
  });

  test("say which shapes fit", () => {
    expect(() => losses.crossEntropy(logits, mx.zeros([3]))).toThrow(
      new TypeError(
        "[losses.crossEntropy] targets: expected an array of shape [2] or [2, 3], " +
          "received one of shape [3]",
      ),
    );
    expect(() => losses.crossEntropy(logits, classes, { weights: mx.ones([1]) })).toThrow(
      "[losses.crossEntropy] weights: expected an array of shape [2], received one of shape [1]",
    );
    expect(() => losses.mseLoss(logits, classes)).toThrow(TypeError);
    expect(() => losses.nllLoss(logits, mx.array([0], mx.int32))).toThrow(TypeError);
  });

  test("say that classes are integers", () => {
    expect(() => losses.crossEntropy(logits, mx.array([0, 1]))).toThrow(
      new TypeError(
        "[losses.crossEntropy] targets: expected classes of an integer dtype such as mx.int32, " +
          "received float32",
      ),
    );
  });

  test("say what is wrong with an argument", () => {
    expect(() => losses.mseLoss(any([1]), logits)).toThrow(
      "[losses.mseLoss] predictions: expected an array, received [ 1 ]",
    );
    expect(() => losses.l1Loss(logits, logits, any({ reduction: "avg" }))).toThrow(
      new TypeError('[losses.l1Loss] reduction: expected "none", "mean" or "sum", received "avg"'),
    );
    expect(() => losses.crossEntropy(logits, classes, any({ smoothing: 1 }))).toThrow(TypeError);
    expect(() => losses.crossEntropy(logits, classes, { labelSmoothing: 1 })).toThrow(RangeError);
    expect(() => losses.crossEntropy(logits, classes, { labelSmoothing: Number.NaN })).toThrow(
      RangeError,
    );
    expect(() => losses.crossEntropy(logits, classes, { axis: 2 })).toThrow(RangeError);
    expect(() => losses.klDivLoss(logits, logits, any({ axis: "0" }))).toThrow(TypeError);
  });

  test("a wrong reduction computes nothing", () => {
    for (const [name, loss] of Object.entries(losses)) {
      expect(() => any(loss)(logits, logits, any({ reduction: "avg" })), name).toThrow(TypeError);
    }
  });
});
