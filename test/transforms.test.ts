import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "./support/live.js";

describe("grad", () => {
  test("of a product with respect to each argument", () => {
    const f = (x: mx.array, y: mx.array) => mx.sum(mx.multiply(mx.multiply(x, x), y));
    const [x, y] = [mx.array([1, 2]), mx.array([3, 5])];
    expect(mx.grad(f)(x, y).tolist()).toEqual([6, 20]);
    expect(mx.grad(f, 1)(x, y).tolist()).toEqual([1, 4]);
    expect(mx.grad(f, -1)(x, y).tolist()).toEqual([1, 4]);
    const both = mx.grad(f, [1, 0])(x, y);
    expect(both.map((g) => g.tolist())).toEqual([
      [1, 4],
      [6, 20],
    ]);
  });

  test("over trees", () => {
    const params = { w: mx.array([2, 3]), layers: [{ b: mx.array(1) }] };
    const f = mx.valueAndGrad((p: typeof params, x: mx.array) =>
      mx.sum(mx.add(mx.multiply(p.w, x), (p.layers[0] as { b: mx.array }).b)),
    );
    const [value, grads] = f(params, mx.array([5, 7]));
    expect(value.item()).toBe(2 * 5 + 3 * 7 + 2);
    expect(grads.w.tolist()).toEqual([5, 7]);
    expect(grads.layers[0]?.b.item()).toBe(2);
  });

  test("the rest of a list is passed on", () => {
    const f = mx.valueAndGrad((x: mx.array) => {
      const y = mx.multiply(x, 3);
      return [mx.sum(mx.square(x)), { y, text: "kept" }] as const;
    });
    const [[value, aux], grad] = f(mx.array([1, 2]));
    expect(value.item()).toBe(5);
    expect(aux.y.tolist()).toEqual([3, 6]);
    expect(aux.text).toBe("kept");
    expect(grad.tolist()).toEqual([2, 4]);
  });

  test("second derivatives", () => {
    const f = (x: mx.array) => mx.power(x, 3);
    expect(
      mx
        .grad((x: mx.array) => mx.grad(f)(x))(mx.array(2))
        .item(),
    ).toBe(12);
  });

  test("inside tidy", () => {
    const before = live();
    const x = mx.array([1, 2]);
    const g = mx.tidy(() => mx.grad((a: mx.array) => mx.sum(mx.exp(a)))(x));
    expect(live()).toBe(before + 2);
    expect(g.get(0).item()).toBeCloseTo(Math.E, 5);
  });

  test("an array that occurs twice", () => {
    const x = mx.array(3);
    const g = mx.grad(([a, b]: [mx.array, mx.array]) => mx.multiply(mx.square(a), b))([x, x]);
    expect(g.map((a) => a.item())).toEqual([18, 9]);
  });
});
