// Typed arrays and buffers that are not what they say: their length lies, they
// have lost their memory, or it changes while they are read.
import vm from "node:vm";
import fc from "fast-check";
import mlx from "mlx-js";
import { Finding, isTyped, text } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ type: string, lie: string, how: string, dtype: string, size: number }} Case */

const { core: mx } = mlx;

const types = [
  ...["Float32Array", "Float64Array", "Int8Array", "Uint8Array", "Uint8ClampedArray"],
  ...["Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "BigInt64Array", "BigUint64Array"],
];

/** @typedef {{ x: Any, values: number[] }} Made an array, and what is in it; none if it has no memory */

const numbers = (/** @type {number} */ size) => Array.from({ length: size }, (_, i) => (i % 5) + 1);

/** @param {string} type @param {number} size @returns {Any} */
function make(type, size) {
  const big = type.startsWith("Big");
  return /** @type {Any} */ (globalThis)[type].from(
    big ? numbers(size).map(BigInt) : numbers(size),
  );
}

/** @type {Record<string, (type: string, size: number) => Made | undefined>} */
const lies = {
  nothing: (type, size) => ({ x: make(type, size), values: numbers(size) }),
  own(type, size) {
    const x = make(type, size);
    for (const name of ["length", "byteLength", "byteOffset", "buffer", "constructor"]) {
      Object.defineProperty(x, name, { get: () => 1 << 28 });
    }
    return { x, values: numbers(size) };
  },
  inherited(type, size) {
    class Liar extends /** @type {Any} */ (globalThis)[type] {
      get length() {
        return 1 << 30;
      }
      get byteLength() {
        return 1 << 30;
      }
      get [Symbol.toStringTag]() {
        return "Float64Array";
      }
      *[Symbol.iterator]() {
        yield "a";
      }
    }
    return { x: /** @type {Any} */ (Liar).from(make(type, size)), values: numbers(size) };
  },
  otherPrototype(type, size) {
    const x = make(type, size);
    Object.setPrototypeOf(
      x,
      type === "Float32Array" ? BigInt64Array.prototype : Float32Array.prototype,
    );
    return { x, values: numbers(size) };
  },
  listPrototype(type, size) {
    const x = make(type, size);
    Object.setPrototypeOf(x, Array.prototype);
    return { x, values: numbers(size) };
  },
  proxied: (type, size) => ({ x: new Proxy(make(type, size), {}), values: numbers(size) }),
  proxiedList: (_, size) => ({
    x: new Proxy(numbers(size), {
      get: (list, key) => (key === "length" ? 100 : Reflect.get(list, key)),
    }),
    values: numbers(size),
  }),
  foreign: (type, size) => ({
    x: vm.runInNewContext(`${type}.from(values)`, {
      values: type.startsWith("Big") ? numbers(size).map(BigInt) : numbers(size),
    }),
    values: numbers(size),
  }),
  offset(type, size) {
    const x = make(type, size + 2);
    return { x: x.subarray(1, size + 1), values: numbers(size + 2).slice(1, size + 1) };
  },
  detached(type, size) {
    const x = make(type, size);
    structuredClone(x.buffer, { transfer: [x.buffer] });
    return { x, values: [] };
  },
  shrunk(type, size) {
    const of = /** @type {Any} */ (globalThis)[type];
    const bytes = of.BYTES_PER_ELEMENT;
    const buffer = new /** @type {Any} */ (ArrayBuffer)((size + 2) * bytes, {
      maxByteLength: 1 << 20,
    });
    const x = new of(buffer, bytes, size + 1);
    if (typeof (/** @type {Any} */ (buffer).resize) !== "function") {
      return undefined;
    }
    /** @type {Any} */ (buffer).resize(bytes);
    return { x, values: [] };
  },
  grown(type, size) {
    const of = /** @type {Any} */ (globalThis)[type];
    const bytes = of.BYTES_PER_ELEMENT;
    const buffer = new /** @type {Any} */ (ArrayBuffer)(bytes, { maxByteLength: 1 << 20 });
    const x = new of(buffer);
    if (typeof (/** @type {Any} */ (buffer).resize) !== "function") {
      return undefined;
    }
    /** @type {Any} */ (buffer).resize(size * bytes);
    x.set(make(type, size));
    return { x, values: numbers(size) };
  },
  wasm(type) {
    const memory = new /** @type {Any} */ (globalThis).WebAssembly.Memory({
      initial: 1,
      maximum: 4,
    });
    const x = new /** @type {Any} */ (globalThis)[type](memory.buffer, 0, 8);
    memory.grow(1);
    return { x, values: [] };
  },
  shared(type, size) {
    const of = /** @type {Any} */ (globalThis)[type];
    const x = new of(new SharedArrayBuffer(size * of.BYTES_PER_ELEMENT));
    x.set(make(type, size));
    return { x, values: numbers(size) };
  },
};

/** @type {Record<string, (x: Any, dtype: Any) => Any>} */
const entries = {
  array: (x) => mx.array(x),
  arrayOfType: (x, dtype) => mx.array(x, dtype),
  asarray: (x, dtype) => mx.asarray(x, dtype),
  operand: (x) => mx.add(x, mx.zeros([1])),
  nested: (x) => mx.array([x]).reshape(-1),
  set(x) {
    const y = mx.zeros([mx.array(x).size]);
    y.set([":"], mx.array(x));
    return y;
  },
  full: (x, dtype) => mx.full([mx.array(x).size], mx.array(x, dtype)),
  index: (x) => mx.take(mx.arange(6), x),
  unary: (x) => mx.positive?.(x) ?? mx.abs(x),
};

/** @param {Case} c */
function typedArrays({ type, lie, how, dtype, size }) {
  const made = lies[lie]?.(type, size);
  if (made === undefined) {
    return;
  }
  mx.tidy(() => {
    let received;
    try {
      received = entries[how]?.(made.x, /** @type {Any} */ (mx)[dtype]);
      received = received.flatten().tolist().map(Number);
    } catch (error) {
      const refused = isTyped(error) && /^\[[\w.]+\] /.test(/** @type {Any} */ (error).message);
      if (!refused) {
        throw new Finding(/** @type {Any} */ (error).stack);
      }
      if (["nothing", "foreign", "offset"].includes(lie) && how.startsWith("array")) {
        throw new Finding(`refused what is good: ${/** @type {Any} */ (error).message}`);
      }
      return;
    }
    const expected =
      dtype === "bool" && ["arrayOfType", "asarray", "full"].includes(how)
        ? made.values.map(() => 1)
        : made.values;
    if (made.values.length === 0 && size > 0) {
      throw new Finding(`what has no memory gave ${text(received)}`);
    }
    if (text(received) !== text(expected)) {
      throw new Finding(`expected ${text(expected)}, received ${text(received)}`);
    }
  });
}

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { typedArrays },
  targets: Object.keys(lies).map((lie) => ({
    name: `a typed array with ${lie}`,
    programs: () =>
      fc
        .record({
          type: fc.constantFrom(...types),
          lie: fc.constant(lie),
          how: fc.constantFrom(...Object.keys(entries)),
          dtype: fc.constantFrom(
            "float32",
            "float16",
            "bfloat16",
            "int32",
            "uint8",
            "int64",
            "uint64",
            "bool",
          ),
          size: fc.integer({ min: 1, max: 5 }),
        })
        .map((c) => `typedArrays(${JSON.stringify(c)})`),
  })),
};
