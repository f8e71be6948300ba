// The side of mlx-js in the bridge: runs what the stand-in for Python's mlx (mlx/ beside this file) asks for.
//
// Requests come as lines of JSON on descriptor 3 and answers go to descriptor 4. While a function of Python's runs on
// behalf of mlx-js, its requests are served in the middle of the call: reading blocks.
import { readFileSync, readSync, writeSync } from "node:fs";
import mlx, { mx } from "mlx-js";
import { callOf, camel, placeOf, split } from "../../scripts/parity/calls.mjs";

const upstream = new URL("../../test/upstream/", import.meta.url);
/** @param {string} file */
const readJson = (file) => JSON.parse(readFileSync(new URL(file, upstream), "utf8"));
/** @type {import("../../scripts/parity/calls.mjs").Upstream} */
const { api } = readJson("api.json");

/** @typedef {any} Wire what JSON has for a value */
/** @typedef {Record<string, any>} Names */

// Names.

/** @type {Names} */
const roots = { mx, nn: mlx.nn, optim: mlx.optimizers, utils: mlx.utils };

/** @param {string} name of MLX's */
function exported(name) {
  /** @type {any} */
  let found = roots;
  for (const part of placeOf(name, api).path) {
    found = found?.[part];
  }
  return found;
}

/** MLX's name of each class, and of each function. */
const classNames = new Map();
const functionNames = new Map();
for (const [name, what] of Object.entries(api)) {
  const isMember = api[name.slice(0, name.lastIndexOf("."))] === "class";
  const found = isMember || what === "value" ? undefined : exported(name);
  if (typeof found === "function") {
    (what === "class" ? classNames : functionNames).set(found, name);
  }
}

/** @param {unknown} type a class, or one that extends it */
function classNameOf(type) {
  for (let at = type; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    if (classNames.has(at)) {
      return classNames.get(at);
    }
  }
  return undefined;
}

/**
 * A field's name. One that begins with an underscore is no parameter, in both.
 *
 * @param {string} name
 */
function field(name) {
  const [, underscores = "", word = ""] = /^(_*)(.*)$/.exec(name) ?? [];
  return underscores + camel(word);
}

