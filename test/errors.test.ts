import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { mx, nn, optim } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

describe("wrong receivers", () => {
  const strangers = [
    {},
    null,
    undefined,
    1,
    "x",
    new Proxy(mx.array([1]), {}),
    Object.create(mx.array([1])),
    Object.create(mx.array.prototype),
    mx.array.prototype,
  ];

  test.each(strangers)("methods on %#", (stranger) => {
    const proto = any(mx.array.prototype);
    for (const name of ["sum", "add", "tolist", "item", "dispose", "toString", "reshape"]) {
      expect(() => proto[name].call(stranger, 1)).toThrow(TypeError);
    }
    for (const name of ["shape", "size", "dtype", "ndim", "disposed", "itemsize", "nbytes"]) {
      const getter = Object.getOwnPropertyDescriptor(proto, name)?.get;
      expect(() => getter?.call(stranger)).toThrow(`[${name}] this: expected an array`);
    }
    for (const name of ["toJSON", Symbol.toPrimitive, Symbol.dispose, inspect.custom]) {
      expect(() => proto[name].call(stranger)).toThrow("this: expected an array");
    }
  });

  test.each(strangers)("as an argument, %#", (stranger) => {
    if (typeof stranger !== "number") {
      expect(() => mx.add(any(stranger), 1)).toThrow(TypeError);
      expect(() => mx.add(1, any(stranger))).toThrow(TypeError);
      expect(() => mx.exp(any(stranger))).toThrow(TypeError);
    }
    expect(() => mx.concatenate(any([stranger]))).toThrow(TypeError);
    expect(() => mx.concatenate(any(stranger))).toThrow(TypeError);
  });
});

describe("more than a function takes", () => {
  test("is refused where users meant something by it", () => {
    const [x, y] = [mx.ones([1]), mx.ones([1])];
    const cases: [() => unknown, string][] = [
      [() => any(mx.keep)(x, y), "[keep] args[1]: expected one argument, such as a list of all,"],
      [() => any(mx.dispose)(x, [y]), "[dispose] args[1]: expected one argument, such as"],
      [() => new (any(nn.ReLU))({ inplace: true }), "[ReLU] options: expected none, received {"],
      [
        () => new (any(nn.Embedding))(3, 2, { paddingIdx: 0 }),
        "[Embedding] options: expected none",
      ],
    ];
    for (const [call, message] of cases) {
      expect(call).toThrow(TypeError);
      expect(call).toThrow(message);
    }
    expect([x.disposed, y.disposed]).toEqual([false, false]);
  });

  test("is passed over where a list's methods give it", () => {
    const list = [mx.ones([1]), mx.ones([1])];
    expect(list.map(any(mx.keep))).toEqual(list);
    list.forEach(any(mx.dispose));
    expect(list.every((x) => x.disposed)).toBe(true);
  });
});

