import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn } from "mlx-js";
import { describe, expect, test } from "vitest";
import { live } from "./support/live.js";
import { runScript } from "./support/process.js";

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

  test("wants positions, a scalar and arrays", () => {
    const sum = (x: mx.array) => mx.sum(x);
    expect(() => mx.grad(sum, [] as const)).toThrow(
      new TypeError("[grad] argnums: expected at least one position, received []"),
    );
    expect(() => mx.valueAndGrad(sum, 0.5 as 0)).toThrow(
      new TypeError(
        "[valueAndGrad] argnums: expected an integer or a list of integers, received 0.5",
      ),
    );
    expect(() => mx.grad(sum, [0, 0])).toThrow(
      new RangeError("[grad] argnums: expected each position once, received [ 0, 0 ]"),
    );
    expect(() =>
      mx.grad((x: mx.array, y: mx.array) => mx.add(x, y), [1, -1])(mx.array(1), mx.array(2)),
    ).toThrow(new RangeError("[grad] argnums: expected each position once, received [ 1, -1 ]"));
    expect(() => mx.grad((x: mx.array) => [mx.sum(x), x] as never)(mx.array([1]))).toThrow(
      /^\[grad\] fun's result: expected an array, received \[/,
    );
    expect(() =>
      mx.grad((x: mx.array): unknown => Promise.resolve(mx.sum(x)))(mx.array([1])),
    ).toThrow("an asynchronous function cannot be differentiated");
  });

  test("an array that occurs twice", () => {
    const x = mx.array(3);
    const g = mx.grad(([a, b]: [mx.array, mx.array]) => mx.multiply(mx.square(a), b))([x, x]);
    expect(g.map((a) => a.item())).toEqual([18, 9]);
  });
});

describe("jvp and vjp", () => {
  test("have the types of what they take", () => {
    const f = (x: mx.array, y: mx.array) => [mx.multiply(x, y), mx.sum(y)];
    const [x, y] = [mx.array([2, 3]), mx.array([5, 7])];
    const [outputs, vjps] = mx.vjp(f, [x, y], [mx.array([1, 10]), mx.array(100)]);
    expect(outputs.map((a) => a.tolist())).toEqual([[10, 21], 12]);
    const [dx, dy]: [mx.array, mx.array] = vjps;
    expect([dx.tolist(), dy.tolist()]).toEqual([
      [5, 70],
      [102, 130],
    ]);
    const [, [product, sum]] = mx.jvp(f, [x, y], [mx.array([1, 0]), mx.array([0, 1])]);
    expect([product?.tolist(), sum?.tolist()]).toEqual([[5, 3], 1]);
  });

  test("of many arrays", () => {
    const xs = Array.from({ length: 150 }, (_, i) => mx.array(i));
    const sum = (...all: mx.array[]) => all.reduce((a, b) => mx.add(a, b));
    expect(mx.jvp(sum, xs, xs)[1][0]?.item()).toBe((149 * 150) / 2);
    expect(mx.vjp(sum, xs, [mx.array(2)])[1].map((x) => x.item())).toEqual(xs.map(() => 2));
  });

  test("want lists of arrays", () => {
    const x = mx.array([1, 2]);
    expect(() => mx.jvp((a) => a, x as never, [x])).toThrow(/^\[jvp\] primals: expected a list of/);
    expect(() => mx.vjp((a) => a, [x], [1] as never)).toThrow(
      /^\[vjp\] cotangents\[0\]: expected an array/,
    );
    expect(() => mx.vjp((() => ({ x })) as never, [x], [x])).toThrow(
      /^\[vjp\] fun's result: expected an array or a list of arrays/,
    );
    expect(() => mx.jvp(3 as never, [x], [x])).toThrow(
      new TypeError("[jvp] fun: expected a function, received 3"),
    );
    expect(() => mx.jvp((async (a: mx.array) => a) as never, [x], [x])).toThrow("asynchronous");
  });
});

