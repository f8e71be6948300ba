import { mx, nn, optim, utils } from "mlx-js";
import { afterEach, describe, expect, test } from "vitest";

afterEach(() => {
  mx.enableCompile();
});

describe("values", () => {
  test("are those of the function", () => {
    const f = (x: mx.array, y: mx.array) =>
      mx.add(mx.multiply(mx.exp(mx.negative(x)), y), mx.sum(mx.maximum(x, y)));
    const compiled = mx.compile(f);
    for (const [rows, columns] of [
      [2, 3],
      [4, 1],
      [2, 3],
    ] as const) {
      const x = mx.random.normal([rows, columns]);
      const y = mx.random.normal([columns]);
      expect(mx.allclose(compiled(x, y), f(x, y), { atol: 1e-6 }).item()).toBe(true);
    }
  });

  test("of nothing: what has no elements is there without a kernel", async () => {
    const f = mx.compile((x: mx.array) => {
      const y = mx.multiply(mx.exp(mx.add(x, 1)), x);
      return { y, sum: mx.sum(y), more: mx.tanh(mx.add(y, 2)) };
    });
    for (const shape of [
      [0, 3],
      [3, 0],
    ]) {
      const { y, sum, more } = f(mx.zeros(shape));
      await mx.asyncEval(more);
      mx.eval(y);
      expect([y.shape, more.shape]).toEqual([shape, shape]);
      expect(sum.item()).toBe(0);
      expect(mx.grad((x) => f(x).sum)(mx.zeros(shape)).shape).toEqual(shape);
    }
  });

  test("keep the shape of the result, whatever it is", () => {
    const f = mx.compile((x: mx.array, name: string) => ({
      list: [mx.add(x, 1), mx.multiply(x, 2)],
      name,
      nothing: null,
    }));
    for (const name of ["a", "b", "a"]) {
      const out = f(mx.array([1, 2]), name);
      expect(out.name).toBe(name);
      expect(out.nothing).toBeNull();
      expect(out.list.map((x) => x.tolist())).toEqual([
        [2, 3],
        [2, 4],
      ]);
    }
    expect(mx.compile(() => [])()).toEqual([]);
    // By shape, too.
    const rows = mx.compile((x: mx.array) => [...x].map((row) => mx.sum(row as mx.array)));
    expect(rows(mx.ones([3, 2])).map((x) => x.item())).toEqual([2, 2, 2]);
    expect(rows(mx.ones([1, 4])).map((x) => x.item())).toEqual([4]);
    expect(rows(mx.ones([3, 2]))).toHaveLength(3);
  });

  test("of many outputs come in order", () => {
    const f = mx.compile((x: mx.array) => Array.from({ length: 200 }, (_, i) => mx.add(x, i)));
    for (let i = 0; i < 2; i++) {
      expect(f(mx.array(1)).map((x) => x.item())).toEqual(
        Array.from({ length: 200 }, (_, k) => k + 1),
      );
    }
  });
});

/** A function that counts how often it runs. */
// biome-ignore lint/suspicious/noExplicitAny: any arguments
function counted<F extends (...args: any[]) => unknown>(fun: F, options?: mx.CompileOptions) {
  let runs = 0;
  const compiled = mx.compile<F>(
    ((...args: Parameters<F>) => {
      runs++;
      return fun(...args);
    }) as never,
    options,
  );
  return { compiled, runs: () => runs };
}