/** @param {string} name */
function snake(name) {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * The names of the parameters in the calls that differ for a reason (test/upstream/differences.json).
 *
 * @type {Map<string, { names: string[], options: string[], rest: boolean }[]>}
 */
const ownCalls = new Map();
for (const { mlx: names, ours } of readJson("differences.json")) {
  const forms = (ours ?? "").split("; ").flatMap((/** @type {string} */ form) => {
    const inside = /^[^(]*\((.*)\)$/.exec(form)?.[1];
    const parts = inside === undefined ? undefined : split(inside);
    const nameOf = (/** @type {string} */ part) => /^\.*(\w+)/.exec(part)?.[1] ?? "";
    return parts === undefined
      ? []
      : {
          names: parts.filter((part) => !part.startsWith("{")).map(nameOf),
          options: split(parts.find((part) => part.startsWith("{"))?.slice(1, -1) ?? "").map(
            nameOf,
          ),
          rest: parts.some((part) => part.startsWith("...")),
        };
  });
  for (const name of [names].flat()) {
    ownCalls.set(name, forms);
  }
}

/**
 * What Python was given by name, as the arguments of a call.
 *
 * @param {string} name
 * @param {string} form the signature in Python
 * @param {Names} given
 */
function argumentsOf(name, form, given) {
  const values = new Map(Object.entries(given).map(([key, x]) => [camel(key), fromPython(x)]));
  const call = callOf(name, form, api);
  const own = ownCalls.get(name) ?? [];
  // Python's `N` is `n` where that is said.
  for (const [key, x] of [...values]) {
    const lower = key.toLowerCase();
    if (lower !== key && own.some(({ names }) => names.includes(lower))) {
      values.delete(key);
      values.set(lower, x);
    }
  }
  const fitting = own.find((x) =>
    [...values.keys()].every((key) => x.names.includes(key) || x.options.includes(key)),
  );
  const names = fitting?.names ?? call.positional.map((x) => x.name);
  const rest = fitting?.rest ?? (call.rest || own.some((x) => x.rest));
  const args = names.map((key) => values.get(key));
  const options = [...values].filter(([key]) => !names.includes(key));
  const record = options.length > 0 ? [Object.fromEntries(options)] : [];
  const last = rest ? (args.pop() ?? []) : [];
  while (record.length === 0 && last.length === 0 && args.length > 0 && args.at(-1) === undefined) {
    args.pop();
  }
  return [...args, ...last, ...record];
}

// Values.

/** @type {Map<number, object>} */
const objects = new Map();
/** @type {WeakMap<object, number>} */
const numbers = new WeakMap();
let count = 0;

/** @param {object} x */
function numberOf(x) {
  const number = numbers.get(x) ?? ++count;
  numbers.set(x, number);
  objects.set(number, x);
  return number;
}

/** @type {Map<number, Function>} */
const functions = new Map();
/** @type {WeakMap<Function, number>} */
const ofPython = new WeakMap();

/** @param {number} id */
function functionOf(id) {
  let fn = functions.get(id);
  if (fn === undefined) {
    fn = (/** @type {unknown[]} */ ...args) => callPython(id, args);
    functions.set(id, fn);
    ofPython.set(fn, id);
  }
  return fn;
}

/** @type {Names} */
const typedArrays = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  complex64: Float32Array,
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
};

/** @param {{ dtype: string, shape: number[], data: string }} numbers of NumPy */
function arrayFrom({ dtype, shape, data }) {
  const { buffer } = new Uint8Array(Buffer.from(data, "base64"));
  const flat = mx.array(new typedArrays[dtype](buffer));
  const own = { float16: mx.float16, complex64: mx.complex64, bool: mx.bool };
  const type = own[/** @type {keyof typeof own} */ (dtype)];
  return (type === undefined ? flat : flat.view(type)).reshape(shape);
}

/** @param {Wire} x */
function fromPython(x) {
  if (typeof x !== "object" || x === null) {
    return x;
  }
  if (Array.isArray(x)) {
    /** @type {unknown[]} */
    const list = x.map(fromPython);
    return list;
  }
  switch (x.t) {
    case "object":
      return objects.get(x.v);
    case "dict":
      return Object.fromEntries(
        Object.entries(x.v).map(([key, value]) => [field(key), fromPython(value)]),
      );
    case "float":
      return Number(x.v);
    case "int":
      return BigInt(x.v);
    case "complex":
      return { re: fromPython(x.v[0]), im: fromPython(x.v[1]) };
    case "numbers":
      return arrayFrom(x.v);
    case "name": {
      const { member } = placeOf(x.v, api);
      const found = exported(x.v);
      return member === undefined ? found : found[member].bind(found);
    }
    case "function":
      return functionOf(x.v);
    case "slice":
      return mx.Slice(...x.v);
    default:
      throw new Error(`The bridge has no value ${JSON.stringify(x)}`);
  }
}

/**
 * @param {any} x
 * @param {boolean} live whether lists and records are those that mlx-js has, rather than copies
 * @returns {Wire}
 */
function toPython(x, live = false) {
  switch (typeof x) {
    case "undefined":
      return null;
    case "number":
      return Number.isFinite(x) ? x : { t: "float", v: String(x).replace("Infinity", "inf") };
    case "bigint":
      return { t: "int", v: String(x) };
    case "function":
      if (ofPython.has(x)) {
        return { t: "callable", v: ofPython.get(x) };
      }
      return functionNames.has(x)
        ? { t: "name", v: functionNames.get(x) }
        : { t: "function", v: numberOf(x) };
    case "object":
      break;
    default:
      return x;
  }
  if (x === null) {
    return null;
  }
  const name = classNameOf(x.constructor);
  if (name !== undefined) {
    // What Python holds outlives the scope that it was made in.
    return { t: "object", v: numberOf(x instanceof mx.array ? mx.keep(x) : x), class: name };
  }
  if (Array.isArray(x)) {
    const list = x.map((part) => toPython(part, live));
    return live ? { t: "list", v: numberOf(x), items: list } : list;
  }
  if (Symbol.dispose in x) {
    return { t: "function", v: numberOf(x) };
  }
  const keys = Object.keys(x);
  if (keys.join() === "re,im") {
    return { t: "complex", v: [toPython(x.re), toPython(x.im)] };
  }
  const items = Object.fromEntries(keys.map((key) => [snake(key), toPython(x[key], live)]));
  return live ? { t: "record", v: numberOf(x), items } : { t: "dict", v: items };
}

// Requests.

let rest = Buffer.alloc(0);
const chunk = Buffer.alloc(1 << 16);

function read() {
  const parts = [rest];
  while (!parts.at(-1)?.includes(10)) {
    const length = readSync(3, chunk);
    if (length === 0) {
      process.exit();
    }
    parts.push(Buffer.from(chunk.subarray(0, length)));
  }
  const all = Buffer.concat(parts);
  const end = all.indexOf(10);
  rest = all.subarray(end + 1);
  return JSON.parse(all.toString("utf8", 0, end));
}

/** @param {Wire} message */
function write(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(4, bytes, at);
  }
}