describe("lists and records of arguments", () => {
  const [a, b, c] = [mx.array(1), mx.array(2), mx.array(7)];

  test("are the caller's own in grad: what the function assigns stays, as in Python", () => {
    const list = [a, b];
    const gradient = mx.grad((xs: mx.array[]) => {
      expect(xs).toBe(list);
      expect(xs[0] === a).toBe(false);
      xs[1] = c;
      return mx.multiply(xs[0] as mx.array, 3);
    })(list);
    expect(list[0]).toBe(a);
    expect(list[1]).toBe(c);
    expect(gradient.map((x) => x.item())).toEqual([3, 0]);
    const record: Record<string, mx.array | mx.array[]> = { x: a, inner: [b] };
    const failure = new Error("no");
    const fails = (r: Record<string, unknown>) => {
      (r["inner"] as unknown[])[0] = c;
      throw failure;
    };
    expect(() => mx.valueAndGrad(fails)(record)).toThrow(failure);
    expect(record["x"]).toBe(a);
    expect((record["inner"] as mx.array[])[0]).toBe(c);
    const derived = [a, b];
    mx.grad((xs: mx.array[]) => {
      xs[1] = mx.add(xs[0] as mx.array, 10);
      return xs[0] as mx.array;
    })(derived);
    expect(derived.map((x) => x.item())).toEqual([1, 11]);
  });

  test("that are frozen, shared or empty", () => {
    const frozen = Object.freeze({ x: a, y: Object.freeze([b, c]) });
    const f = (r: typeof frozen) =>
      mx.multiply(r.x, mx.multiply(r.y[0] as mx.array, r.y[1] as mx.array));
    const { x, y } = mx.grad(f)(frozen);
    expect([x.item(), ...y.map((z) => z.item())]).toEqual([14, 7, 2]);
    expect(frozen.x).toBe(a);
    const shared = [a];
    mx.grad((r: mx.array[][]) => mx.add(r[0]?.[0] as mx.array, r[1]?.[0] as mx.array))([
      shared,
      shared,
    ]);
    expect(shared[0]).toBe(a);
    const cyclic: unknown[] = [a];
    cyclic.push(cyclic);
    expect(() => mx.grad((r: unknown[]) => r[0] as mx.array)(cyclic)).toThrow("contains itself");
  });

  test("are copies in vmap and checkpoint", () => {
    const list = [mx.array([1, 2]), mx.array([3, 4])];
    const [first, second] = list;
    const f = (xs: mx.array[]) => {
      xs[1] = c;
      return mx.multiply(xs[0] as mx.array, 2);
    };
    expect(mx.vmap(f)(list).tolist()).toEqual([2, 4]);
    expect(mx.checkpoint(f)(list).tolist()).toEqual([2, 4]);
    expect(list[0]).toBe(first);
    expect(list[1]).toBe(second);
  });
});