describe("a function is traced anew", () => {
  test("for other shapes, dtypes and numbers of arguments", () => {
    const { compiled, runs } = counted((...xs: mx.array[]) => xs.reduce((a, b) => mx.add(a, b)));
    compiled(mx.ones([2]), mx.ones([2]));
    compiled(mx.zeros([2]), mx.zeros([2]));
    expect(runs()).toBe(1);
    compiled(mx.ones([3]), mx.ones([3]));
    compiled(mx.ones([2], mx.int32), mx.ones([2], mx.int32));
    compiled(mx.ones([2]));
    expect(runs()).toBe(4);
    compiled(mx.ones([2]), mx.ones([2]));
    expect(runs()).toBe(4);
  });

  test("for other constants and structures", () => {
    const { compiled, runs } = counted((x: mx.array, options: unknown) =>
      mx.add(
        x,
        JSON.stringify(options ?? null, (_, v) => (typeof v === "bigint" ? `${v}n` : v)).length,
      ),
    );
    const x = mx.array(0);
    const values = [
      1,
      "1",
      1n,
      true,
      null,
      undefined,
      Number.NaN,
      0,
      -0,
      [],
      {},
      [[]],
      [1, 2],
      [[1], 2],
    ];
    values.push({ a: 1 }, { b: 1 }, { a: { b: 1 } }, mx.float32, mx.float16);
    // Each begins as the one before it does.
    values.push([1], [1, 2, 3], { a: 1, b: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: {} });
    for (const value of [...values, ...values]) {
      compiled(x, value);
    }
    expect(runs()).toBe(values.length);
  });

  test("on other streams", () => {
    const { compiled, runs } = counted((x: mx.array) => mx.add(x, 1));
    compiled(mx.array(1));
    mx.stream(mx.newStream(mx.cpu), () => {
      expect(compiled(mx.array(1)).item()).toBe(2);
    });
    expect(runs()).toBe(2);
  });

  test("but not for other sizes where it is shapeless", () => {
    const { compiled, runs } = counted((x: mx.array) => mx.multiply(mx.add(x, 1), 2), {
      shapeless: true,
    });
    expect(compiled(mx.array([1, 2])).tolist()).toEqual([4, 6]);
    expect(compiled(mx.array([1, 2, 3])).tolist()).toEqual([4, 6, 8]);
    expect(runs()).toBe(1);
    expect(compiled(mx.array([[1], [2]])).tolist()).toEqual([[4], [6]]);
    expect(runs()).toBe(2);
  });

  test.each([mx.float32, mx.float16, mx.int32])(
    "with the scale of each size in a shapeless Hadamard transform of %s",
    (dtype) => {
      const transform = (x: mx.array) => mx.hadamardTransform(x);
      const compiled = mx.compile(transform, { shapeless: true });
      const scaled = mx.compile((x: mx.array) => mx.hadamardTransform(x, { scale: 0.5 }), {
        shapeless: true,
      });
      for (const size of [4, 16, 12]) {
        const x = mx.arange(1, size + 1).astype(dtype);
        const expected = transform(x);
        expect(compiled(x).dtype).toBe(expected.dtype);
        const near = { rtol: 2e-3, atol: dtype === mx.float16 ? 2e-2 : 1e-5 };
        expect(mx.allclose(compiled(x), expected, near).item()).toBe(true);
        const half = mx.hadamardTransform(x, { scale: 0.5 });
        expect(scaled(x).tolist()).toEqual(half.tolist());
      }
    },
  );

  test.each<[name: string, f: (x: mx.array) => mx.array, other: number[], result: unknown]>([
    ["softmax", (x) => mx.softmax(x, -1), [2, 0], [[], []]],
    [
      "attention",
      (x) => mx.fast.scaledDotProductAttention(x, x, x, { scale: 1 }),
      [1, 1, 0, 4],
      [[[]]],
    ],
    ["logsumexp", (x) => mx.logsumexp(x, -1), [2, 0], "[shapeless] LogSumExp: expected inputs"],
    ["hadamardTransform", (x) => mx.hadamardTransform(x), [2, 0], "[shapeless] Hadamard: expected"],
  ])("of no elements where %s is shapeless", (_, f, other, result) => {
    const compiled = mx.compile(f, { shapeless: true });
    mx.eval(compiled(mx.ones(other.map((n) => n || 4))));
    const called = () => compiled(mx.ones(other)).tolist();
    if (typeof result === "string") {
      expect(called).toThrow(result);
    } else {
      expect(called()).toEqual(result);
    }
  });
});

