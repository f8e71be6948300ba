// Arguments that run code when they are read, which calls the package itself.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import mlx from "mlx-js";
import { same, sameTargets } from "./same.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const { core: mx } = mlx;

setFlagsFromString("--expose-gc");
/** @type {() => void} */
export const collect = runInNewContext("gc");

/** @type {Record<string, () => void>} */
const acts = {
  // More than what calls share has room for.
  many() {
    for (let i = 0; i < 1500; i++) {
      mx.add(777, 888);
    }
  },
  lists() {
    for (let i = 0; i < 200; i++) {
      mx.sum(mx.full([5, 1, 2], i), [0, 2], { keepdims: true });
    }
  },
  collect,
  evaluate: () => mx.eval(mx.exp(mx.arange(5))),
  transform: () => mx.eval(mx.grad((/** @type {Any} */ x) => mx.sum(mx.square(x)))(mx.ones([3]))),
  compile: () => mx.eval(mx.compile((/** @type {Any} */ x) => mx.add(mx.exp(x), 1))(mx.ones([4]))),
  vmap: () => mx.eval(mx.vmap((/** @type {Any} */ x) => mx.sum(x))(mx.ones([2, 3]))),
  scopes: () => void mx.tidy(() => mx.tidy(() => mx.add(1, 2)).dispose()),
  streams: () => void mx.stream(mx.newStream(mx.cpu), () => mx.eval(mx.add(1, 2))),
  print: () => void String(mx.arange(2000)),
  fail() {
    try {
      mx.reshape(mx.ones([2, 3]), [4, 4]);
    } catch {}
  },
  dispose: () => mx.ones([7]).dispose(),
};
const names = Object.keys(acts);

const checks = {
  same,
  /** What stands for an array. @param {string} act @param {Any} x */
  like: (act, x) => ({
    __mlx_array__() {
      acts[act]?.();
      return x;
    },
  }),
  /** A list or record whose parts are read by getters. @param {string} act @param {Any} x */
  getting(act, x) {
    const out = Array.isArray(x) ? [] : {};
    for (const [key, value] of Object.entries(x)) {
      const get = () => {
        acts[act]?.();
        return value;
      };
      Object.defineProperty(out, key, { get, enumerable: true, configurable: true });
    }
    return out;
  },
  /** @param {string} act @param {Any} x */
  proxied(act, x) {
    const busy =
      (/** @type {Any} */ trap) =>
      (/** @type {Any[]} */ ...args) => {
        acts[act]?.();
        return trap(...args);
      };
    return new Proxy(x, {
      get: busy(Reflect.get),
      has: busy(Reflect.has),
      ownKeys: busy(Reflect.ownKeys),
      getOwnPropertyDescriptor: busy(Reflect.getOwnPropertyDescriptor),
    });
  },
  /** A number that is asked what it is. @param {string} act @param {Any} x */
  primitive: (act, x) => ({
    valueOf() {
      acts[act]?.();
      return x;
    },
  }),
};

/** @param {string} before @param {number} how */
function change(before, how) {
  const act = JSON.stringify(names[how % names.length]);
  if (/^(known|mx\.transpose)\(/.test(before)) {
    return `like(${act}, ${before})`;
  }
  if (/^[[{]/.test(before)) {
    return `${how % 3 === 0 ? "proxied" : "getting"}(${act}, ${before})`;
  }
  return /^-?\d/.test(before) && how % 7 === 0 ? `primitive(${act}, ${before})` : before;
}

/** @type {import("./kinds.mjs").Kind} */
export const kind = { checks, targets: sameTargets("busy arguments", change, true) };
