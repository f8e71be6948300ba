/** Between arrays and what JavaScript has: typed arrays, bigints, text, JSON. */
import { format, inspect } from "node:util";
import { mx, type mx as types } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { Float16Array }: Partial<typeof globalThis> = globalThis;

describe("typed arrays", () => {
  const kinds = [
    [Int8Array, mx.int8, Int8Array],
    [Uint8Array, mx.uint8, Uint8Array],
    [Uint8ClampedArray, mx.uint8, Uint8Array],
    [Int16Array, mx.int16, Int16Array],
    [Uint16Array, mx.uint16, Uint16Array],
    [Int32Array, mx.int32, Int32Array],
    [Uint32Array, mx.uint32, Uint32Array],
    [Float32Array, mx.float32, Float32Array],
    [Float64Array, mx.float32, Float32Array],
    [BigInt64Array, mx.int64, BigInt64Array],
    [BigUint64Array, mx.uint64, BigUint64Array],
    ...(Float16Array === undefined ? [] : [[Float16Array, mx.float16, Float16Array] as const]),
  ] as const;

  test.each(kinds)("%O", (Kind, dtype, Out) => {
    const big = dtype === mx.int64 || dtype === mx.uint64;
    const values = big ? [5n, 0n, 7n, 100n] : [5, 0, 7, 100];
    const typed = any(Kind).from(values);
    const x = mx.array(typed);
    expect(x.dtype).toBe(dtype);
    expect(x.tolist()).toEqual(values);
    typed[0] = typed[1];
    expect(x.toTypedArray()).toEqual(any(Out).from(values));
    // A part of a buffer, and other dtypes.
    const part = any(Kind).from(values).subarray(2);
    expect(mx.array(part).tolist()).toEqual(values.slice(2));
    expect(mx.array(part, mx.float16).tolist()).toEqual([7, 100]);
    expect(mx.array(part, mx.float64).toTypedArray()).toEqual(new Float64Array([7, 100]));
    expect(mx.array(part, mx.int64).tolist()).toEqual([7n, 100n]);
    expect(mx.array(any(Kind).from(values), mx.bool).tolist()).toEqual([true, false, true, true]);
    expect(mx.array(new Kind(0)).shape).toEqual([0]);
  });

  test("of memory that threads share", () => {
    const typed = new Int16Array(new SharedArrayBuffer(6), 2);
    typed.set([3, -4]);
    expect(mx.array(typed).tolist()).toEqual([3, -4]);
    expect(mx.array(typed, mx.float32).tolist()).toEqual([3, -4]);
  });

  describe("out, into one that is given", () => {
    const dtypes = [
      ...[mx.bool, mx.uint8, mx.int8, mx.uint16, mx.int16, mx.uint32, mx.int32, mx.uint64],
      ...[mx.int64, mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64],
    ];

    test.each(dtypes)("$name", (dtype) => {
      const x = mx.array(
        [
          [1, 0, 3],
          [4, 5, 6],
        ],
        dtype,
      );
      const fresh = any(x.T.toTypedArray());
      const { BYTES_PER_ELEMENT: size, length } = fresh;
      for (const Memory of [ArrayBuffer, SharedArrayBuffer]) {
        const around = new fresh.constructor(new Memory((length + 2) * size));
        const into = around.subarray(1, length + 1);
        expect(x.T.toTypedArray(into)).toBe(into);
        expect(Array.from(into)).toEqual(Array.from(fresh));
        expect([around[0], around[length + 1]].map(Number)).toEqual([0, 0]);
      }
      const wrong = dtype === mx.float32 ? new Int32Array(6) : new Float32Array(length + 1);
      expect(() => x.toTypedArray(wrong)).toThrow(
        new RegExp(
          `^\\[toTypedArray\\] into: expected a .* of ${length} values, for ${dtype.name}`,
        ),
      );
    });

    test("or of a type that holds the same", () => {
      const clamped = new Uint8ClampedArray(2);
      mx.array([7, 255], mx.uint8).toTypedArray(clamped);
      expect(clamped).toEqual(new Uint8ClampedArray([7, 255]));
      const bits = new Uint16Array(2);
      mx.array([1, -2], mx.float16).toTypedArray(bits);
      expect(bits).toEqual(new Uint16Array([0x3c00, 0xc000]));
    });

    test("a single value, and none", () => {
      expect(mx.array(5).toTypedArray(new Float32Array(1))).toEqual(new Float32Array([5]));
      expect(mx.zeros([0, 3]).toTypedArray(new Float32Array(0))).toEqual(new Float32Array(0));
    });

    test("what has no room or is none is refused, and left as it is", () => {
      const x = mx.array([1, 2, 3]);
      const short = new Float32Array(2);
      expect(() => x.toTypedArray(short)).toThrow(
        new RangeError(
          "[toTypedArray] into: expected a Float32Array of 3 values, for float32, received Float32Array(2) [ 0, 0 ]",
        ),
      );
      expect(short).toEqual(new Float32Array(2));
      const gone = new Float32Array(3);
      structuredClone(gone, { transfer: [gone.buffer] });
      const proxy = new Proxy(new Float32Array(3), {});
      const likeness = Object.create(Float32Array.prototype);
      for (const into of [gone, proxy, likeness, null, [0, 0, 0], new ArrayBuffer(12), 3]) {
        expect(() => x.toTypedArray(any(into))).toThrow(/^\[toTypedArray\] into: expected a /);
      }
      x.dispose();
      expect(() => x.toTypedArray(new Float32Array(3))).toThrow("disposed");
    });
  });

  test("float16 comes as itself where there is a Float16Array", () => {
    const bits = mx.array([1, -2], mx.float16).toTypedArray();
    expect(bits).toEqual(
      Float16Array === undefined ? new Uint16Array([0x3c00, 0xc000]) : Float16Array.of(1, -2),
    );
    expect(mx.array([1, -2], mx.bfloat16).toTypedArray()).toEqual(
      new Uint16Array([0x3f80, 0xc000]),
    );
  });

  test("views and buffers without a type are none", () => {
    for (const data of [new DataView(new ArrayBuffer(4)), new ArrayBuffer(4)]) {
      expect(() => mx.array(any(data))).toThrow(/^\[array\] data: expected numbers, booleans/);
    }
  });

  const dtypes = [undefined, mx.float32, mx.float16, mx.bfloat16, mx.int64, mx.bool, mx.complex64];

  /** Whatever is asked for, as an array and in a list, is one of these or a TypeError. */
  function expectGone(view: ArrayBufferView) {
    for (const dtype of dtypes) {
      for (const data of [view, [view], [[1, 2], view]]) {
        const run = () => mx.array(any(data), dtype);
        expect(run).toThrow(TypeError);
        expect(run).toThrow("[array] data: expected a view of a buffer that is still there");
      }
    }
  }

  test("a view of a buffer that is gone is none", () => {
    for (const [Kind] of kinds) {
      const typed = new Kind(3);
      structuredClone(typed.buffer, { transfer: [typed.buffer] });
      expectGone(typed);
    }
  });

  test("nor is one of a part that a buffer has no more", () => {
    const buffer = new (any(ArrayBuffer))(32, { maxByteLength: 64 });
    const part = new Float32Array(buffer, 16, 4);
    const end = new Float32Array(buffer, 16);
    const whole = new Float32Array(buffer).fill(3);
    expect(mx.array(part).tolist()).toEqual([3, 3, 3, 3]);
    buffer.resize(16);
    expectGone(part);
    // These follow the buffer's length.
    expect(mx.array(end).shape).toEqual([0]);
    expect(mx.array(whole).tolist()).toEqual([3, 3, 3, 3]);
    buffer.resize(8);
    expectGone(end);
    expect(mx.array(whole, mx.float16).tolist()).toEqual([3, 3]);
  });

  test("nor is one of WebAssembly's memory before it grew", () => {
    const memory = new (any(globalThis).WebAssembly.Memory)({ initial: 1, maximum: 2 });
    const view = new Int32Array(memory.buffer, 8, 2);
    view.set([5, 6]);
    expect(mx.array(view).tolist()).toEqual([5, 6]);
    memory.grow(1);
    expectGone(view);
    expect(mx.array(new Int32Array(memory.buffer, 8, 2)).tolist()).toEqual([5, 6]);
  });

  test("what typed arrays say of themselves does not count", () => {
    const lies = { length: 1e6, byteLength: 4e6, byteOffset: 999, buffer: 7, constructor: null };
    class Lying extends Float32Array {
      override get length() {
        return 1e6;
      }
      override get byteLength() {
        return 4e6;
      }
      static get [Symbol.species]() {
        return any(Int8Array);
      }
    }
    for (const dtype of dtypes) {
      const expected = mx.array([1, 0, 300], dtype).tolist();
      const own = Float32Array.of(1, 0, 300);
      for (const [name, value] of Object.entries(lies)) {
        Object.defineProperty(own, name, { get: () => value });
      }
      const inherited = Object.setPrototypeOf(Float32Array.of(1, 0, 300), lies);
      for (const typed of [own, inherited, new Lying([1, 0, 300])]) {
        expect(mx.array(typed, dtype).tolist()).toEqual(expected);
        expect(mx.array([typed], dtype).tolist()).toEqual([expected]);
      }
    }
  });

  test("lists of more elements than JavaScript can hold are refused at once", () => {
    const row = new Array(20_000).fill(1);
    const endless = new Proxy([], { get: (_, key) => (key === "length" ? 2 ** 32 - 1 : 1) });
    const x = mx.array([1, 2]);
    const calls: [() => unknown, string][] = [
      [() => mx.array(new Array(20_000).fill(row)), "[array] data"],
      [() => mx.array(endless), "[array] data"],
      [() => mx.array(new Array(2 ** 32 - 1)), "[array] data"],
      [() => mx.take(x, new Array(20_000).fill(row)), "[take] indices"],
      [() => x.get(new Array(20_000).fill(row)), "[get] indices[0]"],
      [() => x.set(endless, 1), "[set] indices"],
      [() => mx.reshape(x, endless), "[reshape] shape"],
      [() => mx.concatenate(endless), "[concatenate] arrays"],
      [() => mx.pad(x, any(endless)), "[pad] padWidth"],
    ];
    for (const [call, start] of calls) {
      expect(call).toThrow(RangeError);
      expect(call).toThrow(start);
      expect(call).toThrow("expected at most 100000000 elements (a typed array can have more)");
    }
  });

  test("proxies of lists count as lists, those of typed arrays as nothing", () => {
    for (const dtype of dtypes) {
      for (const length of [1e6, -1, 2.5, Number.NaN, "3", null, {}]) {
        const liar = new Proxy([1, 2, 3], {
          get: (list, key) => (key === "length" ? length : Reflect.get(list, key)),
        });
        expect(() => mx.array(liar, dtype)).toThrow(TypeError);
        expect(() => mx.array(any([[1, 2], liar]), dtype)).toThrow(Error);
      }
      const longer = new Proxy([1, 2], { get: (list, key) => (key === "0" ? 5 : any(list)[key]) });
      expect(mx.array(longer, dtype).tolist()).toEqual(mx.array([5, 2], dtype).tolist());
      expect(() => mx.array(new Proxy(new Float32Array(2), {}), dtype)).toThrow(TypeError);
    }
    // What gives another value each time is asked once.
    let reads = 0;
    const counting = new Proxy([[0, 0]], {
      get: (list, key) => (key === "0" ? [++reads, ++reads] : any(list)[key]),
    });
    expect(mx.array(counting).tolist()).toEqual([[1, 2]]);
    const part = {
      get re() {
        return ++reads;
      },
      get im() {
        return reads;
      },
    };
    expect(mx.array([part, part]).tolist()).toEqual([
      { re: 3, im: 3 },
      { re: 4, im: 4 },
    ]);
    expect(mx.array(part).item()).toEqual({ re: 5, im: 5 });
  });
});