describe("captured state", () => {
  test.each<[name: string, state: unknown[], received: string]>([
    ["optimizer", [new optim.Adam(0.1)], "an optimizer of class Adam; pass its state"],
    [
      "record of optimizers",
      [{ by: new optim.SGD(0.1) }],
      "an optimizer of class SGD; pass its state",
    ],
    ["map", [new Map([["w", mx.ones([1])]])], "; pass [...map.values()]"],
  ])("is no %s, whose arrays would be passed over", (_, state, received) => {
    for (const option of ["inputs", "outputs"]) {
      const compile = () => mx.compile((x: mx.array) => x, { [option]: state });
      expect(compile).toThrow(TypeError);
      expect(compile).toThrow(`[compile] ${option}.0`);
      expect(compile).toThrow(received);
    }
  });

  test("is read in every call", () => {
    const state = { offset: mx.array(1), scale: 2 };
    const { compiled, runs } = counted(
      (x: mx.array) => mx.multiply(mx.add(x, state.offset), state.scale),
      { inputs: state },
    );
    expect(compiled(mx.array(1)).item()).toBe(4);
    state.offset = mx.array(10);
    expect(compiled(mx.array(1)).item()).toBe(22);
    expect(runs()).toBe(1);
    // A constant in it makes another graph.
    state.scale = 3;
    expect(compiled(mx.array(1)).item()).toBe(33);
    expect(runs()).toBe(2);
  });

  test("changes back, unless it is among the outputs: also what was added or taken away", () => {
    const state = {
      added: [mx.array(1)] as unknown[],
      popped: [mx.array(1), mx.array(2)],
      kept: { a: mx.array(3) } as Record<string, unknown>,
    };
    const before = utils.treeMap((x) => x, state);
    const { compiled } = counted(
      (x: mx.array) => {
        state.added.push(x, {});
        const last = state.popped.pop() ?? x;
        const { a } = state.kept;
        delete state.kept["a"];
        state.kept["b"] = x;
        return x.add(last).add(a as mx.array);
      },
      { inputs: state },
    );
    expect([compiled(mx.array(5)).item(), compiled(mx.array(6)).item()]).toEqual([10, 11]);
    expect(Object.keys(state.added)).toEqual(["0"]);
    expect(state).toEqual(before);
  });

  test("is written after every call", () => {
    const state = { count: mx.array(0) };
    const { compiled, runs } = counted(
      (x: mx.array) => {
        state.count = mx.add(state.count, x);
      },
      { inputs: state, outputs: state },
    );
    const first = state.count;
    for (let i = 0; i < 5; i++) {
      expect(compiled(mx.array(i))).toBeUndefined();
    }
    expect(state.count.item()).toBe(10);
    expect(first.item()).toBe(0);
    expect(runs()).toBe(1);
  });

  test("that is read only stays as it was", () => {
    const state: Record<string, mx.array> = { a: mx.array(1) };
    const a = state["a"];
    const f = mx.compile(
      (x: mx.array) => {
        state["a"] = mx.add(state["a"] as mx.array, x);
        state["b"] = x;
        return state["a"];
      },
      { inputs: state },
    );
    expect(f(mx.array(2)).item()).toBe(3);
    expect(state["a"] === a).toBe(true);
    expect(Object.keys(state)).toEqual(["a"]);
  });

  test("survives tidy, and goes back when the function throws", () => {
    const state = { x: mx.array(1) };
    const grow = mx.compile(
      () => {
        state.x = mx.add(state.x, 1);
      },
      { inputs: state, outputs: state },
    );
    mx.tidy(() => {
      grow();
      grow();
    });
    expect(state.x.item()).toBe(3);
    const before = state.x;
    const fail = mx.compile(
      () => {
        state.x = mx.add(state.x, 1);
        throw null;
      },
      { inputs: state, outputs: state },
    );
    let thrown: unknown = "nothing";
    try {
      fail();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeNull();
    expect(state.x === before).toBe(true);
    grow();
    expect(state.x.item()).toBe(4);
  });

  test("makes a training step that gives what the plain one gives", () => {
    const run = (compiled: boolean): unknown => {
      mx.random.seed(3);
      const model = new nn.Linear(3, 2);
      const optimizer = new optim.Adam(optim.cosineDecay(0.1, 10));
      const loss = nn.valueAndGrad(model, (x: mx.array, y: mx.array) =>
        nn.losses.mseLoss(model.forward(x), y),
      );
      const state = [model.state, optimizer.state];
      const plain = (x: mx.array, y: mx.array) => {
        const [value, gradients] = loss(x, y);
        optimizer.update(model, gradients);
        return value;
      };
      const step = compiled ? mx.compile(plain, { inputs: state, outputs: state }) : plain;
      const losses: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        const value = mx.tidy(() => {
          const value = step(mx.random.normal([5, 3]), mx.random.normal([5, 2]));
          mx.eval(value, state);
          return value;
        });
        losses.push(Number(value.item().toFixed(4)));
      }
      expect(optimizer.step.item()).toBe(6n);
      return [losses, mx.round(model.weight, 4).tolist()];
    };
    expect(run(true)).toEqual(run(false));
  });

  test("of modules counts their mode", () => {
    const model = new nn.Dropout({ p: 0.999999 });
    const f = mx.compile((x: mx.array) => model.forward(x), { inputs: [model] });
    const x = mx.ones([64]);
    expect(mx.sum(f(x)).item()).toBe(0);
    model.eval();
    expect(mx.sum(f(x)).item()).toBe(64);
    model.train();
    expect(mx.sum(f(x)).item()).toBe(0);
  });

  test("makes random numbers move on", () => {
    const draw = mx.compile(() => mx.random.uniform(0, 1, [3]), {
      inputs: mx.random.state,
      outputs: mx.random.state,
    });
    mx.random.seed(11);
    const compiled = [draw(), draw(), draw()].map((x) => x.tolist());
    mx.random.seed(11);
    const plain = [1, 2, 3].map(() => mx.random.uniform(0, 1, [3]).tolist());
    expect(compiled).toEqual(plain);
    // Without it, the numbers are part of the graph.
    const frozen = mx.compile(() => mx.random.uniform(0, 1, [3]));
    expect(frozen().tolist()).toEqual(frozen().tolist());
  });

  test("whose size changes between calls is an error that changes nothing", () => {
    const out: Record<string, mx.array> = { a: mx.array(0) };
    const f = mx.compile(
      (x: mx.array) => {
        out["a"] = mx.add(x, 1);
      },
      { outputs: out },
    );
    f(mx.array(1));
    out["b"] = mx.array(5);
    expect(() => f(mx.array(2))).toThrow("[compile] outputs: expected 1 arrays");
    expect(out["b"].item()).toBe(5);
    expect(out["a"]?.item()).toBe(2);
  });
});