describe("tangents and cotangents", () => {
  const x = mx.array([1, 4, 9]);
  const narrow = [mx.bool, mx.uint8, mx.int32, mx.int64, mx.float16, mx.bfloat16];
  const dtypes = mx.defaultDevice().type === mx.cpu ? [...narrow, mx.float64] : narrow;
  const along = (dtype: mx.Dtype) => mx.array([1, 0, 1]).astype(dtype);
  const functions: Record<string, (a: mx.array) => mx.array> = {
    negative: (a) => mx.negative(a),
    subtract: (a) => mx.subtract(a, mx.multiply(a, 3)),
    diff: (a) => mx.diff(a),
    median: (a) => mx.median(a),
    takeAlongAxis: (a) => mx.takeAlongAxis(a, mx.array([2, 0], mx.int32), 0),
    putAlongAxis: (a) => mx.putAlongAxis(mx.zeros([4]), mx.array([3, 0, 1], mx.int32), a, 0),
    set: (a) => {
      const out = mx.zeros([5]);
      out.set(["1:4"], a);
      return out;
    },
    half: (a) => a.astype(mx.float16).square(),
    inVmap: (a) => mx.vmap((b: mx.array) => mx.subtract(1, b))(a),
    checkpoint: (a) => mx.checkpoint((b: mx.array) => mx.subtract(1, b))(a),
  };

  test.each(Object.entries(functions))("of %s are cast to what they belong to", (_, f) => {
    const jvp = mx.jvp(f, [x], [along(mx.float32)])[1][0] as mx.array;
    const out = f(x);
    const cotangent = mx.arange(out.size).reshape(out.shape);
    const vjp = mx.vjp(f, [x], [cotangent.astype(out.dtype)])[1][0];
    expect([jvp.dtype, vjp.dtype]).toEqual([out.dtype, x.dtype]);
    for (const dtype of dtypes) {
      const other = mx.jvp(f, [x], [along(dtype)])[1][0] as mx.array;
      expect([other.dtype.name, other.tolist()], dtype.name).toEqual([
        jvp.dtype.name,
        jvp.tolist(),
      ]);
      if (dtype !== mx.bool) {
        const back = mx.vjp(f, [x], [cotangent.astype(dtype)])[1][0];
        expect([back.dtype.name, back.tolist()], dtype.name).toEqual([
          vjp.dtype.name,
          vjp.tolist(),
        ]);
      }
      const mapped = mx.vmap((a: mx.array, t: mx.array) => mx.jvp(f, [a], [t])[1][0]);
      const rows = (a: mx.array) => mx.stack([a, a]);
      const both = mapped(rows(x), rows(along(dtype))) as mx.array;
      expect(both.get(1).tolist(), dtype.name).toEqual(jvp.tolist());
    }
    const compiled = mx.compile((t: mx.array) => mx.jvp(f, [x], [t])[1][0] as mx.array);
    expect(compiled(along(mx.uint8)).tolist()).toEqual(jvp.tolist());
  });

  test("that do not fit are refused", () => {
    const f = (a: mx.array) => mx.square(a);
    const jvp = (primal: mx.array, ...tangents: mx.array[]) => mx.jvp(f, [primal], tangents);
    const vjp = (...cotangents: mx.array[]) => mx.vjp(f, [x], cotangents);
    const complex = mx.array([{ re: 0, im: 1 }, 2, 3]);
    expect(() => jvp(x, complex)).toThrow(
      new TypeError("[jvp] tangents[0]: expected float32 as its primal has, received complex64"),
    );
    expect(() => jvp(x.astype(mx.int32), mx.array([0.5, 1, 1]))).toThrow(
      new TypeError("[jvp] tangents[0]: expected int32 as its primal has, received float32"),
    );
    expect(() => jvp(x, mx.ones([1]))).toThrow(
      new TypeError(
        "[jvp] tangents[0]: expected the shape (3) as its primal has, received the shape (1)",
      ),
    );
    expect(() => jvp(x)).toThrow(
      new TypeError("[jvp] tangents: expected a list of 1, received one of 0"),
    );
    expect(() => vjp(complex)).toThrow(
      new TypeError("[vjp] cotangents[0]: expected float32 as its output has, received complex64"),
    );
    expect(() => vjp(mx.ones([3, 1]))).toThrow(
      new TypeError(
        "[vjp] cotangents[0]: expected the shape (3) as its output has, received the shape (3,1)",
      ),
    );
    expect(() => vjp()).toThrow(
      new TypeError("[vjp] cotangents: expected a list of 1, received one of 0"),
    );
    expect(() => mx.grad(f)(x)).toThrow(
      new TypeError(
        "[grad] fun's result: expected a scalar array, received float32 array of shape [3]",
      ),
    );
  });

  test("that custom rules give are cast, or refused", () => {
    const indices = mx.array([2, 0], mx.int32);
    for (const dtype of dtypes) {
      const value = (shape: number[]) => mx.ones(shape, dtype);
      const f = mx
        .customFunction((a: mx.array) => mx.takeAlongAxis(a, indices, 0))
        .vjp(() => value([3]))
        .jvp(() => value([2]))
        .vmap((_, axis) => [value([4, 2]), axis === null ? null : 0]);
      const grad = mx.grad((a: mx.array) => mx.sum(f(mx.square(a))))(x);
      expect([grad.dtype.name, grad.tolist()], dtype.name).toEqual(["float32", [2, 8, 18]]);
      const g = (a: mx.array) => mx.putAlongAxis(mx.zeros([3]), indices, f(a), 0);
      const jvp = mx.jvp(g, [x], [x])[1][0] as mx.array;
      expect([jvp.dtype.name, jvp.tolist()], dtype.name).toEqual(["float32", [1, 0, 1]]);
      const mapped = mx.vmap(g)(mx.stack([x, x, x, x]));
      expect(mapped.tolist(), dtype.name).toEqual(Array(4).fill([1, 0, 1]));
    }
    const complex = mx.array([{ re: 0, im: 1 }, 2, 3]);
    const f = mx.customFunction((a: mx.array) => mx.sin(a)).vjp(() => complex);
    expect(() => mx.grad((a: mx.array) => mx.sum(f(a)))(x)).toThrow(
      "[customFunction] vjp's result: expected an array of the dtype float32",
    );
    const wide = mx.customFunction((a: mx.array) => mx.sin(a)).vmap(() => [mx.ones([5]), 0]);
    expect(() => mx.vmap(wide)(x)).toThrow(
      "vmap's result: expected an output of the shape [3] with its axis, received float32 array of shape [5]",
    );
    const same = mx.customFunction((a: mx.array) => mx.sum(a)).vmap(() => [mx.array(7), null]);
    expect(
      mx
        .vmap(same)(mx.ones([2, 3]))
        .tolist(),
    ).toEqual([7, 7]);
  });
});

