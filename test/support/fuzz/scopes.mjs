// biome-ignore-all lint/suspicious/noThenProperty: thenables are what is tried
// What a function that mx.tidy calls may give or throw: nothing stays behind,
// and the scope of the next call is its own.
import fc from "fast-check";
import mlx from "mlx-js";
import { Finding } from "./finding.mjs";
import { boom } from "./hostile.mjs";
import { collect } from "./reentry.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ result: string, inside: string, outside: string }} Case */

const { core: mx, nn } = mlx;

const made = () => mx.add(mx.ones([3]), 1);

class Holder {
  /** @type {Any} */
  field = made();
  #hidden = made();
  hidden() {
    return this.#hidden;
  }
}

/** @type {Record<string, () => Any>} */
const results = {
  array: made,
  record: () => ({ a: made(), b: [made(), { c: made() }] }),
  map: () => new Map([["a", made()]]),
  set: () => new Set([made(), [made()]]),
  holder: () => new Holder(),
  module: () => new nn.Linear(3, 2),
  closure() {
    const x = made();
    return () => x;
  },
  generator: () =>
    (function* () {
      yield made();
    })(),
  asyncGenerator: () =>
    (async function* () {
      yield made();
    })(),
  iterator: () => [made()][Symbol.iterator](),
  getter: () => ({
    kept: made(),
    get a() {
      return made();
    },
  }),
  throwing: () => ({
    kept: made(),
    get a() {
      throw boom;
    },
  }),
  throwingProxy: () =>
    new Proxy(
      { a: made() },
      {
        ownKeys() {
          throw boom;
        },
      },
    ),
  revoked() {
    const { proxy, revoke } = Proxy.revocable([made()], {});
    revoke();
    return proxy;
  },
  endless: () =>
    new Proxy(
      {},
      {
        get: made,
        ownKeys: () => ["a"],
        getOwnPropertyDescriptor: () => ({ value: made(), enumerable: true, configurable: true }),
      },
    ),
  deep() {
    /** @type {Any} */
    let x = made();
    for (let i = 0; i < 20_000; i++) {
      x = i % 2 === 0 ? [x] : { x };
    }
    return x;
  },
  cyclic() {
    /** @type {Any} */
    const x = { a: made(), m: new Map() };
    x.b = [x];
    x.m.set("x", x);
    return x;
  },
  throws() {
    made();
    throw boom;
  },
  throwsNull() {
    made();
    throw null;
  },
  promise: async () => {
    const x = made();
    await null;
    return [x, made()];
  },
  rejected: async () => {
    made();
    await null;
    throw boom;
  },
  promiseOfPromise: async () => new Promise((resolve) => setImmediate(() => resolve(made()))),
  thenable: () => ({
    then(/** @type {Any} */ resolve) {
      resolve(made());
    },
  }),
  twice: () => ({
    then(/** @type {Any} */ resolve, /** @type {Any} */ reject) {
      resolve(made());
      resolve(made());
      reject(boom);
      setImmediate(() => resolve(made()));
    },
  }),
  rejectedTwice: () => ({
    then(/** @type {Any} */ resolve, /** @type {Any} */ reject) {
      reject(boom);
      resolve(made());
      throw boom;
    },
  }),
  settledThenThrown: () => ({
    then(/** @type {Any} */ resolve) {
      resolve(1);
      throw boom;
    },
  }),
  thenThrows: () => ({
    get then() {
      throw boom;
    },
  }),
  thenChanges() {
    let times = 0;
    return {
      get then() {
        return times++ === 0 ? (/** @type {Any} */ resolve) => resolve(made()) : undefined;
      },
    };
  },
};

/** @type {Record<string, (f: () => Any) => Any>} */
const wrappings = {
  plain: (f) => f(),
  tidy: (f) => mx.tidy(f),
  async: (f) =>
    mx.tidy(async () => {
      await null;
      return f();
    }),
  kept: (f) => mx.keep(f()),
  stream: (f) => mx.stream(mx.cpu, f),
  printoptions: (f) => mx.printoptions({ precision: 3 }, f),
  interleaved(f) {
    const other = mx.tidy(async () => {
      const x = made();
      await new Promise(setImmediate);
      return mx.sum(x).item();
    });
    const out = f();
    return Promise.all([other, out]);
  },
};

/** @param {Any} x @param {Set<Any>} [seen] */
function dispose(x, seen = new Set()) {
  const queue = [x];
  while (queue.length > 0) {
    const y = queue.pop();
    if (typeof y !== "object" || y === null || seen.has(y)) {
      continue;
    }
    seen.add(y);
    try {
      if (y instanceof mx.array) {
        y.dispose();
      } else if (y instanceof Map || y instanceof Set) {
        queue.push(...y.values());
      } else if (!(y instanceof Promise)) {
        queue.push(...Object.values(y));
      }
    } catch {}
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function alive() {
  for (let i = 0; i < 3; i++) {
    await turn();
    collect();
  }
  return mx.memory().arrays;
}

/** @param {Case} c */
async function once({ result, inside, outside }) {
  try {
    const f = /** @type {() => Any} */ (results[result]);
    const out = await wrappings[outside]?.(() => mx.tidy(() => wrappings[inside]?.(f)));
    dispose(out);
  } catch (error) {
    const known =
      error === boom ||
      error === null ||
      /^\[(tidy|keep|stream|printoptions)\] |revoked|call stack/.test(
        /** @type {Any} */ (error).message,
      );
    if (!known) {
      throw new Finding(/** @type {Any} */ (error).stack);
    }
  }
}

/** @param {Case} c */
async function scopes(c) {
  await once(c);
  const before = await alive();
  const printed = String(mx.array([1 / 3]));
  for (let i = 0; i < 3; i++) {
    await once(c);
  }
  const after = await alive();
  if (after > before) {
    throw new Finding(`${after - before} arrays stay behind of three calls`);
  }
  if (String(mx.array([1 / 3])) !== printed || printed !== "array([0.333333], dtype=float32)") {
    throw new Finding(`prints ${String(mx.array([1 / 3]))}`);
  }
  const outer = made();
  mx.tidy(() => made());
  if (String(outer.tolist()) !== "2,2,2") {
    throw new Finding("an array outside of all scopes is another");
  }
  // What is made now belongs to no scope that is left open.
  await turn();
  outer.tolist();
  outer.dispose();
}

const of = (/** @type {object} */ x) => fc.constantFrom(...Object.keys(x));

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { scopes },
  targets: Object.keys(results).map((result) => ({
    name: `a scope that gives ${result}`,
    cost: 8,
    programs: () =>
      fc
        .record({ result: fc.constant(result), inside: of(wrappings), outside: of(wrappings) })
        .map((c) => `scopes(${JSON.stringify(c)})`),
  })),
};