describe("bigints", () => {
  test("reach 64 bits, and no further", () => {
    expect(mx.array([2n ** 64n - 1n, 0n]).tolist()).toEqual([2n ** 64n - 1n, 0n]);
    expect(mx.array([-(2n ** 63n), 2n ** 63n - 1n]).tolist()).toEqual([
      -(2n ** 63n),
      2n ** 63n - 1n,
    ]);
    for (const values of [[2n ** 64n], [-(2n ** 63n) - 1n], [-1n, 2n ** 63n]]) {
      expect(() => mx.array(values)).toThrow(RangeError);
      expect(() => mx.array(values)).toThrow(/expected bigints that fit int64 or uint64/);
    }
    expect(() => mx.add(mx.array([1n]), 2n ** 64n)).toThrow(RangeError);
    expect(() => mx.array([1n, 2])).toThrow(TypeError);
  });
});

describe("operators", () => {
  test("an array of one is its value", () => {
    expect(+any(mx.array([3]))).toBe(3);
    expect(any(mx.array([[3]])) + 1).toBe(4);
    expect(any(mx.array(3n)) + 1n).toBe(4n);
    expect(any(mx.array(true)) + 1).toBe(2);
    expect(any(mx.array(3)) < 4).toBe(true);
    expect(any(mx.array(3)) > mx.array([4])).toBe(false);
    // biome-ignore lint/suspicious/noDoubleEquals: that it converts is the point
    expect(any(mx.array(3)) == 3).toBe(true);
    expect(`${mx.array(3)}`).toBe("array(3, dtype=float32)");
  });

  test("other arrays are text in templates, and nothing to operators", () => {
    expect(`${mx.array([1, 2])}`).toBe("array([1, 2], dtype=float32)");
    for (const x of [mx.array([1, 2]), mx.zeros([0]), mx.array({ re: 1, im: 1 })].map(any)) {
      for (const run of [() => +x, () => x + 1, () => x * x, () => x < 3]) {
        expect(run).toThrow(TypeError);
        expect(run).toThrow("[array] expected a single real value, received ");
        expect(run).toThrow(
          "; write x.add(y) for x + y, x.negative() for -x, x.greater(y) for x > y, x.equal(y) for x == y, String(x) for the text",
        );
      }
    }
  });

  test("an array is no list", () => {
    const x = any(mx.array([1, 2], mx.uint8));
    const takers: [() => unknown, string][] = [
      [() => Buffer.from(x), ""],
      [() => Buffer.from(mx.array([[1], [2]]) as never), ""],
      [() => new Float32Array(4).set(x), ""],
      [() => Math.max.apply(null, x), ""],
      [() => Array.prototype.map.call(x, (y) => y), ""],
      [() => x[-1], "x.get(-1), or x.toTypedArray() for all values, received x[-1]"],
      [() => x[0], "x.get(0), or x.toTypedArray() for all values, received x[0]"],
      [() => x[7], "x.get(7), or x.toTypedArray() for all values, received x[7]"],
      [
        () => {
          x[1] = 3;
        },
        "x.set([1], value), received x[1] = value",
      ],
    ];
    for (const [run, text] of takers) {
      expect(run).toThrow(TypeError);
      expect(run).toThrow(`[array] expected ${text}`);
    }
    expect(Buffer.from(mx.zeros([0]) as never)).toHaveLength(0);
    expect(x.tolist()).toEqual([1, 2]);
    expect(Object.keys(x)).toEqual([]);
    // What goes through it has the values.
    expect(Buffer.from(x.toTypedArray())).toEqual(Buffer.of(1, 2));
    expect(new Uint8Array(x)).toEqual(Uint8Array.of(1, 2));
    expect(Float32Array.from(x)).toEqual(Float32Array.of(1, 2));
    expect([...x].map((row) => row.item())).toEqual([1, 2]);
    expect(Array.from(x, (row: types.array) => row.item())).toEqual([1, 2]);
  });
});