describe("one voice", () => {
  test("types", () => {
    expect(() => mx.expandDims(mx.array([1]), any("0"))).toThrow(
      new TypeError('[expandDims] axis: expected an integer or a list of integers, received "0"'),
    );
    expect(() => mx.sum(mx.array([1]), 0, any({ keepdim: true }))).toThrow(
      new TypeError(
        '[sum] options: expected keepdims, stream, received an option "keepdim"; did you mean "keepdims"?',
      ),
    );
    expect(() => mx.sum(mx.array([1]), 0, any({ keepdims: 1 }))).toThrow(TypeError);
    expect(() => mx.zeros([2], any("float32"))).toThrow(TypeError);
  });

  test("what the addon finds out", () => {
    const x = mx.arange(6);
    const large = 2 ** 30;
    const cases: [() => unknown, string][] = [
      [() => mx.reshape(x, [-2]), "[reshape] shape: expected sizes that are not negative"],
      [() => mx.broadcastTo(1, [-1]), "[broadcastTo] shape: expected sizes that are not negative"],
      [() => mx.zeros([large, large, large]), "[zeros] shape: expected fewer than 2^63 elements"],
      [
        () => mx.random.uniform(0, 1, [large, large, large]),
        "[random.uniform] shape: expected fewer than 2^63 elements",
      ],
      [() => mx.split(x, 2 ** 22), "[split] a: expected at most 2^20 parts"],
    ];
    for (const [run, message] of cases) {
      expect(run).toThrow(new RangeError(message));
    }
  });

  test("MLX's words that name no function get it", () => {
    const x = mx.zeros([2, 3]);
    const cases: [() => unknown, string][] = [
      [() => mx.softmax(x, 2), "[softmax] Invalid axis 2 for array with 2 dimensions."],
      [() => mx.linalg.norm(x, 1, [0, 9]), "[linalg.norm] Invalid axis 8"],
      [() => mx.roll(x, 1, 3), "[roll] Invalid axis 3"],
      [() => mx.sum(x, [0, 0]), "[sum] Duplicate axes detected in reduction."],
    ];
    for (const [run, message] of cases) {
      expect(run).toThrow(message);
    }
  });

  test("holes in lists", () => {
    const holes = any([mx.array([1]), mx.array([2]), mx.array([3])]);
    delete holes[1];
    expect(() => mx.concatenate(holes)).toThrow("[concatenate] arrays[1]: expected an array");
    expect(() => mx.einsumPath("i...->...", any(new Array(3)))).toThrow("expected an array");
    expect(() => mx.resultType(any(new Array(2)))).toThrow("[resultType] arraysAndDtypes[0]");
    expect(() => mx.savez({ write: () => {} }, holes)).toThrow("[savez]");
  });

  test("an array in an error is its dtype and shape", () => {
    const x = mx.zeros([2, 3], mx.int32);
    const disposed = mx.array(1);
    disposed.dispose();
    expect(() => mx.zeros(any(x))).toThrow("received int32 array of shape [2, 3]");
    expect(() => mx.add(any([x, 1, "x"]), 1)).toThrow(
      "received [ int32 array of shape [2, 3], 1, 'x' ]",
    );
    expect(() => mx.add(any({ a: mx.array(true), b: [x] }), 1)).toThrow(
      "received { a: bool array of shape [], b: [ int32 array of shape [2, 3] ] }",
    );
    expect(() => mx.zeros(any(new Map([["a", x]])))).toThrow(
      "Map(1) { 'a' => int32 array of shape [2, 3] }",
    );
    expect(() => mx.zeros(any([[x]]))).toThrow("received [ [ int32 array of shape [2, 3] ] ]");
    expect(() => mx.zeros(any(disposed))).toThrow("received an array that has been disposed");
    expect(() => mx.add(any(Array(20).fill(1).with(0, x)), 1)).toThrow("1, ... 12 more ]");
  });

  test("an array is found wherever it is, and what else is of this package", () => {
    const x = mx.zeros([2]);
    class Cache {
      keys = [x];
      readonly size = 1;
    }
    const shown: [unknown, string][] = [
      [[[[x]]], "[ [ [ float32 array of shape [2] ] ] ]"],
      [[[[[x]]]], "[ [ [ [Array] ] ] ]"],
      [{ a: { b: { c: x } } }, "{ a: { b: { c: float32 array of shape [2] } } }"],
      [
        new Map([[x, [x]]]),
        "Map(1) { float32 array of shape [2] => [ float32 array of shape [2] ] }",
      ],
      [new Set([x]), "Set(1) { float32 array of shape [2] }"],
      [new Cache(), "Cache { keys: [ float32 array of shape [2] ], size: 1 }"],
      [JSON.parse('{"__proto__": 1}'), "{ '__proto__': 1 }"],
      [{ __proto__: null, x }, "{ x: float32 array of shape [2] }"],
      [[mx.float32, mx.floating], "[ the dtype float32, the kind floating of dtypes ]"],
      [[mx.cpu, new mx.Device(mx.cpu)], "[ the device cpu, the device cpu, 0 ]"],
      [{ m: new nn.Linear(2, 3) }, "{ m: a module of class Linear }"],
      [[new optim.SGD(0.1)], "[ an optimizer of class SGD ]"],
      [new Proxy([x], {}), "[Proxy]"],
      [Object.assign(() => 1, { x }), "[Function: (anonymous)]"],
      [nn.Linear, "[class Linear]"],
      [new Error("full"), "[Error: full]"],
      [new Float32Array(9), "Float32Array(9) [ 0, 0, 0, 0, 0, 0, 0, 0, ... 1 more ]"],
      [new Array(10_000_000), `[ ${"<empty>, ".repeat(8)}... 9999992 more ]`],
      [Object.create(mx.array.prototype), "an object that inherits from an array"],
    ];
    for (const [value, text] of shown) {
      expect(() => mx.moveaxis(x, any(value), 0)).toThrow(
        new TypeError(`[moveaxis] source: expected an integer, received ${text}`),
      );
    }
  });

  test("a message is short, whatever is in the value", () => {
    const wide = (depth: number): unknown =>
      depth === 0 ? "x".repeat(1000) : Array.from({ length: 100 }, () => wide(depth - 1));
    const loop: Record<string, unknown> = { ["k".repeat(1e6)]: 1 };
    loop["again"] = loop;
    const classless = { constructor: { name: "no function" }, x: mx.zeros([1]) };
    for (const value of [wide(3), loop, classless, new Map([[loop, loop]]), "y".repeat(1e6)]) {
      let message = "";
      try {
        mx.eye(any(value));
      } catch (error) {
        ({ message } = error as Error);
      }
      expect(message).toMatch(/^\[eye\] n: expected an integer, received ./);
      expect(message.length).toBeLessThan(300);
    }
  });

  test("no code of a value's own runs for an error", () => {
    let runs = 0;
    const run = () => {
      runs++;
      return 1;
    };
    const traps = new Proxy({}, new Proxy({}, { get: () => run }));
    const hostile = {
      a: mx.ones([2]),
      get b() {
        return run();
      },
      [inspect.custom]: run,
      toString: run,
      inner: traps,
      get [Symbol.toStringTag]() {
        return String(run());
      },
    };
    class Names extends Map<number, number> {
      override get size() {
        return run();
      }
      override entries() {
        run();
        return super.entries();
      }
      override [Symbol.iterator]() {
        run();
        return super[Symbol.iterator]();
      }
    }
    class Floats extends Float32Array {
      override get length() {
        return run();
      }
      static override get name() {
        return String(run());
      }
    }
    const failed = Object.defineProperty(new Error("x"), "message", { get: run });
    const heir = Object.create(new Proxy({}, { get: run, getPrototypeOf: run as () => never }));
    for (const value of [traps, new Names([[1, 2]]), new Floats(2), failed, heir]) {
      expect(() => mx.eye(any([value]))).toThrow("[eye] n: expected an integer, received [ ");
    }
    expect(() => mx.zeros(any(hostile))).toThrow(
      "received { a: float32 array of shape [2], b: [Getter]",
    );
    expect(() => mx.expandDims(mx.ones([2]), any(hostile))).toThrow("b: [Getter]");
    expect(runs).toBe(0);
  });

  test("ranges", () => {
    expect(() => mx.zeros([2 ** 31])).toThrow(RangeError);
    expect(() => mx.zeros([Number.NaN])).toThrow(TypeError);
    expect(() => mx.zeros([1.5])).toThrow(TypeError);
    expect(() => mx.add(mx.array([1]), 2n ** 64n)).toThrow(RangeError);
    expect(() => mx.array([[1], [1, 2]])).toThrow(RangeError);
  });

  test("MLX's own text arrives untouched", () => {
    expect(() => mx.add(mx.zeros([2]), mx.zeros([3]))).toThrow(
      new Error("[broadcast_shapes] Shapes (2) and (3) cannot be broadcast."),
    );
    expect(() => mx.matmul(mx.zeros([2, 3]), mx.zeros([2, 3]))).toThrow(/\[matmul\]/);
  });
});