describe("vmap", () => {
  const x = mx.array([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  test("keeps the type of its function", () => {
    const f = mx.vmap((p: { w: mx.array }, y: mx.array) => ({ z: mx.add(p.w, y) }), {
      inAxes: [{ w: 1 }, null],
    });
    const out: { z: mx.array } = f({ w: x }, mx.array([10, 20]));
    expect(out.z.tolist()).toEqual([
      [11, 24],
      [12, 25],
      [13, 26],
    ]);
  });

  test("of divmod, whose own rule lacks an axis", () => {
    const [a, b] = [
      mx.array([
        [7.5, -7],
        [9, 4],
        [-1, 3],
      ]),
      mx.array([2, -3]),
    ];
    const check = (f: (c: mx.array, d: mx.array) => mx.array[], axes: [number, number | null]) => {
      const mapped = mx.vmap(f, { inAxes: axes })(a, b);
      const rows = axes[0] === 0 ? [...a] : [...mx.transpose(a)];
      const each = rows.map((row, i) => f(row, axes[1] === null ? b : (b.get(i) as mx.array)));
      mapped.forEach((out, k) => {
        expect(out.tolist()).toEqual(each.map((one) => (one[k] as mx.array).tolist()));
      });
    };
    check((c, d) => mx.divmod(c, d), [0, null]);
    check((c, d) => mx.divmod(c, d), [1, 0]);
    check((c, d) => mx.divmod(d, c), [1, 0]);
  });

  test("says what is wrong with axes", () => {
    const id = (a: mx.array) => a;
    const inAxes = (axes: unknown) => () => mx.vmap(id, { inAxes: axes as number })(x);
    const outAxes = (axes: unknown) => () => mx.vmap(id, { outAxes: axes as number })(x);
    expect(inAxes(2)).toThrow(
      new RangeError("[vmap] inAxes: expected an axis of an array of 2 dimensions, received 2"),
    );
    expect(inAxes([[0]])).toThrow(
      new TypeError("[vmap] inAxes: expected axes that are integers or null, received [ 0 ]"),
    );
    expect(inAxes(0.5)).toThrow(TypeError);
    expect(inAxes("0")).toThrow(/^\[vmap\] inAxes: expected an integer, or a list or record/);
    expect(inAxes(null)).toThrow(/^\[vmap\] inAxes: expected an integer, or a list or record/);
    expect(inAxes({ a: 0 })).toThrow(/^\[vmap\] inAxes: expected axes that are integers or null/);
    expect(outAxes(-3)).toThrow(
      new RangeError("[vmap] outAxes: expected an axis of an array of 2 dimensions, received -3"),
    );
    expect(outAxes(x)).toThrow(/^\[vmap\] outAxes: expected an integer/);
    const pair = mx.vmap((p: { a: mx.array; b: mx.array }) => p.a, { inAxes: { a: 0 } });
    expect(() => pair({ a: x, b: x })).toThrow(
      "[vmap] inAxes: expected lists and records as those of the arrays, received { a: 0 }",
    );
    expect(() => mx.vmap(id, { axes: 0 } as never)).toThrow(/an option "axes"/);
    expect(() => mx.vmap((a: unknown) => a)(3)).toThrow(
      "[vmap] argument 0: expected an array or a tree of arrays, received 3",
    );
    expect(() => mx.vmap((_: mx.array): unknown => 3)(x)).toThrow(
      /^\[vmap\] fun's result: expected an array/,
    );
    expect(() => mx.vmap((a: mx.array): unknown => Promise.resolve(a))(x)).toThrow("asynchronous");
  });

  test("what stands for a slice has no values, not even later", () => {
    let escaped: mx.array | undefined;
    mx.vmap((a: mx.array) => {
      escaped = a;
      return mx.add(a, 1);
    })(x);
    expect(escaped?.shape).toEqual([3]);
    const left =
      "[eval] expected an array that can be computed, received one that has left a function";
    expect(() => escaped?.tolist()).toThrow(left);
    expect(() => mx.eval(mx.add(escaped as mx.array, 1))).toThrow(left);
  });

  test("what a compiled function stores without naming it says how to name it", async () => {
    const layer = new nn.Linear(1, 1);
    mx.compile((a: mx.array) => {
      layer.weight = layer.weight.multiply(a.sum());
      return a;
    })(x);
    const { weight } = layer;
    const named = /or name what holds it in \{ inputs, outputs \} of mx\.compile$/;
    const file = join(tmpdir(), "left-its-function");
    expect(String(weight)).toBe("array(shape=[1, 1], dtype=float32)");
    for (const way of [
      () => weight.tolist(),
      () => weight.item(),
      () => mx.eval(layer),
      () => mx.save(`${file}.npy`, weight),
      () => layer.saveWeights(`${file}.safetensors`),
      () =>
        mx
          .compile((a: mx.array) => a.multiply(weight))(x)
          .tolist(),
    ]) {
      expect(way).toThrow(named);
    }
    await expect(mx.asyncEval(layer)).rejects.toThrow(named);
  });
});

describe("customFunction", () => {
  const x = mx.array([1, 2]);
  const y = mx.array([3, 5]);

  test("its setters give it back", () => {
    const f = mx.customFunction((a: mx.array) => mx.sin(a));
    expect(f.vjp((_, c) => c)).toBe(f);
    expect(f.jvp((_, t) => t)).toBe(f);
    expect(f.vmap((a, axis) => [a, axis])).toBe(f);
    expect(() => f.vjp(3 as never)).toThrow(
      new TypeError("[customFunction.vjp] f: expected a function, received 3"),
    );
    expect(() => mx.customFunction("f" as never)).toThrow(
      new TypeError('[customFunction] f: expected a function, received "f"'),
    );
  });

  test("without rules it calls the function", () => {
    expect(mx.customFunction((a: number, b: string) => `${a}${b}`)(1, "b")).toBe("1b");
  });

  test("null stands for zeros, and what is broadcast has the shape of its array", () => {
    const f = mx.customFunction((a: mx.array, b: mx.array) => mx.multiply(a, b));
    f.vjp(() => [mx.array(7), null]).jvp(() => null);
    const [dx, dy] = mx.grad((a: mx.array, b: mx.array) => mx.sum(f(a, b)), [0, 1])(x, y);
    expect([dx.tolist(), dy.tolist()]).toEqual([
      [7, 7],
      [0, 0],
    ]);
    expect(mx.jvp(f, [x, y], [x, y])[1][0]?.tolist()).toEqual([0, 0]);
  });

  test("rules whose results do not fit", () => {
    const vjp = (rule: () => unknown) => () => {
      const f = mx.customFunction((a: mx.array, b: mx.array) => mx.add(a, b)).vjp(rule);
      return mx.grad((a: mx.array) => mx.sum(f(a, y)))(x);
    };
    expect(vjp(() => x)).toThrow(
      "[customFunction] vjp's result: expected 2 arrays, received float32 array of shape [2]",
    );
    expect(vjp(() => [x, x, x])).toThrow("vjp's result: expected 2 arrays");
    expect(vjp(() => undefined)).toThrow("vjp's result: expected 2 arrays, received undefined");
    expect(vjp(async () => [x, x])).toThrow("vjp's result: expected 2 arrays, received Promise");
    expect(vjp(() => [mx.ones(3), x])).toThrow(
      new TypeError(
        "[customFunction] vjp's result: expected an array of the shape [2], received float32 array of shape [3]",
      ),
    );
    const jvp = (rule: () => unknown) => () =>
      mx.jvp(mx.customFunction((a: mx.array) => mx.sin(a)).jvp(rule), [x], [x]);
    expect(jvp(() => [x, x])).toThrow("jvp's result: expected one array");
    expect(jvp(() => mx.ones([2, 2]))).toThrow("jvp's result: expected an array of the shape [2]");
    const vmap = (rule: (...args: never[]) => unknown) => () =>
      mx.vmap(mx.customFunction((a: mx.array) => mx.sin(a)).vmap(rule as never))(x);
    expect(vmap((a) => a)).toThrow("vmap's result: expected a list of two");
    expect(vmap((a) => [[a, a], 0])).toThrow("vmap's result: expected one array");
    expect(vmap((a) => [a, [0]])).toThrow("vmap's axes: expected axes that are integers or null");
    expect(vmap((a) => [[a], [0, 0]])).toThrow("vmap's axes: expected lists and records");
    expect(vmap((a) => [a, 1])).toThrow(RangeError);
    expect(vmap(() => [mx.ones([2, 2]), 0])).toThrow(
      "vmap's result: expected an output of the shape [2] with its axis, received float32 array of shape [2, 2]",
    );
  });

  test("functions whose results do not fit", () => {
    const f = (fun: (a: mx.array) => unknown) => mx.customFunction(fun).vjp((_, c) => c);
    expect(() => f(() => 3)(x)).toThrow("fun's result: expected an array or a tree of arrays");
    expect(() => f(() => [])(x)).toThrow("fun's result: expected at least one array, received []");
    expect(() => f(async (a) => a)(x)).toThrow("asynchronous");
    // Other results when it is called again.
    let calls = 0;
    const growing = mx.customFunction((a: mx.array) => Array.from({ length: ++calls }, () => a));
    growing.vjp((_, c) => c[0]);
    expect(() => mx.jvp(growing, [x], [x])).toThrow(
      "arrays of the same shapes and dtypes every time",
    );
    const once = mx.checkpoint((a: mx.array) => mx.zeros([++calls]).add(mx.sum(a)));
    expect(() => mx.grad((a: mx.array) => mx.sum(once(a)))(x)).toThrow(
      "same shapes and dtypes every time",
    );
    expect(() => mx.checkpoint((() => 3) as never as typeof mx.exp)(1)).toThrow(
      "[checkpoint] fun's result: expected at least",
    );
  });

  test("takes and gives many arrays", () => {
    const f = mx
      .customFunction((...all: mx.array[]) => all.map((a) => mx.square(a)))
      .vjp((all, cotangents) =>
        (all as mx.array[]).map((_, i) => mx.multiply(cotangents[i] as mx.array, i)),
      );
    const xs = Array.from({ length: 200 }, (_, i) => mx.array(i));
    const loss = (...all: mx.array[]) => f(...all).reduce((a, b) => mx.add(a, b));
    const grads = mx.grad(
      loss,
      xs.map((_, i) => i),
    )(...xs);
    expect(grads.map((g) => (g as mx.array).item())).toEqual(xs.map((_, i) => i));
  });
});

describe("what functions throw comes out, the same object", () => {
  const x = mx.array([1, 2]);
  const sin = (a: mx.array) => mx.sin(a);
  const total = (f: (a: mx.array) => mx.array) => (a: mx.array) => mx.sum(f(a));

  for (const thrown of [new Error("boom"), null, undefined, 7]) {
    const fail = (..._: unknown[]): never => {
      throw thrown;
    };
    let calls = 0;
    const failsLater = (a: mx.array): mx.array => (calls++ === 0 ? mx.sin(a) : fail());
    const custom = () => mx.customFunction(sin).vjp(fail).jvp(fail).vmap(fail);
    const runs: Record<string, () => unknown> = {
      grad: () => mx.grad(fail)(x),
      jvp: () => mx.jvp(fail, [x], [x]),
      vjp: () => mx.vjp(fail, [x], [x]),
      vmap: () => mx.vmap(fail)(x),
      "vmap in vmap in grad": () => mx.grad(total(mx.vmap(mx.vmap(fail))))(mx.ones([2, 2])),
      "vmap in compile": () => mx.compile(mx.vmap(fail))(x),
      checkpoint: () => mx.checkpoint(fail)(x),
      "checkpoint, again": () => mx.grad(total(mx.checkpoint(failsLater)))(x),
      customFunction: () => mx.customFunction(fail).vjp((_, c) => c)(x),
      "its vjp": () => mx.grad(total(custom()))(x),
      "its vjp in compile": () => mx.compile(mx.grad(total(custom())))(x),
      "its vjp in vmap": () => mx.vmap(mx.grad(custom()))(x),
      "its jvp": () => mx.jvp(custom(), [x], [x]),
      "its vmap": () => mx.grad(total(mx.vmap(custom())))(x),
      "the function in the usual jvp": () =>
        mx.jvp(
          mx.customFunction(failsLater).vjp((_, c) => c),
          [x],
          [x],
        ),
      "the function in the usual vmap": () =>
        mx.vmap(mx.customFunction(failsLater).vjp((_, c) => c))(x),
    };
    for (const [name, run] of Object.entries(runs)) {
      test(`${String(thrown)} in ${name}`, () => {
        calls = 0;
        const nothing = {};
        let caught: unknown = nothing;
        try {
          run();
        } catch (error) {
          caught = error;
        }
        expect(caught).not.toBe(nothing);
        expect(caught).toBe(thrown);
        expect(
          mx
            .grad(total(sin))(mx.array([0]))
            .tolist(),
        ).toEqual([1]);
      });
    }
  }
});

describe("lifetimes", () => {
  const f = mx
    .customFunction((a: mx.array) => mx.multiply(mx.sin(a), a))
    .vjp((a, c) => mx.tidy(() => mx.multiply(mx.multiply(a, c), 2)));

  test("tidy around and inside of transformations", async () => {
    const x = mx.array([1, 2]);
    // What earlier tests have left is freed at the next turn of the event loop.
    live();
    await new Promise((resolve) => setImmediate(resolve));
    const before = live();
    const results = mx.tidy(() => [
      mx.grad((a: mx.array) => mx.tidy(() => mx.sum(f(a))))(x),
      mx.vmap((a: mx.array) => mx.tidy(() => mx.multiply(mx.add(a, 1), a)))(x),
      mx.jvp((a) => mx.tidy(() => mx.square(a)), [x], [x])[1][0] as mx.array,
      mx.grad(mx.checkpoint((a: mx.array) => mx.tidy(() => mx.sum(mx.square(a)))))(x),
    ]);
    expect(live()).toBe(before + 4);
    expect(results.map((r) => r.tolist())).toEqual([
      [2, 4],
      [2, 6],
      [2, 8],
      [2, 4],
    ]);
  });

  test("tidy frees all where a function throws", () => {
    const x = mx.array([1, 2]);
    const before = live();
    expect(() =>
      mx.tidy(() =>
        mx.vmap((a: mx.array) => {
          mx.add(a, 1);
          throw new Error("boom");
        })(x),
      ),
    ).toThrow("boom");
    expect(live()).toBe(before);
  });

  test("arguments that are disposed of", () => {
    const x = mx.array([1, 2]);
    const gone = mx.array([1, 2]);
    gone.dispose();
    const disposed = /expected an array, received one that has been disposed/;
    expect(() => mx.vmap(f)(gone)).toThrow(disposed);
    expect(() => mx.jvp(f, [gone], [x])).toThrow(disposed);
    expect(() => mx.vjp(f, [x], [gone])).toThrow(disposed);
    expect(() => mx.checkpoint(f)(gone)).toThrow(disposed);
    expect(() => f(gone)).toThrow(disposed);
    expect(() => mx.depends([x], gone)).toThrow(disposed);
    // In a tree, the error says where.
    const tree = { a: x, b: [x, gone] };
    const first = (w: { a: mx.array }) => mx.sum(w.a);
    const ruled = mx.customFunction(first).vjp(() => null);
    const calls: [fn: string, call: () => unknown, where?: string][] = [
      ["grad", () => mx.grad(first)(tree)],
      ["valueAndGrad", () => mx.valueAndGrad(first)(tree)],
      ["vmap", () => mx.vmap(first)(tree)],
      ["compile", () => mx.compile(first)(tree)],
      ["checkpoint", () => mx.checkpoint(first)(tree)],
      ["customFunction", () => ruled(tree)],
      ["compile", () => mx.compile(() => x, { inputs: tree })(), "inputs.b.1"],
      ["compile", () => mx.compile(() => tree)(), "fun's result.b.1"],
      ["vmap", () => mx.vmap((_: mx.array) => tree)(x), "fun's result.b.1"],
      ["eval", () => mx.eval(x, tree), "args[1].b.1"],
      ["getArrayBufferSize", () => mx.getArrayBufferSize(tree), "args.b.1"],
    ];
    for (const [fn, call, where = "argument 0.b.1"] of calls) {
      expect(call).toThrow(`[${fn}] ${where}: expected an array, received one that has been`);
    }
    const disposing = (a: mx.array) => {
      const b = mx.square(a);
      a.dispose();
      return b;
    };
    expect(mx.vmap(disposing)(x).tolist()).toEqual([1, 4]);
    expect(
      mx
        .grad((a: mx.array) => mx.sum(mx.checkpoint(disposing)(a)))(x)
        .tolist(),
    ).toEqual([2, 4]);
    const rule = mx
      .customFunction((a: mx.array) => mx.sin(a))
      .vjp((a, c) => {
        a.dispose();
        return c;
      });
    expect(
      mx
        .grad((a: mx.array) => mx.sum(rule(a)))(x)
        .tolist(),
    ).toEqual([1, 1]);
    rule.vjp(() => gone);
    expect(() => mx.grad((a: mx.array) => mx.sum(rule(a)))(x)).toThrow(disposed);
    const returned = (a: mx.array) => {
      a.dispose();
      return a;
    };
    expect(() => mx.vmap(returned)(x)).toThrow(disposed);
    expect(() => mx.checkpoint(returned)(x)).toThrow(disposed);
    expect(x.tolist()).toEqual([1, 2]);
  });

  const prelude = `
    const { mx } = require(".");
    const collect = async () => {
      for (let i = 0; i < 10; i++) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };`;

  test("neither arrays nor functions stay behind", async () => {
    const { code, stderr, stdout } = await runScript(
      `${prelude}
      let dead = 0;
      const registry = new FinalizationRegistry(() => dead++);
      const x = mx.array([1, 2]);
      const step = (i) => {
        const scale = mx.array(i);
        const fun = (a) => mx.multiply(a, scale);
        const rule = (a, c) => mx.multiply(c, 3);
        registry.register(fun);
        registry.register(rule);
        const f = mx.customFunction(fun).vjp(rule);
        // A gradient, a graph that is never evaluated, and one that was.
        const g = mx.grad((a) => mx.sum(f(a)))(x);
        f(mx.checkpoint(fun)(x));
        if (i % 100 === 0) {
          mx.eval(f(x), g);
        }
      };
      (async () => {
        const before = mx.memory().arrays;
        for (let i = 0; i < 10_000; i++) {
          step(i);
        }
        await collect();
        // What was dropped meanwhile is let go by what comes next.
        mx.eval(mx.add(x, 1));
        await collect();
        console.log(JSON.stringify({ arrays: mx.memory().arrays - before, dead }));
      })();`,
      { flags: ["--expose-gc"] },
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const { arrays, dead } = JSON.parse(stdout) as { arrays: number; dead: number };
    expect(arrays).toBeLessThan(10);
    // What the last calls left on the stack may stay.
    expect(dead).toBeGreaterThan(19_980);
  });

  test("a graph that goes while another thread waits for it", async () => {
    const { code, stderr, stdout } = await runScript(
      `${prelude}
      (async () => {
        let sum = 0;
        for (let i = 0; i < 200; i++) {
          const f = mx.customFunction((a) => mx.matmul(a, a)).vjp((a, c) => mx.multiply(c, i));
          const done = mx.tidy(() => {
            const y = mx.grad((a) => mx.sum(f(a)))(mx.ones([64, 64]));
            return mx.keep(mx.add(f(y), 0));
          });
          const waiting = mx.asyncEval(done);
          done.dispose();
          await waiting;
          sum += i;
        }
        await collect();
        console.log(sum);
      })();`,
      { flags: ["--expose-gc"] },
    );
    expect({ code, stderr, stdout: stdout.trim() }).toEqual({
      code: 0,
      stderr: "",
      stdout: "19900",
    });
  });

  for (const [end, expected] of [
    ["", 0],
    ["process.exit(3)", 3],
    ["throw new Error('the end')", 1],
  ] as const) {
    test(`a process that ends with graphs: ${end || "by itself"}`, async () => {
      const { code, signal } = await runScript(
        `const { mx } = require(".");
        const f = mx.customFunction((a) => mx.sin(a)).vjp((a, c) => mx.multiply(c, 2));
        globalThis.kept = Array.from({ length: 100 }, (_, i) => f(mx.checkpoint(f)(mx.array(i))));
        mx.asyncEval(mx.grad((a) => mx.sum(f(mx.matmul(a, a))))(mx.ones([200, 200])));
        ${end}`,
      );
      expect({ code, signal }).toEqual({ code: expected, signal: null });
    });
  }

  // The last is terminated while it computes.
  for (const end of [
    "",
    "process.exit(0);",
    "parentPort.postMessage('stop'); for (;;) gradient(kept[0]);",
  ]) {
    test(`a worker that ends with graphs: ${end || "by itself"}`, async () => {
      const worker = `
        const { parentPort } = require("node:worker_threads");
        const { mx } = require(".");
        const f = mx.customFunction((a) => mx.sin(a)).vjp((a, c) => mx.multiply(c, 2));
        const gradient = mx.grad((a) => mx.sum(f(a)));
        globalThis.kept = [];
        for (let i = 0; i < 100; i++) {
          const y = f(mx.checkpoint((a) => mx.square(a))(mx.array([i, 1])));
          kept.push(y, gradient(y));
        }
        parentPort.postMessage(kept[1].tolist());
        ${end}`;
      const { code, stderr, stdout } = await runScript(
        `const { Worker } = require("node:worker_threads");
        (async () => {
          for (let i = 0; i < 3; i++) {
            const worker = new Worker(${JSON.stringify(worker)}, { eval: true });
            worker.on("message", (m) => (m === "stop" ? worker.terminate() : console.log(String(m))));
            worker.on("error", (error) => console.log(error));
            await new Promise((resolve) => worker.once("exit", resolve));
          }
        })();`,
      );
      const expected = { code: 0, stderr: "", stdout: "2,2\n2,2\n2,2" };
      expect({ code, stderr, stdout: stdout.trim() }).toEqual(expected);
    });
  }
});

describe("depends", () => {
  test("gives one for one and a list for a list", () => {
    const [x, y] = [mx.array([1, 2]), mx.array(3)];
    const one: mx.array = mx.depends(x, [y]);
    const list: mx.array[] = mx.depends([x, y], x);
    expect([one.tolist(), list.map((a) => a.tolist())]).toEqual([
      [1, 2],
      [[1, 2], 3],
    ]);
    expect(mx.depends([], x)).toEqual([]);
    expect(() => mx.depends(3 as never, x)).toThrow(
      /^\[depends\] inputs: expected a list of arrays/,
    );
  });
});
