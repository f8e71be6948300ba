// Derivatives of every function, by each other and by differences.
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { callsOf, families } from "./support/golden.js";

const onCpu = mx.defaultDevice().type === mx.cpu;

function inexact(x: mx.array): boolean {
  return mx.issubdtype(x.dtype, mx.inexact);
}

// Directions that are the same every time.
function direction(x: mx.array, phase: number): mx.array {
  const wave = (shift: number) =>
    mx.sin(mx.add(mx.multiply(mx.arange(0, x.size, 1, mx.float32), 1.7), shift)).reshape(x.shape);
  if (!inexact(x)) {
    return mx.zerosLike(x);
  }
  return x.dtype === mx.complex64
    ? mx.add(wave(phase), mx.multiply(wave(phase + 1), { re: 0, im: 1 }))
    : wave(phase).astype(x.dtype);
}

// The real scalar product.
function dot(xs: readonly mx.array[], ys: readonly mx.array[]): number {
  const parts = xs.map((x, i) => {
    const product = mx.multiply(mx.conjugate(x), ys[i] as mx.array);
    const real = x.dtype === mx.complex64 ? mx.real(product) : product.astype(mx.float64);
    return inexact(x) ? mx.sum(real).item() : 0;
  });
  return parts.reduce((a, b) => a + b, 0);
}

function expectNear(actual: number, expected: number, tolerance: number, what: string): void {
  if (Number.isFinite(actual) && Number.isFinite(expected)) {
    const distance = Math.abs(actual - expected) / (1 + Math.abs(expected));
    expect(distance, `${what}: ${actual}, ${expected}`).toBeLessThan(tolerance);
  }
}

// What has steps or no one derivative everywhere, and what the differences
// therefore do not show.
const stepped = new Set([
  ...["round", "sign", "stopGradient", "floor", "ceil", "trunc", "divmod", "floorDivide"],
  ...["quantize", "median", "atan2", "std", "sort", "where"],
]);
// What chooses among equal elements in another way forwards than backwards.
const choosing = new Set(["linalg.norm", "minmax", "max", "min", "power"]);

describe.runIf(onCpu).each(families)("%s", (family) => {
  test("forwards, backwards and by differences", () => {
    for (const { title, name, call, arrays } of callsOf(family)) {
      if (!arrays.some(inexact)) {
        continue;
      }
      mx.tidy(() => {
        let xs = arrays;
        let outputs: mx.array[];
        // In double precision where there is one.
        try {
          const wide = arrays.map((x) => (x.dtype === mx.float32 ? x.astype(mx.float64) : x));
          outputs = call(...wide);
          mx.eval(
            outputs,
            mx.vjp(
              call,
              wide,
              outputs.map((y) => direction(y, 1)),
            )[1],
          );
          xs = wide;
        } catch {
          outputs = call(...xs);
        }
        if (!outputs.some(inexact)) {
          return;
        }
        const wide = outputs.some((y) => y.dtype === mx.float64);
        const half = [...xs, ...outputs].some((x) => inexact(x) && x.dtype.size === 2);
        const tolerance = wide ? 1e-3 : 1e-2;
        const along = xs.map((x) => direction(x, 0));
        const cotangents = outputs.map((y) => direction(y, 1));
        const attempt = (run: () => mx.array[]) => {
          try {
            const out = run();
            mx.eval(out);
            return out;
          } catch {
            return undefined; // not every function has both
          }
        };
        const forwards = attempt(() => mx.jvp(call, xs, along)[1]);
        const backwards = attempt(() => mx.vjp(call, xs, cotangents)[1]);
        const type = (x: mx.array) => `${x.dtype.name}[${x.shape}]`;
        if (forwards) {
          expect(forwards.map(type), `jvp of ${title}`).toEqual(outputs.map(type));
        }
        if (backwards) {
          expect(backwards.map(type), `vjp of ${title}`).toEqual(xs.map(type));
        }
        const down = forwards && dot(forwards, cotangents);
        const up = backwards && dot(along, backwards);
        if (down !== undefined && up !== undefined && !half && !choosing.has(name)) {
          expectNear(down, up, tolerance, `jvp and vjp of ${title}`);
        }
        const derivative = up ?? down;
        if (derivative === undefined || half || stepped.has(name)) {
          return;
        }
        const step = wide ? 1e-3 : 1e-2;
        const moved = (by: number) =>
          attempt(() =>
            call(
              ...xs.map((x, i) =>
                inexact(x) ? mx.add(x, mx.multiply(along[i] as mx.array, by)) : x,
              ),
            ),
          );
        const [after, before] = [moved(step), moved(-step)];
        if (after && before) {
          const difference = (dot(after, cotangents) - dot(before, cotangents)) / (2 * step);
          expectNear(derivative, difference, wide ? 2e-2 : 6e-2, `differences of ${title}`);
        }
      });
    }
  });
});

