// Wrong, odd and damaged arguments for everything in the package that can be
// called.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import mlx from "mlx-js";
import { cases, chain, edited } from "./cases.mjs";
import { files, renew, run } from "./hostile.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {import("./cases.mjs").Node} Node */
/** @typedef {import("./cases.mjs").Segment} Segment */
/**
 * @typedef {{ name: string, length: number, before: Segment[], head: string, cases: Segment[][] }} Callee
 */

const mx = mlx.core;

// TypeScript's private methods, which the types alone protect, and what is there
// to be overridden and called by optimizers.
const dist = fileURLToPath(new URL("../../../dist", import.meta.url));
const notForUsers = new Set([
  ...["constructor", "initSingle", "applySingle"],
  ...readdirSync(dist, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".d.ts"))
    .flatMap((file) => {
      const text = readFileSync(`${dist}/${file}`, "utf8");
      return [...text.matchAll(/^\s+(?:private|protected) (?:get |set )?(\w+)/gm)];
    })
    .map(([, name]) => name),
]);
// How to come by an object of a class whose constructor is not for users, or
// does little by itself.
/** @type {Record<string, Segment[]>} */
const receivers = {
  "mx.ArrayAt": [{ head: "shared().at", args: ["0"] }],
  "mx.ArrayIterator": [{ head: "shared()[Symbol.iterator]", args: [] }],
  "mx.Device": [{ head: "mx.defaultDevice", args: [] }],
  "mx.Stream": [{ head: "mx.newStream", args: ["mx.cpu"] }],
  "mx.ThreadLocalStream": [{ head: "mx.newThreadLocalStream", args: ["mx.cpu"] }],
  "mx.FunctionExporter": [{ head: "mx.exporter", args: ['"exported"', "(x) => mx.sin(x)"] }],
  "mx.distributed.Group": [{ head: "mx.distributed.init", args: [] }],
  "nn.Module": [
    {
      head: "new nn.Sequential",
      args: ["new nn.Linear(3, 2)", "new nn.ReLU()", "new nn.RMSNorm(2)"],
    },
  ],
  "nn.Sequential": [{ head: "new nn.Sequential", args: ["new nn.Linear(3, 2)", "new nn.ReLU()"] }],
  "optim.Optimizer": [{ head: "new optim.Adam", args: ["0.1"] }],
  "optim.MultiOptimizer": [
    {
      head: "new optim.MultiOptimizer",
      args: ["[new optim.SGD(0.1), new optim.Adam(0.1)]", "[(path) => path === 'a']"],
    },
  ],
};

/** @type {Callee[]} */
const callees = [];

/** @param {string} name @param {number} length @param {Segment[]} before @param {string} head */
function callee(name, length, before, head) {
  callees.push({ name, length, before, head, cases: cases.get(name) ?? [] });
}

/**
 * A key as a program writes it in brackets.
 * @param {PropertyKey} key
 */
function keyText(key) {
  if (typeof key !== "symbol") {
    return JSON.stringify(key);
  }
  const name = Reflect.ownKeys(Symbol).find((own) => /** @type {Any} */ (Symbol)[own] === key);
  return name === undefined
    ? `Symbol.for(${JSON.stringify(Symbol.keyFor(key))})`
    : `Symbol.${String(name)}`;
}

/** @param {object} x */
function members(x) {
  return Reflect.ownKeys(x).flatMap((key) => {
    const member = Object.getOwnPropertyDescriptor(x, key);
    return notForUsers.has(String(key)) || member === undefined
      ? []
      : [{ key, member, access: typeof key === "string" ? `.${key}` : `[${keyText(key)}]` }];
  });
}

/** @param {string} name @param {Any} Class */
function enumerateClass(name, Class) {
  callee(name, Class.length, [], `new ${name}`);
  for (const { key, member, access } of members(Class)) {
    if (typeof member.value === "function") {
      callee(`${name}.${String(key)}`, member.value.length, [], `${name}${access}`);
    }
  }
  const made = receivers[name] ??
    cases.get(name)?.[0] ?? [{ head: `new ${name}`, args: Array(Class.length).fill("2") }];
  for (
    let prototype = Class.prototype;
    prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const { key, member, access } of members(prototype)) {
      // What a class inherits is its base's target, but for what has cases of its own.
      const path = `${name}.${String(key)}`;
      if (
        typeof member.value === "function" &&
        (prototype === Class.prototype || cases.has(path))
      ) {
        callee(path, Math.max(member.value.length, 1), made, access);
      }
    }
  }
}