describe("with other transformations", () => {
  const f = (x: mx.array) => mx.sum(mx.multiply(mx.sin(x), x));
  const x = mx.array([0.5, -1, 2]);

  test("a compiled function is differentiated", () => {
    expect(mx.allclose(mx.grad(mx.compile(f))(x), mx.grad(f)(x)).item()).toBe(true);
  });

  test("a derivative is compiled, and both, and twice", () => {
    const expected = mx.grad(f)(x);
    const compiled = mx.compile(mx.grad(mx.compile(f)));
    expect(mx.allclose(compiled(x), expected).item()).toBe(true);
    expect(mx.allclose(compiled(x), expected).item()).toBe(true);
    const second = (g: typeof f) => mx.grad((y: mx.array) => mx.sum(mx.grad(g)(y)))(x);
    expect(mx.allclose(second(mx.compile(f)), second(f)).item()).toBe(true);
  });

  test("compiled functions call each other, and themselves", () => {
    const double = mx.compile((y: mx.array) => mx.multiply(y, 2));
    const outer = mx.compile((y: mx.array) => mx.add(double(y), double(mx.add(y, 1))));
    expect(outer(mx.array(3)).item()).toBe(14);
    expect(outer(mx.array(4)).item()).toBe(18);
    const power: (y: mx.array, n: number) => mx.array = mx.compile((y: mx.array, n: number) =>
      n === 0 ? mx.ones([]) : mx.multiply(y, power(y, n - 1)),
    );
    expect(power(mx.array(2), 5).item()).toBe(32);
    expect(power(mx.array(3), 3).item()).toBe(27);
    // With arrays that do not come from its arguments, too.
    const sums: (y: mx.array) => mx.array = mx.compile((y: mx.array) => {
      const [n = 0] = y.shape;
      return n > 1 ? mx.add(mx.sum(y), sums(mx.ones([n - 1]))) : mx.sum(y);
    });
    expect(sums(mx.ones([30])).item()).toBe(465);
    expect(sums(mx.zeros([30])).item()).toBe(435);
  });

  test("looking at values inside is MLX's error", () => {
    const look = mx.compile((y: mx.array) => mx.add(y, Number(y.item())));
    expect(() => look(mx.array(1))).toThrow(/eval/);
    const evaluate = mx.compile((y: mx.array) => {
      mx.eval(y);
      return y;
    });
    expect(() => evaluate(mx.array(1))).toThrow(/eval/);
  });
});