describe("iteration", () => {
  test("goes over the first axis", () => {
    const x = mx.array([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    expect(x.length).toBe(3);
    expect([...x].map((row) => row.tolist())).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const [, second] = x;
    expect(second?.tolist()).toEqual([3, 4]);
    expect([...mx.zeros([0, 2])]).toEqual([]);
  });

  test("needs one", () => {
    expect(() => [...mx.array(1)]).toThrow(TypeError);
    expect(() => mx.array(1).length).toThrow(/expected an array with dimensions/);
  });
});

describe("text", () => {
  test("in records and lists, at any depth that is shown", () => {
    const x = mx.array([
      [1, 2],
      [3, 4],
    ]);
    expect(inspect({ a: x, b: [mx.array(1n)] })).toBe(
      [
        "{",
        "  a: array([[1, 2],",
        "         [3, 4]], dtype=float32),",
        "  b: [ array(1, dtype=int64) ]",
        "}",
      ].join("\n"),
    );
    expect(inspect({ a: mx.array([1]), b: { c: mx.array([2]) } }, { depth: 0 })).toBe(
      "{ a: array([1], dtype=float32), b: [Object] }",
    );
    expect(inspect([mx.array([1])], { colors: true })).toBe("[ array([1], dtype=float32) ]");
    expect(format("%s and %o", mx.array([1]), mx.array([2]))).toBe(
      "array([1], dtype=float32) and array([2], dtype=float32)",
    );
  });

  test("is abbreviated", () => {
    expect(inspect(mx.arange(2000))).toBe("array([0, 1, 2, ..., 1997, 1998, 1999], dtype=int32)");
    expect(inspect(mx.zeros([100, 100])).split("\n")).toHaveLength(7);
  });
});

describe("copies that JavaScript makes", () => {
  test("JSON has the values", () => {
    const x = mx.array([
      [1, 0.5],
      [-3, Number.NaN],
    ]);
    expect(JSON.stringify({ x, y: [mx.array(true)], z: mx.array([{ re: 1, im: 2 }]) })).toBe(
      '{"x":[[1,0.5],[-3,null]],"y":[true],"z":[{"re":1,"im":2}]}',
    );
    expect(() => JSON.stringify(mx.array(1n))).toThrow(/BigInt/);
    const gone = mx.array([1]);
    gone.dispose();
    expect(() => JSON.stringify(gone)).toThrow(/disposed/);
  });

  test("a clone is no array", () => {
    const clone = structuredClone(mx.array([1, 2]));
    expect(clone instanceof mx.array).toBe(false);
    expect(() => mx.add(clone, 1)).toThrow(
      new TypeError("[add] a: expected an array or a scalar, received {}"),
    );
  });
});

describe("what stands for an array", () => {
  const pair: types.ArrayLike = { __mlx_array__: () => mx.array([3, 4]) };

  test("may be used where a scalar may", () => {
    expect(mx.subtract(pair, 1).tolist()).toEqual([2, 3]);
    expect(mx.subtract(mx.array([10, 20]), pair).tolist()).toEqual([7, 16]);
    expect(mx.where(mx.array([true, false]), pair, mx.array(0)).tolist()).toEqual([3, 0]);
    expect(mx.array([1, 2]).multiply(pair).tolist()).toEqual([3, 8]);
    expect(mx.array(pair).tolist()).toEqual([3, 4]);
    expect(mx.array(pair, mx.int32).dtype).toBe(mx.int32);
    expect(mx.asarray(pair).tolist()).toEqual([3, 4]);
  });

  test("keeps its array for as long as the call needs it", () => {
    let wrong = 0;
    for (let i = 0; i < 20_000; i++) {
      const y = mx.subtract(pair, pair);
      wrong += i % 100 === 0 && y.tolist()?.toString() !== "0,0" ? 1 : 0;
    }
    expect(wrong).toBe(0);
  });

  test("is known by its method", () => {
    class Half extends mx.ArrayLike {
      override __mlx_array__() {
        return mx.array(0.5);
      }
    }
    expect(mx.add(new Half(), 1).item()).toBe(1.5);
    expect(new Half() instanceof mx.ArrayLike).toBe(true);
    expect(any(pair) instanceof mx.ArrayLike).toBe(true);
    for (const x of [mx.array(1), 1, null, undefined, {}]) {
      expect(any(x) instanceof mx.ArrayLike).toBe(false);
    }
  });

  test("has to give one", () => {
    const message = "expected an array from __mlx_array__, received 3";
    const three = any({ __mlx_array__: () => 3 });
    expect(() => mx.add(1, three)).toThrow(new TypeError(`[add] b: ${message}`));
    expect(() => mx.array(three)).toThrow(new TypeError(`[array] data: ${message}`));
    const error = new Error("mine");
    const throws = any({
      __mlx_array__() {
        throw error;
      },
    });
    expect(() => mx.add(throws, 1)).toThrow(error);
  });
});

test("matrixNorm is the norm of linalg", () => {
  const x = mx.array([[3, 0, 4]]);
  expect(mx.matrixNorm(x, "fro", [0, 1]).item()).toBe(5);
  expect(mx.matrixNorm(x, null, -1, { keepdims: true }).tolist()).toEqual([[5]]);
});