/** @param {string} name @param {Any} x */
function enumerate(name, x) {
  for (const [key, value] of Object.entries(x)) {
    const path = `${name}.${key}`;
    if (path === "mx.array") {
      callee(path, 2, [], path);
      for (const { key: method, member } of members(value.prototype)) {
        if (typeof (member.get ?? member.value) === "function") {
          const head = `method(${keyText(method)})`;
          callee(`array.${String(method)}`, (member.value?.length ?? 0) + 1, [], head);
        }
      }
    } else if (typeof value === "function" && /^class\b/.test(String(value))) {
      enumerateClass(path, value);
    } else if (typeof value === "function") {
      callee(path, value.length, [], path);
    } else if (
      typeof value === "object" &&
      value !== null &&
      [Object.prototype, null].includes(Object.getPrototypeOf(value))
    ) {
      enumerate(path, value);
    }
  }
}

enumerate("mx", mx);
enumerate("nn", mlx.nn);
enumerate("optim", mlx.optimizers);
enumerate("utils", mlx.utils);

// Programs.

/** @param {string[]} texts */
const pick = (...texts) => fc.constantFrom(...texts);

const dtypes = ["float32", "float16", "bfloat16", "int32", "uint8", "int64", "bool", "complex64"];

/** @type {fc.Arbitrary<string>} */
const knownArray = fc
  .tuple(
    pick("float32", ...dtypes, "float64", "uint32"),
    pick(
      "[]",
      "[1]",
      "[3]",
      "[0]",
      "[2, 3]",
      "[2, 2]",
      "[3, 3]",
      "[2, 0]",
      "[1, 4, 4, 2]",
      "[2, 64]",
    ),
    pick(
      "[1, 2, 3]",
      "[0]",
      "[-1, 0.5]",
      '["NaN", "Infinity"]',
      "[1e30, -1e30]",
      "[0, 1]",
      "[100]",
    ),
  )
  .map(([dtype, shape, values]) => `known("${dtype}", ${shape}, ${values})`);

const numbers = [
  ...[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-2",
    "-0",
    "0.5",
    "1e-5",
    "7",
    "64",
    "NaN",
    "Infinity",
    "-Infinity",
  ],
  ...[
    "1e30",
    "65536",
    "2 ** 30",
    "2 ** 31 - 1",
    "2 ** 31",
    "-(2 ** 31)",
    "2 ** 32",
    "2 ** 53",
    "-1e300",
  ],
];

const functions = pick(
  ...["(x) => x", "(...xs) => xs", "(x) => mx.sum(mx.sin(x))", "(x, y) => mx.multiply(x, y)"],
  ...[
    "() => { throw boom; }",
    "() => { throw null; }",
    "() => {}",
    "async (x) => x",
    "function* () {}",
  ],
  ...[
    "class {}",
    "(x) => { leak.tracer = x; return mx.sum(x); }",
    "(x) => { x.dispose(); return x; }",
  ],
  ...["() => cyclicList()", "() => shared()", "(x) => { shared().dispose(); return x; }"],
  ...["(x) => { mx.eval(x); return mx.sum(x); }", "(x) => mx.grad((y) => mx.sum(mx.sin(y)))(x)"],
  ...[
    "mx.sum",
    "mx.eval",
    "mx.array",
    "(x) => x.item()",
    "(x) => [[mx.add(x, 1)], { a: x }]",
    "() => 3",
  ],
  ...[
    "mx.compile((x) => mx.add(x, 1))",
    "() => mx.clearStreams()",
    "(x) => mx.random.uniform(0, 1, [2])",
  ],
  ...["mx.customFunction((x) => x)", "mx.checkpoint((x) => mx.sin(x))", "new Proxy(() => 1, {})"],
);