describe("errors", () => {
  test("from inside are the same object, and the next call works", () => {
    const error = new RangeError("mine");
    let fail = true;
    const f = mx.compile((x: mx.array) => {
      if (fail) {
        throw error;
      }
      return mx.add(x, 1);
    });
    expect(() => f(mx.array(1))).toThrow(error);
    fail = false;
    expect(f(mx.array(1)).item()).toBe(2);
    expect(f(mx.array(2)).item()).toBe(3);
  });

  test("say what was expected", () => {
    expect(() => mx.compile(3 as never)).toThrow("[compile] fun: expected a function, received 3");
    expect(() => mx.compile(mx.exp, { input: [] } as never)).toThrow("input");
    expect(() => mx.compile(mx.exp, { inputs: 3 })).toThrow("[compile] inputs: expected");
    const f = mx.compile((x: unknown) => x);
    expect(() => f(new Map())).toThrow("[compile] argument 0: expected arrays, numbers");
    expect(() => f(() => 1)).toThrow(TypeError);
    expect(() => f(new nn.Linear(2, 2))).toThrow("a module belongs in the option inputs");
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => f(cycle)).toThrow("contains itself");
    expect(() => mx.compile((async (x: mx.array) => x) as never as typeof mx.exp)(1)).toThrow(
      "promise",
    );
    const gone = mx.array(1);
    gone.dispose();
    expect(() => f(gone)).toThrow("disposed");
  });

  test("refuse results in which an array of the trace would be found later", () => {
    class Holder {
      constructor(readonly x: mx.array) {}
    }
    const results: Record<string, (x: mx.array) => unknown> = {
      function: (x) => () => x,
      map: (x) => new Map([["x", x]]),
      set: (x) => new Set([x]),
      instance: (x) => new Holder(x),
      generator: (x) => [x].values(),
      promise: (x) => Promise.resolve(x),
    };
    for (const make of Object.values(results)) {
      const f = mx.compile((x: mx.array): unknown => ({ list: [mx.exp(x), make(x)] }));
      expect(() => f(mx.array(1))).toThrow(
        "[compile] fun's result.list.1: expected arrays, numbers",
      );
    }
    const whole = mx.compile((x: mx.array): unknown => [mx.exp(x), null, 1n, "a", mx.int8, mx.cpu]);
    expect((whole(mx.array(0)) as unknown[]).slice(1)).toEqual([null, 1n, "a", mx.int8, mx.cpu]);
  });

  test("and switching it off runs the function as it is", () => {
    const { compiled, runs } = counted((x: mx.array) => mx.add(x, 1));
    mx.disableCompile();
    compiled(mx.array(1));
    expect(compiled(mx.array(1)).item()).toBe(2);
    expect(runs()).toBe(2);
    mx.enableCompile();
    compiled(mx.array(1));
    compiled(mx.array(1));
    expect(runs()).toBe(3);
  });
});

