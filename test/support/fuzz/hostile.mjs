// What the fuzzer's programs are written with, beside the package itself: each
// makes a value that is hard to take, anew for each program.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import mlx from "mlx-js";
import { damage, randomOf } from "../damages.mjs";

/** @typedef {any} Any */

const mx = mlx.core;

/** What the functions and getters here throw, beside `null`. */
export const boom = new Error("boom");

/** @type {Record<string, Any>} */
const typed = {
  bool: Uint8Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  ...{ uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array },
  ...{ int8: Int8Array, int16: Int16Array, int32: Int32Array },
};

/**
 * An array whose values are known: what is still to be computed may be an index
 * that MLX does not check.
 * @param {string} dtype
 * @param {number[]} shape
 * @param {number[]} values as many as there are, from the start again where they end
 */
function known(dtype, shape, values = [1, 2, 3]) {
  const size = shape.reduce((product, n) => product * n, 1);
  const complex = dtype === "complex64";
  const flat = Array.from({ length: complex ? 2 * size : size }, (_, i) =>
    Number(values[i % values.length] ?? 0),
  );
  const type = typed[dtype] ?? Float32Array;
  const list = type.from(
    dtype.endsWith("int64")
      ? flat.map((n) => BigInt(Number.isFinite(n) ? Math.trunc(n) : 0))
      : flat,
  );
  const to = /** @type {Any} */ (mx)[dtype];
  const x = complex ? mx.view(mx.array(list), to) : mx.array(list, to);
  const out = mx.reshape(x, shape);
  mx.eval(out);
  return out;
}

/** @type {Any} */
let common;

/** The same array for the whole program: what disposes of it does so while it is in use. */
function shared() {
  common ??= known("float32", [2, 3]);
  return common;
}

/** To be called before each program. */
export function renew() {
  common = undefined;
  leak.tracer = undefined;
}

/** Where functions leave what they were called with. */
const leak = { /** @type {Any} */ tracer: undefined };

const traps = ["get", "set", "has", "ownKeys", "getPrototypeOf", "getOwnPropertyDescriptor"];

/** @type {Record<string, Any>} */
const golden = {};

/** @param {string} family */
export function goldenCases(family) {
  golden[family] ??= JSON.parse(
    readFileSync(fileURLToPath(new URL(`../../golden/${family}.json`, import.meta.url)), "utf8"),
  ).cases;
  return golden[family];
}

/** Good files: arrays in several formats, then functions. */
export const files = ["io", "export"].flatMap(goldenCases);

/** Everything that a program can name. */
export const scope = {
  mx,
  nn: mlx.nn,
  optim: mlx.optimizers,
  utils: mlx.utils,
  boom,
  known,
  shared,
  leak,
  /**
   * A method or a getter of arrays as a function of any receiver.
   * @param {PropertyKey} name
   * @returns {(receiver: Any, ...args: Any[]) => Any}
   */
  method(name) {
    const { get, value } = /** @type {Any} */ (
      Object.getOwnPropertyDescriptor(mx.array.prototype, name)
    );
    return (receiver, ...args) => Reflect.apply(get ?? value, receiver, args);
  },
  /**
   * What a function gives that a program has made; anything else is left as it is.
   * @param {Any} x
   * @param {Any[]} args
   */
  called: (x, ...args) => (typeof x === "function" ? x(...args) : x),
  /** @param {string} code */
  foreign: (code) => vm.runInNewContext(code),
  revoked() {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  revokedList() {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  },
  /** An object all of whose traps throw. */
  throwing: () =>
    new Proxy(
      {},
      Object.fromEntries(
        traps.map((trap) => [
          trap,
          () => {
            throw boom;
          },
        ]),
      ),
    ),
  /** @param {Any} x */
  detached(x) {
    structuredClone(x.buffer ?? x, { transfer: [x.buffer ?? x] });
    return x;
  },
  /** A typed array that has become longer than its buffer. */
  shrunk() {
    const buffer = new /** @type {Any} */ (ArrayBuffer)(16, { maxByteLength: 32 });
    const x = new Float32Array(buffer, 4, 3);
    /** @type {Any} */ (buffer).resize(8);
    return x;
  },
  /** @param {Any} x */
  disposed(x) {
    x.dispose();
    return x;
  },
  cyclicList() {
    /** @type {Any[]} */
    const x = [1, [2]];
    x.push([x]);
    return x;
  },
  cyclicRecord() {
    /** @type {Any} */
    const x = { a: known("float32", [2]) };
    x.b = { c: x };
    return x;
  },
  /** Lists in lists in lists. */
  deep() {
    /** @type {Any} */
    let x = 1;
    for (let i = 0; i < 20_000; i++) {
      x = [x];
    }
    return x;
  },
  /** A list whose first element is another each time. */
  tricky() {
    const x = [1, 2];
    const values = [1, Number.NaN, -1, "a", 2 ** 40];
    let i = 0;
    Object.defineProperty(x, 0, { get: () => values[i++ % values.length], enumerable: true });
    return x;
  },
  /** A list that gets longer while it is read. */
  growing() {
    /** @type {number[]} */
    const x = [1, 1, 1];
    let times = 0;
    Object.defineProperty(x, 0, {
      get() {
        if (times++ < 8) {
          x.push(1);
        }
        return 1;
      },
      enumerable: true,
    });
    return x;
  },
  /**
   * A record whose option disposes of the shared array when it is read.
   * @param {string} name
   * @param {Any} value
   */
  disposing: (name, value) =>
    Object.defineProperty({}, name, {
      get() {
        shared().dispose();
        return value;
      },
      enumerable: true,
    }),
  /** @param {string} name */
  failing: (name) =>
    Object.defineProperty({}, name, {
      get() {
        throw boom;
      },
      enumerable: true,
    }),
  /**
   * A file's bytes, damaged, or their path.
   * @param {number} index
   * @param {number} seed
   * @param {boolean} path
   */
  damaged(index, seed, path) {
    const random = randomOf(seed);
    const { bytes } = files[index % files.length];
    /** @type {Buffer} */
    let data = Buffer.from(bytes, "base64");
    for (let times = random(3); times > 0; times--) {
      data = damage(data, random);
    }
    if (random(8) === 0) {
      const other = Buffer.from(files[random(files.length)].bytes, "base64");
      data = Buffer.concat([data.subarray(0, random(data.length)), other.subarray(random(64))]);
    }
    if (path) {
      writeFileSync("damaged", data);
      return "damaged";
    }
    return data;
  },
};

/**
 * What a program gives.
 * @param {string} text
 * @param {Record<string, Any>} more what it can name beside that
 */
export function run(text, more = {}) {
  const names = { ...scope, ...more };
  return new Function(...Object.keys(names), `return ${text};`)(...Object.values(names));
}
