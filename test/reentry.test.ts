// Code of the user's that runs while a call reads its arguments (getters of
// options, proxies of lists, methods that give an array) and calls functions of
// its own. It must not change what the call gives.
import { readdirSync } from "node:fs";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { type Case, cases, decode, goldenFolder } from "./support/golden.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments of any function
type Any = any;

const other = mx.array([7, 8, 9]);

/** More calls than there is room for, which put other scalars, lists and arrays in their places. */
function meddle(times: number): void {
  mx.tidy(() => {
    for (let i = 0; i < times; i++) {
      mx.add(777 + (i % 5), 888);
      mx.reshape(other, [1, 3, 1]);
      mx.clip(other, { re: 5, im: 6 }.re, 2 ** 40);
    }
  });
  // As calls that fail on their way do.
  for (let i = 0; i < times; i++) {
    try {
      mx.add(5, "x" as Any);
    } catch {}
  }
}

/** Makes arguments that run code when they are read; `run` is told each time. */
class Hostile {
  readonly #run: () => void;

  constructor(run: () => void) {
    this.#run = run;
  }

  #proxy<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (list, key) => {
        this.#run();
        return Reflect.get(list, key);
      },
      ownKeys: (list) => {
        this.#run();
        return Reflect.ownKeys(list);
      },
      getPrototypeOf: (list) => {
        this.#run();
        return Reflect.getPrototypeOf(list);
      },
    });
  }

  /** The same argument, as hostile as it can be; an array as an object that gives it, if asked for. */
  of(x: Any, given: boolean): Any {
    if (x instanceof (mx.array as Any)) {
      const method = () => x;
      const read = () => {
        this.#run();
        return method;
      };
      return given ? Object.defineProperty({}, "__mlx_array__", { get: read }) : x;
    }
    if (Array.isArray(x)) {
      return this.#proxy(x.map((item) => this.of(item, false)));
    }
    if (typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype) {
      return this.#proxy(
        Object.fromEntries(Object.entries(x).map(([name, value]) => [name, this.of(value, given)])),
      );
    }
    return x;
  }
}

/** Arrays of a result as plain values, with their dtype. */
function plain(x: Any): unknown {
  if (x instanceof (mx.array as Any)) {
    return { dtype: x.dtype.name, shape: x.shape, values: x.toTypedArray() };
  }
  if (Array.isArray(x)) {
    return x.map(plain);
  }
  return typeof x === "object" && x !== null && !(x instanceof mx.Dtype)
    ? Object.fromEntries(Object.entries(x).map(([name, value]) => [name, plain(value)]))
    : x;
}

interface Outcome {
  result?: unknown;
  error?: Error;
}

function outcome(call: () => unknown): Outcome {
  mx.random.seed(3);
  try {
    return { result: plain(call()) };
  } catch (error) {
    return { error: error as Error };
  }
}

function functionOf(name: string): (...args: Any[]) => unknown {
  return name.split(".").reduce((owner: Any, part) => owner?.[part], mx);
}

/** The arguments of a case, and a call with them. */
function callOf(c: Case): { args: () => Any[]; call: (args: Any[]) => unknown } {
  const fn = c.index === undefined ? functionOf(c.name as string) : undefined;
  if (fn !== undefined) {
    const hasOptions = Object.keys(c.options ?? {}).length > 0;
    return {
      args: () => [...(c.args ?? []), ...(hasOptions ? [c.options as Any] : [])].map(decode),
      call: (args) => fn(...args),
    };
  }
  return {
    args: () => [c.array as Any, c.value ?? null, c.indices as Any].map(decode),
    call: ([x, value, indices]) => {
      if (c.index === "get") {
        return x.get(...indices);
      }
      if (c.index !== "set") {
        return x.at(...indices)[c.index as string](value);
      }
      const copy = mx.array(x);
      copy.set(indices, value);
      return copy;
    },
  };
}

// Of each function the calls that differ in which arguments and options they have.
const calls = new Map<string, Case>();
for (const file of readdirSync(goldenFolder).sort()) {
  for (const c of cases(file.replace(".json", ""))) {
    const name = c.name ?? (c.index && `at.${c.index}`);
    const kinds = c.index
      ? c.indices?.map((x) => Array.isArray(x))
      : [...(c.args ?? []).map((x) => Array.isArray(x)), ...Object.keys(c.options ?? {})];
    const key = `${name}(${kinds})`;
    const usual = name && !c.transform && !c.throws && !c.then && !calls.has(key);
    if (usual && (c.index || typeof functionOf(name) === "function")) {
      calls.set(key, c);
    }
  }
}

test("every family has calls", () => {
  expect(calls.size).toBeGreaterThan(600);
});

describe.each([...calls])("%s", (_, c) => {
  const { args, call } = callOf(c);
  const usual = outcome(() => call(args()));

  // As a rule functions take no object for an array, but those that do must take the right one.
  test.each([false, true])("calls in between (%j)", (given) => {
    let times = 0;
    const hostile = new Hostile(() => {
      times++;
      meddle(times === 1 ? 700 : times < 20 ? 20 : 0);
    });
    const { result, error } = outcome(() => call(args().map((x) => hostile.of(x, given))));
    if (given && error !== undefined) {
      expect(error).toBeInstanceOf(TypeError);
    } else {
      expect({ result, error }).toEqual(usual);
    }
  });

  test("arguments that are disposed of in between", () => {
    const all = args();
    const arrays = all.flat(3).filter((x) => x instanceof (mx.array as Any));
    const made: mx.array[] = [];
    const hostile = new Hostile(() => {
      mx.dispose(arrays.splice(0, 1));
      // In the slots that are empty now.
      for (let i = 0; i < 5; i++) {
        made.push(mx.full([2, 3], 99));
      }
    });
    const { result, error } = outcome(() => call(all.map((x) => hostile.of(x, false))));
    if (error === undefined) {
      expect({ result }).toEqual(usual);
    } else if (usual.error === undefined) {
      expect(error.message).toMatch(/disposed/);
      expect(error).toBeInstanceOf(TypeError);
    }
    mx.dispose(made);
  });
});