describe("hostile values", () => {
  // Its getters refuse it, and their error told of it by way of its getters, as deep as
  // the stack goes; where V8 compiles a regular expression there, the process ends.
  test("what only inherits from an array is described without its getters", () => {
    const heir = Object.create(mx.array.prototype);
    for (const call of [() => heir.disposed, () => heir.shape, () => mx.eval(heir)]) {
      expect(call).toThrow("received an object that inherits from an array");
    }
  });

  test("cycles and depth", () => {
    const list: unknown[] = [];
    list.push(list);
    expect(() => mx.array(any(list))).toThrow(RangeError);
    const tree: Record<string, unknown> = { x: mx.array([1]) };
    tree["self"] = tree;
    expect(() => mx.eval(tree)).toThrow(TypeError);
    expect(() => mx.grad(any((t: { x: mx.array }) => t.x))(tree)).toThrow(TypeError);
    expect(mx.tidy(() => tree)).toBe(tree);
  });

  test("detached buffers", () => {
    const data = new Float32Array([1, 2, 3]);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    expect(() => mx.array(data)).toThrow("expected a view of a buffer that is still there");
  });

  test("values that throw when looked at", () => {
    const thrower = new Proxy(
      {},
      {
        get() {
          throw new Error("looked at");
        },
        ownKeys() {
          throw new Error("looked at");
        },
      },
    );
    expect(() => mx.add(any(thrower), 1)).toThrow(Error);
    expect(() => mx.sum(mx.array([1]), 0, any(thrower))).toThrow(Error);
    expect(mx.array([1]).item()).toBe(1);
  });

  test("symbols, functions, dates", () => {
    for (const value of [Symbol("s"), () => 1, new Date(0), /x/, new Map()]) {
      expect(() => mx.add(any(value), mx.array([1]))).toThrow(TypeError);
      expect(() => mx.array(any(value))).toThrow(TypeError);
      expect(() => mx.array(any([value]))).toThrow(TypeError);
    }
  });

  test("an option changed while it is read", () => {
    const x = mx.array([1, 2]);
    const options = {
      get stream() {
        x.dispose();
        return mx.cpu;
      },
    };
    // The array was valid when it was looked at; the addon looks again.
    expect(() => mx.add(x, x, options)).toThrow(TypeError);
  });
});