describe("derivatives that MLX has wrong", () => {
  const x = mx.array([1, -2, 3]);

  test("an output that is there twice", () => {
    const twice = (a: mx.array) => {
      const y = mx.square(a);
      return [y, y];
    };
    const [, [gradient]] = mx.vjp(twice, [x], [mx.ones([3]), mx.array([0, 10, 0])]);
    expect(gradient.tolist()).toEqual([2, -44, 6]);
    const same = mx.vjp((a) => [a, a], [x], [x, mx.ones([3])])[1][0];
    expect(same.tolist()).toEqual([2, -1, 4]);
  });

  test("the value that fills or pads", () => {
    const fill = (a: mx.array) => mx.sum(mx.square(mx.full([2, 3], a)));
    expect(mx.grad(fill)(x).tolist()).toEqual([4, -8, 12]);
    const like = (a: mx.array) => mx.sum(mx.square(mx.fullLike(mx.zeros([2, 3]), a)));
    expect(mx.grad(like)(mx.array(5)).item()).toBe(60);
    const pad = (a: mx.array, value: mx.array) =>
      mx.multiply(mx.pad(a, [2, 1], { constantValues: value }), mx.arange(6));
    const [, [da, dvalue]] = mx.vjp(pad, [x, mx.array(7)], [mx.ones([6])]);
    expect([da.tolist(), dvalue.item()]).toEqual([[2, 3, 4], 6]);
    expect(mx.jvp(pad, [x, mx.array(7)], [x, mx.array(10)])[1][0]?.tolist()).toEqual([
      ...[0, 10, 2, -6, 12, 50],
    ]);
    const values = mx.vmap((value: mx.array) => mx.pad(x, 1, { constantValues: value }));
    expect(values(mx.array([4, 5])).tolist()).toEqual([
      [4, 1, -2, 3, 4],
      [5, 1, -2, 3, 5],
    ]);
    expect(() => mx.pad(x, 1, { constantValues: x })).toThrow(
      new TypeError("[pad] constantValues: expected a scalar, received an array of the shape (3)"),
    );
  });

  test("addmm's factors, forwards", () => {
    const [c, a, b] = [mx.array([[1]]), mx.array([[2]]), mx.array([[3]])];
    const f = (z: mx.array, u: mx.array, v: mx.array) =>
      mx.addmm(z, u, v, { alpha: 10, beta: 100 });
    const one = mx.ones([1, 1]);
    const zero = mx.zeros([1, 1]);
    expect(mx.jvp(f, [c, a, b], [one, zero, zero])[1][0]?.item()).toBe(100);
    expect(mx.jvp(f, [c, a, b], [one, one, zero])[1][0]?.item()).toBe(130);
    expect(mx.jvp(f, [c, a, b], [one, one, one])[1][0]?.item()).toBe(150);
  });

  test.runIf(onCpu)("convolutions of dilated inputs, as of inputs with zeros in between", () => {
    const [w, x] = [mx.array([[[1], [-2], [4]]]), mx.array([[[3], [5], [-1], [2]]])];
    const sizes = [-1, 0, 1, 4];
    for (const inputDilation of [2, 3]) {
      for (const stride of [1, 2, 3]) {
        for (const low of sizes) {
          for (const high of sizes) {
            const direct = (a: mx.array, b: mx.array) =>
              mx.convGeneral(a, b, { stride, inputDilation, padding: [[low], [high]] });
            const spread = (a: mx.array, b: mx.array) => {
              const zeros = mx.zeros([1, 4, inputDilation - 1]);
              const rows = mx.concatenate([a, zeros], 2).reshape([1, -1, 1]);
              const length = 3 * inputDilation + 1;
              const cut = rows.get(":", `${Math.max(-low, 0)}:${length - Math.max(-high, 0)}`);
              const around = [Math.max(low, 0), Math.max(high, 0)] as const;
              return mx.convGeneral(mx.pad(cut, [[0, 0], around, [0, 0]]), b, { stride });
            };
            const expected = spread(x, w);
            const cotangent = mx.arange(1, expected.size + 1).reshape(expected.shape);
            const where = JSON.stringify({ inputDilation, stride, low, high });
            expect(direct(x, w).tolist(), where).toEqual(expected.tolist());
            const gradients = (f: typeof direct) =>
              mx.vjp(f, [x, w], [cotangent])[1].map((g) => g.tolist());
            expect(gradients(direct), where).toEqual(gradients(spread));
          }
        }
      }
    }
  });

  test.runIf(onCpu)("transposed convolutions, as the gradients of convolutions", () => {
    const y = mx.array([[[3], [5], [-1], [2]]]);
    const w = mx.array([[[1], [-2], [4]]]);
    for (const [stride, padding, outputPadding] of [
      [2, 0, 1],
      [2, 3, 1],
      [3, 4, 0],
      [3, 1, 2],
      [1, 2, 0],
    ] as const) {
      const options = { stride, padding, outputPadding };
      const transposed = (a: mx.array, b: mx.array) => mx.convTranspose1d(a, b, options);
      const length = 3 * stride - 2 * padding + 3 + outputPadding;
      const conv = (a: mx.array) => mx.conv1d(a, w, { stride, padding });
      const where = JSON.stringify(options);
      const expected = mx.vjp(conv, [mx.zeros([1, length, 1])], [y])[1][0];
      expect(transposed(y, w).tolist(), where).toEqual(expected.tolist());
      const [, [dy, dw]] = mx.vjp(transposed, [y, w], [expected]);
      expect(dy.tolist(), where).toEqual(conv(expected).tolist());
      const loss = (b: mx.array) =>
        mx.sum(mx.multiply(mx.conv1d(expected, b, { stride, padding }), y));
      expect(dw.tolist(), where).toEqual(mx.grad(loss)(w).tolist());
    }
  });

  test("irfft of an odd size, forwards", () => {
    const spectrum = mx.fft.rfft(
      mx.array([
        [1, 5, 2, -3, 4],
        [0, 2, 1, 7, -1],
      ]),
    );
    const f = (a: mx.array) => mx.fft.irfft(a, 5);
    const g = (a: mx.array) => mx.fft.irfftn(a, [2, 5], [0, 1]);
    for (const h of [f, g]) {
      const [outputs, [jvp]] = mx.jvp(h, [spectrum], [spectrum]);
      expect(mx.allclose(jvp as mx.array, outputs[0] as mx.array, { atol: 1e-5 }).item()).toBe(
        true,
      );
    }
  });
});

describe("of arrays without elements", () => {
  const rows = mx.array([0, 1], mx.int32);
  test.each<[name: string, f: (x: mx.array) => mx.array, shape: number[]]>([
    ["take", (x) => mx.take(x, rows, 1), [0, 3, 2]],
    ["take of rows", (x) => mx.take(x, rows, 0), [3, 0]],
    ["take in vmap", (x) => mx.vmap((y) => mx.take(y, rows))(x), [0, 3]],
    ["get in vmap", (x) => mx.vmap((y) => y.get([0, 1], [0, 0]))(x), [0, 3, 2]],
    ["at in vmap", (x) => mx.vmap((y) => y.at([0, 1]).add(1))(x), [0, 3]],
    ["asStrided", (x) => mx.asStrided(x, [0, 2], { strides: [1, 1] }), [0]],
    [
      "a function for all shapes",
      mx.compile((x) => mx.take(x, rows, 0), { shapeless: true }),
      [3, 0],
    ],
  ])("%s", (_, f, shape) => {
    const gradient = mx.grad((x: mx.array) => mx.sum(f(x)))(mx.zeros(shape));
    expect(gradient.tolist()).toEqual(mx.zeros(shape).tolist());
  });
});