const hostile = pick(
  ...[
    "undefined",
    "null",
    "true",
    '""',
    '"x"',
    '"\\0"',
    "Symbol()",
    "Symbol.iterator",
    "0n",
    "-1n",
  ],
  ...["2n ** 63n", "2n ** 70n", "{}", "[]", "[[]]", "[, 1]", "new Array(3)", "{ length: 2 ** 53 }"],
  ...["throwing()", "revoked()", "revokedList()", "cyclicList()", "cyclicRecord()", "deep()"],
  ...["tricky()", "growing()", "shrunk()", "new Proxy([1, 2], {})", "new Proxy({}, {})"],
  ...["new Proxy(shared(), {})", "Object.create(mx.array.prototype)", "Object.create(shared())"],
  ...[
    "disposed(known('float32', [2]))",
    "Object.create(null)",
    "leak.tracer",
    "mx",
    "nn",
    "globalThis",
  ],
  ...["detached(new Float32Array(4))", "detached(new ArrayBuffer(8))", "new SharedArrayBuffer(8)"],
  ...["new ArrayBuffer(8, { maxByteLength: 64 })", "new Float32Array(new SharedArrayBuffer(8))"],
  ...["new Float32Array(2)", "new BigInt64Array(2)", "new DataView(new ArrayBuffer(8))"],
  ...["Buffer.from('abc')", "new Uint8ClampedArray(3)", "new Float64Array(0)", "new String('a')"],
  ...[
    "new Number(1)",
    "new Date(NaN)",
    "new Map([[1, 2]])",
    "new Set([1])",
    "/x/g",
    "new Error('e')",
  ],
  ...["Promise.resolve(1)", "Promise.reject(boom)", "new WeakMap()", "foreign('[1, 2]')"],
  ...[
    "foreign('({ a: 1 })')",
    "foreign('new Float32Array(2)')",
    "foreign('() => { throw null; }')",
  ],
  ...["foreign('new ArrayBuffer(8)')", "foreign('new Error()')", "{ re: 1, im: NaN }", "{ re: 1 }"],
  ...["{ __mlx_array__: () => shared() }", "{ __mlx_array__() { throw boom; } }"],
  ...[
    "{ __mlx_array__: () => 1 }",
    "{ get __mlx_array__() { throw null; } }",
    "{ valueOf: () => 1 }",
  ],
  ...[
    "{ [Symbol.toPrimitive]() { throw boom; } }",
    "{ toString() { throw boom; } }",
    "{ then: 1 }",
  ],
  ...["{ then(f) { f(1); } }", "{ [Symbol.iterator]() { throw boom; } }", "{ failure: 1 }"],
  ...["{ __proto__: null, a: shared() }", "JSON.parse('{\"__proto__\": 1}')", "arguments"],
);

const plausible = pick(
  ...["shared()", "known('float32', [3])", "known('int32', [2], [0, 1])", "known('uint32', [2])"],
  ...[...dtypes, "float64", "floating", "cpu", "gpu", "nan"].map((name) => `mx.${name}`),
  ...[
    '"..."',
    '":"',
    '"1:2"',
    '"::-1"',
    '"mean"',
    '"none"',
    '"constant"',
    '"full"',
    '"affine"',
    '"L"',
  ],
  ...["mx.defaultStream(mx.cpu)", "mx.newStream(mx.cpu)", "mx.defaultDevice()", "mx.random.key(1)"],
  ...["new mx.Slice(0, 2)", "null", "true", "false", "new nn.Linear(3, 2)", "new optim.SGD(0.1)"],
  ...['"saved"', '"good.npz"', '"good.npy"', '"missing"', '"i,i->"', '"ij,jk->ik"', '"ij->ji"'],
  ...[
    "{ a: shared(), b: [known('float32', [3])] }",
    "[shared(), shared()]",
    "new nn.Linear(3, 2).parameters()",
  ],
);

const small = fc.oneof(
  { weight: 4, arbitrary: pick(...numbers) },
  { weight: 6, arbitrary: knownArray },
  { weight: 4, arbitrary: plausible },
  { weight: 3, arbitrary: hostile },
  { weight: 1, arbitrary: functions },
);
const integers = fc.array(pick("0", "1", "2", "3", "-1", "6", ...numbers), { maxLength: 4 });

/** @param {fc.Arbitrary<string[]>} texts */
const listed = (texts) => texts.map((all) => `[${all.join(", ")}]`);

const readers = ["mx.load", "mx.importFunction"];
const damagedFile = fc
  .tuple(fc.nat(1000), fc.nat(), fc.boolean())
  .map(([index, damageSeed, path]) => `damaged(${index}, ${damageSeed}, ${path})`);

const value = fc.oneof(
  { weight: 8, arbitrary: small },
  { weight: 2, arbitrary: listed(integers) },
  { weight: 1, arbitrary: listed(fc.array(small, { maxLength: 3 })) },
  { weight: 1, arbitrary: listed(fc.array(knownArray, { maxLength: 3 })) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(pick("a", "b", "stream", "toString", "__proto__"), small)
      .map(([key, text]) => `{ ${JSON.stringify(key)}: ${text} }`),
  },
  {
    weight: 1,
    arbitrary: damagedFile,
  },
);

/**
 * A record of options, some of which are read with effects.
 * @param {string[]} names
 */