describe("user functions that throw", () => {
  const thrown = [new Error("boom"), new TypeError("boom"), null, undefined, 0, "text"];

  test.each(thrown)("in grad, %#", (value) => {
    let caught: unknown = "nothing";
    try {
      mx.grad((_: mx.array): mx.array => {
        throw value;
      })(mx.array(1));
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(value);
    // And the next one works.
    expect(
      mx
        .grad((x: mx.array) => mx.multiply(x, x))(mx.array(3))
        .item(),
    ).toBe(6);
  });

  test("in a nested grad", () => {
    const boom = new Error("boom");
    const inner = mx.grad((_: mx.array): mx.array => {
      throw boom;
    });
    expect(() => mx.grad((x: mx.array) => inner(x))(mx.array(1))).toThrow(boom);
  });

  test("what grad cannot differentiate", () => {
    const x = mx.array(1);
    expect(() => mx.grad(any(() => 3))(x)).toThrow(/expected an array, received 3/);
    expect(() => mx.valueAndGrad(any(() => 3))(x)).toThrow(/expected an array or a list/);
    expect(() => mx.grad(any(async () => x))(x)).toThrow(/asynchronous/);
    expect(() => mx.grad((a: mx.array) => a)(mx.array([1, 2]))).toThrow(Error);
    expect(() =>
      mx.grad(
        any((a: mx.array) => a),
        1,
      )(x),
    ).toThrow(RangeError);
    expect(() =>
      mx.grad(
        any((a: mx.array) => a),
        any("0"),
      )(x),
    ).toThrow(TypeError);
    expect(() => mx.grad(any((a: mx.array) => a))(any(1))).toThrow(TypeError);
    expect(() => mx.grad(any(null))).toThrow(TypeError);
  });

  test("evaluating inside is MLX's business", () => {
    const f = mx.valueAndGrad((x: mx.array) => {
      mx.eval(x);
      return mx.multiply(x, x);
    });
    expect(f(mx.array(3))[1].item()).toBe(6);
  });
});

/** What a call throws, or a promise is rejected with. */
async function failureOf(call: () => unknown): Promise<Error & { code?: string }> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  return expect.unreachable();
}