// MLX computes shapes anew, but reads what it kept of the first ones.
describe("arrays of other shapes that do not fit, where it is shapeless", () => {
  const [w, scales, biases] = mx.quantize(mx.arange(0, 256, 1, mx.float32).reshape([4, 64]), {
    groupSize: 32,
  }) as [mx.array, mx.array, mx.array];
  const count = (...shape: number[]) =>
    mx
      .arange(
        0,
        shape.reduce((n, m) => n * m, 1),
        1,
        mx.float32,
      )
      .reshape(shape);
  type Arrays = mx.array[];
  const cases: Record<string, [(...xs: Arrays) => mx.array, Arrays, right: Arrays, wrong: Arrays]> =
    {
      matmul: [
        (a, b) => mx.matmul(a, b),
        [count(2, 3), count(3, 2)],
        [count(4, 5), count(5, 1)],
        [count(2, 5), count(3, 2)],
      ],
      "matmul of stacks": [
        (a, b) => mx.matmul(a, b),
        [count(2, 2, 3), count(2, 3, 1)],
        [count(3, 1, 2), count(3, 2, 2)],
        [count(3, 1, 2), count(3, 3, 2)],
      ],
      add: [
        (a, b) => mx.add(a, b),
        [count(3), count(3)],
        [count(5), count(5)],
        [count(5), count(3)],
      ],
      "a chain": [
        (a, b) => mx.maximum(mx.subtract(a, b), mx.exp(b)),
        [count(2, 3), count(2, 3)],
        [count(4, 1), count(4, 1)],
        [count(2, 3), count(2, 2)],
      ],
      where: [
        (a, b, c) => mx.where(mx.greater(a, 1), b, c),
        [count(3), count(3), count(3)],
        [count(2), count(2), count(2)],
        [count(5), count(3), count(3)],
      ],
      addmm: [
        (a, b, c) => mx.addmm(c, a, b),
        [count(2, 3), count(3, 2), count(2, 2)],
        [count(1, 2), count(2, 3), count(1, 3)],
        [count(2, 5), count(3, 2), count(2, 2)],
      ],
      concatenate: [
        (a, b) => mx.concatenate([a, b], 0),
        [count(2, 3), count(1, 3)],
        [count(1, 4), count(3, 4)],
        [count(2, 5), count(2, 3)],
      ],
      hadamardTransform: [
        (a) => mx.hadamardTransform(a, { scale: 1 }),
        [count(2, 4)],
        [count(1, 28)],
        [count(1, 28 * 3)],
      ],
      conv1d: [
        (a, b) => mx.conv1d(a, b),
        [count(1, 5, 2), count(1, 3, 2)],
        [count(2, 7, 1), count(3, 2, 1)],
        [count(1, 5, 4), count(1, 3, 2)],
      ],
      quantizedMatmul: [
        (a) => mx.quantizedMatmul(a, w, scales, { biases, groupSize: 32 }),
        [count(1, 64)],
        [count(3, 64)],
        [count(1, 32)],
      ],
      gatherMm: [
        (a, b) => mx.gatherMm(a, b, { rhsIndices: mx.array([1], mx.uint32) }),
        [count(2, 3), count(2, 3, 2)],
        [count(1, 4), count(3, 4, 1)],
        [count(2, 5), count(2, 3, 2)],
      ],
      partition: [(a) => mx.sort(mx.partition(a, 3)), [count(6)], [count(4)], [count(2)]],
      squeeze: [(a) => mx.squeeze(a, 0), [count(1, 2)], [count(1, 5)], [count(3, 2)]],
      unflatten: [(a) => mx.unflatten(a, 0, [2, 3]), [count(6, 2)], [count(6, 1)], [count(4, 2)]],
      layerNorm: [
        (a, weight) => mx.fast.layerNorm(a, weight, null, 1e-5),
        [count(2, 3), count(3)],
        [count(4, 2), count(2)],
        [count(2, 5), count(3)],
      ],
      "set of a slice": [
        (a) => {
          a.set(["1:3"], 5);
          return a;
        },
        [count(4)],
        [count(3)],
        [count(2)],
      ],
    };

  test.each(Object.entries(cases))("%s", (_, [f, first, right, wrong]) => {
    const plain = (xs: Arrays) => f(...xs.map((x) => mx.add(x, 0))).tolist();
    const compiled = mx.compile(f, { shapeless: true });
    expect(compiled(...first).tolist()).toEqual(plain(first));
    expect(compiled(...right).tolist()).toEqual(plain(right));
    expect(() => compiled(...wrong)).toThrow(RangeError);
    expect(() => compiled(...wrong)).toThrow("expected inputs whose shapes fit");
    expect(compiled(...right).tolist()).toEqual(plain(right));
  });
});

test("a graph that is too deep for a kernel is computed as it is, with its state", () => {
  const state = { count: mx.array(1), sum: mx.array([2, 3]) };
  let calls = 0;
  const deep = mx.compile(
    (x: mx.array) => {
      calls++;
      state.count = mx.add(state.count, 1);
      for (let i = 0; i < 40_000; i++) {
        state.sum = mx.add(state.sum, x);
      }
      return mx.multiply(state.sum, 2);
    },
    { inputs: state, outputs: state },
  );
  expect(deep(mx.array([1, 0])).tolist()).toEqual([80_004, 6]);
  expect(deep(mx.array([0, 1])).tolist()).toEqual([80_004, 80_006]);
  expect(state.count.item()).toBe(3);
  expect(state.sum.tolist()).toEqual([40_002, 40_003]);
  expect(calls).toBe(4);
});

describe("memory", () => {
  test("graphs go with their functions", () => {
    const megabyte = 2 ** 20;
    const before = mx.getActiveMemory();
    for (let i = 0; i < 300; i++) {
      const weights = mx.ones([megabyte / 4]);
      mx.eval(weights);
      const f = mx.compile((x: mx.array) => mx.sum(mx.multiply(x, weights)));
      expect(f(mx.array(2)).item()).toBe(megabyte / 2);
    }
    expect(mx.getActiveMemory() - before).toBeLessThan(150 * megabyte);
  });
});
