import { mx, nn, optim } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "../support/live.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

describe("clipGradNorm", () => {
  test("leaves small gradients as they are", () => {
    const [clipped, norm] = optim.clipGradNorm({ a: mx.array([3, -4]), b: [mx.array(12)] }, 13.5);
    expect(norm.item()).toBe(13);
    expect(clipped.a.tolist()).toEqual([3, -4]);
    expect(clipped.b[0]?.item()).toBe(12);
    const [same] = optim.clipGradNorm({ a: mx.array([3, -4]) }, Number.POSITIVE_INFINITY);
    expect(same.a.tolist()).toEqual([3, -4]);
  });

  test("scales large ones, all by one factor", () => {
    const [clipped, norm] = optim.clipGradNorm([mx.array([3, -4]), mx.array([0])], 0.5);
    expect(norm.item()).toBe(5);
    const [x, y] = (clipped[0] as mx.array).tolist<[number, number]>();
    expect(x).toBeCloseTo(0.3, 6);
    expect(y).toBeCloseTo(-0.4, 6);
    expect(clipped[1]?.tolist()).toEqual([0]);
  });

  test("keeps dtypes and does not overflow in float16", () => {
    const grads = { a: mx.array([300, 400], mx.float16), b: mx.array([0], mx.bfloat16) };
    const [clipped, norm] = optim.clipGradNorm(grads, 1);
    expect(norm.item()).toBe(500);
    expect(norm.dtype).toBe(mx.float32);
    expect([clipped.a.dtype, clipped.b.dtype]).toEqual([mx.float16, mx.bfloat16]);
    expect(clipped.a.tolist<number[]>()[1]).toBeCloseTo(0.8, 3);
  });

  test("a single array, no arrays, the bound 0", () => {
    expect(optim.clipGradNorm(mx.array([0, 2]), 4)[1].item()).toBe(2);
    expect(() => optim.clipGradNorm(new nn.Linear(2, 1), 1)).toThrow(
      "[clipGradNorm] grads: expected gradients, which nn.valueAndGrad gives, received a module",
    );
    const [empty, norm] = optim.clipGradNorm({}, 1);
    expect(empty).toEqual({});
    expect(norm.item()).toBe(0);
    expect(optim.clipGradNorm([mx.array([5])], 0)[0][0]?.tolist()).toEqual([0]);
  });

  test("leaves only its results behind", () => {
    const grads = { a: mx.array([3, -4]), b: mx.array([1]) };
    const before = live();
    const out = optim.clipGradNorm(grads, 1);
    expect(live()).toBeLessThanOrEqual(before + 3);
    expect(out[1].disposed).toBe(false);
    let inside: typeof out | undefined;
    mx.tidy(() => {
      inside = optim.clipGradNorm(grads, 1);
    });
    expect(inside?.[1].disposed).toBe(true);
  });

  test("wrong arguments", () => {
    expect(() => optim.clipGradNorm({}, -1)).toThrow(RangeError);
    expect(() => optim.clipGradNorm({}, -1)).toThrow(
      "[clipGradNorm] maxNorm: expected a number of at least 0, received -1",
    );
    expect(() => optim.clipGradNorm({}, Number.NaN)).toThrow(RangeError);
    expect(() => optim.clipGradNorm({}, any("1"))).toThrow(TypeError);
    expect(() => optim.clipGradNorm({ a: [mx.array(1), 5] }, 1)).toThrow(
      "[clipGradNorm] grads.a.1: expected an array, received 5",
    );
    expect(() => optim.clipGradNorm(null, 1)).toThrow("[clipGradNorm] grads: expected an array");
  });
});