describe("codes", () => {
  const disposed = () => {
    const x = mx.array([1]);
    x.dispose();
    return x;
  };
  const inverse = () => mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
  const huge = () => mx.matmul(mx.ones([1 << 22, 1]), mx.ones([1, 1 << 22]));
  const lateIndex = () => mx.take(mx.array([1, 2]), mx.add(mx.array([5], mx.int32), 1));
  const x = mx.array([1, 2]);

  test.each<[string, new () => Error, () => unknown]>([
    ["ERR_INVALID_ARG_TYPE", TypeError, () => mx.add(any("x"), 1)],
    ["ERR_INVALID_ARG_TYPE", TypeError, () => mx.sum(x, 0, any({ keepDims: true }))],
    ["ERR_INVALID_ARG_TYPE", TypeError, () => mx.eval(any("x"))],
    ["ERR_INVALID_ARG_TYPE", TypeError, () => mx.asyncEval(any(1))],
    ["ERR_INVALID_ARG_TYPE", TypeError, () => any(mx.array.prototype).sum.call({})],
    ["ERR_INVALID_ARG_TYPE", TypeError, () => mx.tidy(any(1))],
    ["ERR_INVALID_ARG_TYPE", Error, () => mx.asarray([1], null, { copy: false })],
    ["ERR_OUT_OF_RANGE", RangeError, () => mx.stream(mx.cpu, () => mx.zeros([2 ** 40]))],
    ["ERR_OUT_OF_RANGE", RangeError, () => x.item()],
    ["ERR_OUT_OF_RANGE", RangeError, () => x.get(7)],
    ["ERR_OUT_OF_RANGE", RangeError, () => lateIndex().tolist()],
    ["ERR_OUT_OF_RANGE", RangeError, () => mx.asyncEval(lateIndex())],
    ["ERR_MLX_DISPOSED", TypeError, () => mx.add(disposed(), 1)],
    ["ERR_MLX_DISPOSED", TypeError, () => disposed().shape],
    ["ERR_MLX_DISPOSED", TypeError, () => mx.asyncEval(disposed())],
    ["ERR_MLX_OPERATION", Error, () => mx.add(x, mx.array([1, 2, 3]))],
    ["ERR_MLX_EVALUATION", Error, () => inverse().tolist()],
    ["ERR_MLX_EVALUATION", Error, () => mx.asyncEval(mx.add(inverse(), 1))],
    ["ERR_MLX_OUT_OF_MEMORY", Error, () => mx.eval(huge())],
    ["ERR_MLX_OUT_OF_MEMORY", Error, () => mx.asyncEval(huge().sum())],
    ["ENOENT", Error, () => mx.load("/nowhere/x.npy")],
  ])("%s, %#", async (code, type, call) => {
    const error = await failureOf(call);
    expect(error.code).toBe(code);
    expect(error.constructor).toBe(type);
  });

  test("all errors that lib makes are given one", () => {
    const lib = join(import.meta.dirname ?? __dirname, "..", "lib");
    const files = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const bare = files.flatMap((file) => {
      const made = /(?<!withCode\(\s*)new (Type|Range)Error\(/.test(
        readFileSync(join(lib, file), "utf8"),
      );
      return made ? [file] : [];
    });
    expect(files.length).toBeGreaterThan(80);
    expect(bare).toEqual([]);
  });

  test("a failure has its code whenever it is met again", async () => {
    const failed = inverse();
    const sum = mx.add(failed.sum(), x.sum());
    await failureOf(() => mx.asyncEval(sum));
    for (const read of [() => failed.tolist(), () => sum.item(), () => mx.asyncEval(sum)]) {
      expect(await failureOf(read)).toMatchObject({ code: "ERR_MLX_EVALUATION" });
    }
  });
});

describe("which call failed", () => {
  const inverse = () => mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
  const huge = () => mx.matmul(mx.ones([1 << 22, 1]), mx.ones([1, 1 << 22]));
  const evaluations: [string, (x: mx.array) => unknown][] = [
    ["item", (x) => x.item()],
    ["eval", (x) => mx.eval(x)],
    ["asyncEval", (x) => mx.asyncEval(x)],
  ];

  test.each(evaluations)("%s names the operation, and no stack", async (_, evaluate) => {
    const memory = await failureOf(() => evaluate(mx.add(huge(), 1).sum()));
    expect(memory.message).toMatch(/^\[malloc\] Unable to allocate \d+ bytes\. \(in Matmul\)$/);
    // MLX's text does already.
    const values = await failureOf(() => evaluate(inverse().sum()));
    expect(values.message).toMatch(/^\[Inverse::eval_cpu\] [^()]*$/);
    expect([memory.cause, values.cause]).toEqual([undefined, undefined]);
  });

  test.each(evaluations)(
    "%s has the calls that made it, if they are noted",
    async (_, evaluate) => {
      function inner(make: () => mx.array) {
        return make();
      }
      mx.setTracebacks(true);
      try {
        for (const make of [inverse, huge]) {
          const sum = mx.tidy(() => mx.add(mx.multiply(inner(make), 2), 1).sum());
          const { cause } = await failureOf(() => evaluate(sum));
          const { message, stack } = cause as Error;
          expect(message).toBe(`${make === inverse ? "Inverse" : "Matmul"} was called here`);
          const [first, second, third] = String(stack).split("\n").slice(1);
          expect(first).toMatch(new RegExp(`at ${make.name} .*errors\\.test\\.ts`));
          expect(second).toMatch(/at inner /);
          expect(third).toMatch(/errors\.test\.ts/);
          expect(stack).not.toMatch(/mlx\.js|lib\/core|node:/);
        }
        // Its own stack is that of whoever asks for the value.
        const twice = inverse();
        const [a, b] = [
          await failureOf(() => evaluate(twice.sum())),
          await failureOf(() => twice.tolist()),
        ];
        expect((a.cause as Error).stack).toBe((b.cause as Error).stack);
      } finally {
        mx.setTracebacks(false);
      }
      expect((await failureOf(() => evaluate(inverse().sum()))).cause).toBeUndefined();
    },
  );

  test("an operation that a call only makes along with its own", async () => {
    mx.setTracebacks(true);
    try {
      const { cause } = await failureOf(function outer() {
        const pinv = mx.linalg.pinv(mx.full([2, 2], Number.NaN), { stream: mx.cpu });
        return pinv.tolist();
      });
      expect((cause as Error).stack).toMatch(/was called here\n {4}at outer /);
    } finally {
      mx.setTracebacks(false);
    }
  });

  test("a write to an array that is there", async () => {
    const x = mx.zeros([3]);
    mx.setTracebacks(true);
    try {
      const late = mx.multiply(mx.array([2], mx.int32), 4);
      const { cause } = await failureOf(function writer() {
        x.set([late], 1);
        return x.tolist();
      });
      expect((cause as Error).stack).toMatch(/was called here\n {4}at writer /);
    } finally {
      mx.setTracebacks(false);
    }
  });

  test("many arrays while calls are noted, of which most are gone", () => {
    mx.setTracebacks(true);
    try {
      for (let i = 0; i < 3000; i++) {
        mx.tidy(() => mx.add(mx.array([i]), 1).item());
      }
      expect(mx.tidy(() => mx.add(mx.array([1]), 1).item())).toBe(2);
    } finally {
      mx.setTracebacks(false);
    }
    expect(() => mx.setTracebacks(any("yes"))).toThrow(
      new TypeError('[setTracebacks] enabled: expected a boolean, received "yes"'),
    );
  });
});
