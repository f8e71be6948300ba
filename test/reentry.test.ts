// Code of the user's that runs while a call reads its arguments (getters of
// options, proxies of lists, methods that give an array) and calls functions of
// its own. It must not change what the call gives.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { type Case, cases, decode, goldenFamilies } from "./support/golden.js";
import { live } from "./support/live.js";

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
for (const family of goldenFamilies()) {
  for (const c of cases(family)) {
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

test("options whose getters call the same function with other options", () => {
  const x = mx.array([
    [1, 2],
    [3, 4],
  ]);
  let inside: mx.array | undefined;
  const options = {
    keepdims: true,
    get ddof() {
      inside = mx.var(x, 0, { ddof: 1, correction: null, stream: mx.cpu });
      expect(() => mx.var(x, 0, { keepdims: "no" } as Any)).toThrow(TypeError);
      return 0;
    },
    correction: undefined,
  };
  expect(mx.var(x, 0, options).tolist()).toEqual([[1, 1]]);
  expect(inside?.tolist()).toEqual([2, 2]);
  // What a call was given is nothing to the next one, also after one that failed.
  expect(mx.var(x, 0, { stream: mx.cpu }).tolist()).toEqual([1, 1]);
  expect(mx.var(x, 0).tolist()).toEqual([1, 1]);
});

test("options are taken apart in the statement that reads them", () => {
  const lib = join(import.meta.dirname ?? __dirname, "..", "lib", "core");
  const found = readdirSync(lib, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const text = readFileSync(join(lib, file), "utf8");
      return [...text.matchAll(/(\S+)\s+read\w*(?:\.raw)?\(options\b/g)].map((found) => [
        file,
        found[1],
      ]);
    });
  expect(found.length).toBeGreaterThan(60);
  for (const [file, before] of found) {
    expect([file, before]).toEqual([file, "="]);
  }
});

test("no options keep a name, of which something could be read later", () => {
  const lib = join(import.meta.dirname ?? __dirname, "..", "lib");
  const files = readdirSync(lib, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) {
    expect(readFileSync(join(lib, file), "utf8"), file).not.toMatch(
      /const \w+ =\s+read\w*(?:\.raw)?\(options\b[^)]*\);/,
    );
  }
});

describe("what is read twice", () => {
  const x = mx.array([1, 2, 3]);

  test("streams, dtypes and options that pretend", () => {
    let reads = 0;
    const pretend = (target: object) =>
      new Proxy(target, {
        get: (from, key) => {
          reads++;
          return key === "id" ? 2 ** 31 : Reflect.get(from, key);
        },
      });
    expect(() => mx.zeros([2], pretend(mx.float32) as Any)).toThrow(TypeError);
    expect(() => mx.array([2], pretend(mx.int8) as Any)).toThrow(TypeError);
    expect(() => x.astype(Object.create(mx.int8))).toThrow(TypeError);
    expect(reads).toBe(0);
    expect(() => mx.add(x, x, { stream: pretend(mx.defaultStream(mx.cpu)) as Any })).toThrow(
      TypeError,
    );
    // One that says yes when it is checked, and something else when it is used.
    let times = 0;
    const options = {
      get keepdims() {
        return times++ === 0 ? true : "later";
      },
    };
    expect(mx.sum(x, 0, options as Any).shape).toEqual([1]);
    expect(times).toBe(1);
    const changing = () =>
      new Proxy([1, 3], { get: (list, key) => (key === "0" ? ++times : Reflect.get(list, key)) });
    times = 0;
    expect(mx.reshape(x, changing()).shape).toEqual([1, 3]);
    times = 0;
    expect(mx.pad(x, changing() as Any).shape).toEqual([7]);
  });
});

describe("files", () => {
  const arrays = () => ({ a: mx.array([1, 2]), b: mx.array([3, 4, 5]), c: mx.array([6]) });
  const ends = {
    npz: (file: Any, all: Any) => mx.savez(file, all),
    safetensors: (file: Any, all: Any) =>
      mx.saveSafetensors(file, all, { metadata: { made: "by me" } }),
    gguf: (file: Any, all: Any) => mx.saveGguf(file, all, { t: ["x", "y"], n: mx.array([7]) }),
  };
  type Format = keyof typeof ends;

  describe.each(Object.keys(ends) as Format[])("%s", (format) => {
    const usual = plain(arrays());
    const loaded = (pieces: Uint8Array[]) =>
      plain(mx.load(Buffer.concat(pieces), { format, returnMetadata: false }));

    test("records with getters, which make calls and are read once", () => {
      let reads = 0;
      const record = Object.defineProperty({}, "a", {
        enumerable: true,
        get: () => {
          meddle(200);
          return reads++ === 0 ? mx.array([1, 2]) : mx.array([9]);
        },
      });
      const all = Object.assign(record, { b: mx.array([3, 4, 5]), c: mx.array([6]) });
      const pieces: Uint8Array[] = [];
      ends[format]({ write: (bytes: Uint8Array) => pieces.push(bytes) }, all);
      expect(loaded(pieces)).toEqual(usual);
      expect(reads).toBe(1);
    });

    test("what takes the bytes may make calls, change the record and dispose of arrays", () => {
      for (const change of [
        () => meddle(50),
        (all: Any) => {
          for (const name of Object.keys(all)) {
            all[name] = mx.array([99, 99]);
          }
        },
        (all: Any) => {
          mx.dispose(all);
          for (let i = 0; i < 5; i++) {
            all[i] = mx.array([99, 99]);
          }
        },
      ]) {
        const all: Any = arrays();
        const pieces: Uint8Array[] = [];
        const write = (bytes: Uint8Array) => {
          pieces.push(Buffer.from(bytes));
          change(all);
        };
        const { error } = outcome(() => ends[format]({ write }, all));
        if (error === undefined) {
          expect(loaded(pieces)).toEqual(usual);
        } else {
          expect(error.message).toMatch(/received one that has been disposed/);
          expect(error).toBeInstanceOf(TypeError);
        }
      }
    });
  });

  test("bytes to be loaded that are gone", () => {
    const pieces: Uint8Array[] = [];
    mx.save({ write: (bytes) => pieces.push(bytes) }, mx.array([1, 2]));
    const bytes = new Uint8Array(Buffer.concat(pieces));
    const lying = Object.defineProperty(bytes.slice(), "byteLength", { value: 7 });
    expect((mx.load(lying, { format: "npy" }) as mx.array).tolist()).toEqual([1, 2]);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    for (const x of [shared, shared.buffer]) {
      expect((mx.load(x, { format: "npy" }) as mx.array).tolist()).toEqual([1, 2]);
    }
    const { buffer } = bytes;
    const view = new DataView(buffer);
    structuredClone(buffer, { transfer: [buffer] });
    for (const gone of [bytes, buffer, view]) {
      expect(() => mx.load(gone, { format: "npy" })).toThrow(
        "[load] file: expected a view of a buffer that is still there",
      );
    }
  });
});

describe("functions that are transformed", () => {
  const x = mx.array([1, 2, 3]);
  const boom = new Error("boom");
  const transformed: Record<string, (f: (x: mx.array) => mx.array) => unknown> = {
    grad: (f) => mx.grad((y: mx.array) => f(y).sum())(x),
    valueAndGrad: (f) => mx.valueAndGrad((y: mx.array) => f(y).sum())(x),
    jvp: (f) => mx.jvp(f, [x], [mx.ones([3])]),
    vjp: (f) => mx.vjp(f, [x], [mx.ones([3])]),
    vmap: (f) => mx.vmap(f)(x),
    compile: (f) => mx.compile(f)(x),
    checkpoint: (f) => mx.checkpoint(f)(x),
    customFunction: (f) =>
      mx.customFunction(f).vjp((_: unknown, cotangent: unknown) => [cotangent])(x),
    "grad of compile": (f) => mx.grad((y: mx.array) => mx.compile(f)(y).sum())(x),
    "vmap of grad": (f) => mx.vmap(mx.grad(f))(x),
  };

  describe.each(Object.entries(transformed))("%s", (_, transform) => {
    test("that make calls of all kinds give what they give without", () => {
      const f = (y: mx.array) => mx.multiply(mx.sin(y), y);
      const usual = plain(transform(f));
      const inner = mx.compile((y: mx.array) => mx.add(y, 1));
      const busy = (y: mx.array): mx.array => {
        meddle(200);
        mx.eval(mx.grad((z: mx.array) => z.square().sum())(mx.array([1, 2])));
        mx.vmap((z: mx.array) => inner(z))(mx.array([1, 2])).dispose();
        const result = mx.tidy(() => f(y));
        inner(mx.array([4]));
        return result;
      };
      expect(plain(transform(busy))).toEqual(usual);
    });

    test("that dispose of their input, or free their output, fail with an error that says so", () => {
      expect(() =>
        transform((y) => {
          y.dispose();
          return mx.add(y, 1);
        }),
      ).toThrow("[add] a: expected an array, received one that has been disposed");
      let lost: mx.array | undefined;
      const losing = (y: mx.array): mx.array => {
        mx.tidy(() => {
          lost = mx.add(y, 1);
        });
        return lost as mx.array;
      };
      expect(() => transform(losing)).toThrow(/disposed by tidy: return it from there/);
      // Disposing of the input is all right when it is not needed any more.
      const used = (y: mx.array) => {
        const result = mx.add(y, 1);
        y.dispose();
        return result;
      };
      expect(plain(transform(used))).toEqual(plain(transform((y) => mx.add(y, 1))));
      expect(x.tolist()).toEqual([1, 2, 3]);
    });

    test("that throw half way leave nothing behind", () => {
      const before = live();
      for (let i = 0; i < 20; i++) {
        mx.tidy(() => {
          expect(() =>
            transform((y) =>
              mx.tidy(() => {
                mx.add(y, mx.array([1]));
                throw boom;
              }),
            ),
          ).toThrow(boom);
        });
      }
      expect(live()).toBe(before);
    });
  });

  test("compiled functions that call themselves, from inside and from their arguments", () => {
    const power = mx.compile(
      (y: mx.array, n: number): mx.array =>
        n === 0 ? mx.ones([3]) : mx.multiply(y, power(y, n - 1)),
    );
    expect(power(x, 3).tolist()).toEqual([1, 8, 27]);
    const add = mx.compile((a: Any, b: mx.array): mx.array => mx.add(a.x ?? a, b));
    const calling = {
      get x(): mx.array {
        return add(x, mx.array([10, 10, 10]));
      },
    };
    expect(add(calling, x).tolist()).toEqual([12, 14, 16]);
    expect(add(calling, x).tolist()).toEqual([12, 14, 16]);
    // The slot of what has been read is not taken over meanwhile.
    const y = mx.array([1, 1, 1]);
    const disposing = {
      get x() {
        y.dispose();
        return mx.array([5, 5, 5]);
      },
    };
    const sum = mx.compile((a: mx.array, b: Any): mx.array => mx.add(a, b.x));
    expect(() => sum(y, disposing)).toThrow(/disposed/);
  });

  test("arguments of a compiled function that change while it is traced", () => {
    let reads = 0;
    const changing = {
      get n() {
        return ++reads;
      },
    };
    const f = mx.compile((a: mx.array, b: { n: number }) => mx.multiply(a, b.n));
    expect(() => f(x, changing)).toThrow("[compile] arguments: expected values that stay the same");
    expect(f(x, { n: 2 }).tolist()).toEqual([2, 4, 6]);
  });

  test("axes and trees of vmap are read before arrays are", () => {
    const y = mx.array([[1, 2]]);
    const inAxes = {
      get a() {
        y.dispose();
        return 0;
      },
    };
    const make = () => mx.vmap((t: { a: mx.array }) => mx.add(t.a, 1), { inAxes: inAxes as Any });
    expect(() => make()({ a: y })).toThrow(/disposed/);
  });
});