function options(names) {
  const name = pick(...names, "stream");
  const setting = fc.oneof(
    { weight: 1, arbitrary: pick('"npy"', '"npz"', '"safetensors"', '"gguf"', '"mean"', '"max"') },
    { weight: 3, arbitrary: pick("true", "false", "0", "1", "2", "-1", "0.5", "null") },
    { weight: 2, arbitrary: value },
  );
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .uniqueArray(fc.tuple(name, setting), { maxLength: 3, selector: ([key]) => key })
        .map((all) => `{ ${all.map(([key, text]) => `${key}: ${text}`).join(", ")} }`),
    },
    { weight: 1, arbitrary: fc.tuple(name, small).map(([n, x]) => `disposing("${n}", ${x})`) },
    { weight: 1, arbitrary: name.map((n) => `failing("${n}")`) },
  );
}

/** @param {Callee} t @returns {fc.Arbitrary<string>} */
function programs(t) {
  const names = optionNames(t);
  const anyArgs = fc.array(value, { minLength: 0, maxLength: t.length + 1 });
  const fullArgs = fc.array(value, { minLength: t.length, maxLength: t.length });
  const wrap = (/** @type {string[]} */ args) => chain([...t.before, { head: t.head, args }]);
  const withOptions = fc
    .tuple(fc.array(value, { maxLength: t.length }), options(names))
    .map(([args, last]) => wrap([...args, last]));
  const generated = fc.oneof(anyArgs.map(wrap), fullArgs.map(wrap), withOptions);
  const then = fc
    .tuple(generated, anyArgs)
    .map(([text, args]) => `called(${[text, ...args].join(", ")})`);
  // Indices in a damaged function are still to be computed, which MLX does not
  // check: such a function is read, but not called.
  const called = t.name === "mx.importFunction" ? generated : then;
  const free = fc.oneof({ weight: 4, arbitrary: generated }, { weight: 1, arbitrary: called });
  if (readers.includes(t.name)) {
    const functions = t.name === "mx.importFunction";
    const indices = [...files.keys()].filter((i) => (files[i].format === "mlxfn") === functions);
    const file = fc
      .tuple(fc.constantFrom(...indices), fc.nat(), fc.boolean(), options(names), fc.nat(3))
      .map(([index, damageSeed, path, other, own]) => {
        const format = functions ? "" : `, { format: "${files[index].format}" }`;
        const last = own > 0 ? format : `, ${other}`;
        return `${t.head}(damaged(${index}, ${damageSeed}, ${path || functions})${last})`;
      });
    return fc.oneof({ weight: 1, arbitrary: free }, { weight: 3, arbitrary: file });
  }
  if (t.cases.length === 0) {
    return free;
  }
  const edit = fc.record({
    place: fc.nat(),
    text: fc.oneof({ weight: 8, arbitrary: value }, { weight: 1, arbitrary: fc.constant("") }),
  });
  const mutated = fc
    .tuple(
      fc.nat(),
      fc.oneof(
        { weight: 1, arbitrary: fc.array(edit, { maxLength: 0 }) },
        { weight: 4, arbitrary: fc.array(edit, { minLength: 1, maxLength: 1 }) },
        { weight: 2, arbitrary: fc.array(edit, { minLength: 2, maxLength: 3 }) },
      ),
      // Rarely, as they replace the case's own.
      fc.oneof(
        { weight: 3, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: options(names) },
      ),
    )
    .map(([index, edits, last]) => {
      const segments = /** @type {Segment[]} */ (t.cases[index % t.cases.length]);
      const more = segments.map((segment, i) =>
        i === segments.length - 1 && last !== null
          ? { ...segment, args: [...segment.args.filter((x) => !(x instanceof Map)), last] }
          : segment,
      );
      return edited(more, edits);
    });
  return fc.oneof({ weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: free });
}

/**
 * The options of a function: its complaint about an unknown one lists them.
 * @param {Callee} t
 */
function optionNames(t) {
  const names = new Set();
  const tries = t.cases.slice(0, 8).map((segments) =>
    segments.map((segment, i) => {
      const args = segment.args.filter((x) => !(x instanceof Map));
      return i < segments.length - 1 ? segment : { ...segment, args: [...args, "{ '?': 1 }"] };
    }),
  );
  for (let n = 0; n <= t.length; n++) {
    const args = [...Array(n).fill("shared()"), "{ '?': 1 }"];
    tries.push([...t.before, { head: t.head, args }]);
  }
  for (const segments of tries) {
    try {
      renew();
      const result = run(chain(segments));
      if (result instanceof Promise) {
        result.catch(() => {});
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : "";
      const known = /expected ([\w, ]+), received/.exec(text)?.[1];
      for (const name of known?.match(/\w+/g) ?? []) {
        names.add(name);
      }
    }
  }
  return [...names];
}

/** @type {import("./kinds.mjs").Kind} */
export const calls = {
  targets: callees.map((t) => ({ name: t.name, programs: () => programs(t) })),
};