/**
 * @param {number} id
 * @param {unknown[]} args
 */
function callPython(id, args) {
  write({ callback: id, args: args.map((x) => toPython(x)) });
  const answer = serve();
  if ("failed" in answer) {
    throw Object.assign(new Error("Python's function failed"), { python: answer.failed });
  }
  return fromPython(answer.done);
}

/**
 * A class of Python's own, which extends one of ours.
 *
 * @param {any} Base
 * @param {{ name: string, forward: Wire }} derived
 */
function derive(Base, { name, forward }) {
  const Derived = { [name]: class extends Base {} }[name];
  if (forward !== null) {
    const fn = fromPython(forward);
    /** @type {any} */ (Derived).prototype.forward = function (/** @type {any[]} */ ...args) {
      return fn(this, ...args);
    };
  }
  return Derived;
}

/** @type {Record<string, (request: Wire) => Wire>} */
const operations = {
  /** The class that each class extends. */
  classes: () =>
    [...classNames].map(([type, name]) => [name, classNameOf(Object.getPrototypeOf(type)) ?? null]),
  export: ({ name }) => toPython(exported(name)),
  /** A function of MLX's name, a method or a constructor. */
  call({ name, form, given, self, derived }) {
    const args = argumentsOf(name, form, given);
    const { member } = placeOf(name, api);
    if (member === undefined) {
      return toPython(exported(name)(...args));
    }
    const type = exported(name);
    if (member === "constructor") {
      return toPython(new (derived ? derive(type, derived) : type)(...args));
    }
    const owner = self === null ? type : fromPython(self);
    return toPython(owner[member](...args));
  },
  /** A function that is a value. */
  invoke: ({ fn, args }) => toPython(fromPython(fn)(...args.map(fromPython))),
  /** A method by the name that mlx-js has for it. */
  method: ({ of, name, args }) => toPython(fromPython(of)[name](...args.map(fromPython))),
  get({ of, name }) {
    const owner = fromPython(of);
    // What is private to Python's modules may have a public name here.
    const key = [field(name), camel(name)].find((x) => x in owner);
    return key === undefined ? { t: "missing" } : toPython(owner[key], true);
  },
  set({ of, name, value }) {
    fromPython(of)[typeof name === "string" ? field(name) : name] = fromPython(value);
    return null;
  },
  delete({ of, name }) {
    delete fromPython(of)[field(name)];
    return null;
  },
  /** The end of what Python has as a context. */
  dispose({ of }) {
    fromPython(of)[Symbol.dispose]();
    return null;
  },
  /** A list or record as it is now. */
  read({ of }) {
    const { t, items } = toPython(fromPython(of), true);
    return t === "list" ? items : { t: "dict", v: items };
  },
  data({ of }) {
    const x = fromPython(of);
    const { name } = x.dtype;
    const y = name === "bfloat16" ? x.astype(mx.float32) : name === "bool" ? x.astype(mx.uint8) : x;
    const { buffer, byteOffset, byteLength } = y.toTypedArray();
    const data = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    return [name === "bfloat16" ? "float32" : name, x.shape, data];
  },
  collect() {
    globalThis.gc?.();
    return null;
  },
};

function serve() {
  for (;;) {
    const request = read();
    for (const number of request.release) {
      objects.delete(number);
    }
    if (!("op" in request)) {
      return request;
    }
    let answer;
    try {
      answer = { value: operations[request.op]?.(request) };
    } catch (error) {
      const { name, message, python } = /** @type {any} */ (error);
      answer = { error: { name, message, python } };
    }
    write(answer);
  }
}

mx.setDefaultDevice(mx.cpu);
serve();
