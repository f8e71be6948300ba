import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mx } from "mlx-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mlx-js-export-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

const values = (xs: mx.array[]) => xs.map((x) => x.tolist());

describe("files", () => {
  test("positional and named arrays", () => {
    const file = at("named");
    mx.exportFunction(
      file,
      (x, y, { scale, bias }) => mx.add(mx.multiply(mx.subtract(x, y), scale), bias),
      [mx.zeros([3]), mx.zeros([]), { scale: mx.zeros([2, 1]), bias: mx.zeros([]) }],
    );
    const f = mx.importFunction(file);
    const [x, y] = [mx.array([1, 2, 4]), mx.array(1)];
    const named = { bias: mx.array(0.5), scale: mx.array([[2], [-3]]) };
    const expected = [
      [
        [0.5, 2.5, 6.5],
        [0.5, -2.5, -8.5],
      ],
    ];
    expect(values(f(x, y, named))).toEqual(expected);
    expect(values(f([x, y], named))).toEqual(expected);
  });

  test("outputs are a list, also of one, and also of none that is computed", () => {
    mx.exportFunction(at("one"), (x) => mx.exp(x), [mx.array([0])]);
    expect(values(mx.importFunction(at("one"))(mx.array([0])))).toEqual([[1]]);
    mx.exportFunction(at("same"), (x, y) => [y, x, y], [mx.array([0]), mx.array(1)]);
    const same = mx.importFunction(at("same"))(mx.array([5]), mx.array(6));
    expect(values(same)).toEqual([6, [5], 6]);
    mx.exportFunction(at("none"), () => mx.arange(3));
    expect(values(mx.importFunction(at("none"))())).toEqual([[0, 1, 2]]);
  });

  test("what is captured, and MLX has no operation for", () => {
    const weight = mx.array([1, 2]);
    const norms = () => [
      mx.fast.rmsNorm(mx.array([3, 4]), weight, 0),
      mx.fast.layerNorm(mx.array([3, 5]), null, weight, 0),
      mx.fast.rope(mx.ones([1, 1, 2]), 2, { traditional: false, base: 10, scale: 1, offset: 1 }),
    ];
    const lazy = norms();
    mx.exportFunction(at("norms"), (x) => [...lazy, ...lazy.map((y) => mx.add(x, y))], [
      mx.zeros([2]),
    ]);
    const imported = values(mx.importFunction(at("norms"))(mx.zeros([2])));
    expect(imported).toEqual(values([...norms(), ...norms()]));
  });

  test("what is captured, however it lies in memory", () => {
    const x = mx.reshape(mx.arange(6), [2, 3]);
    const captured = {
      transposed: mx.transpose(x),
      reversed: x.get("::-1", "::2"),
      broadcast: mx.broadcastTo(mx.array([7]), [1000, 1000]),
      lazy: mx.add(x, 1),
      scalar: mx.array(9),
    };
    const { lazy, ...rest } = captured;
    mx.eval(rest);
    const all = Object.values(captured).map((value) => value.tolist());
    mx.exportFunction(
      at("captured"),
      (y) => [...Object.values(captured).map((value) => mx.add(value, y)), y],
      [mx.array(0)],
    );
    // They are as they were.
    expect(Object.values(captured).map((value) => value.tolist())).toEqual(all);
    const results = mx.importFunction(at("captured"))(mx.array(0));
    expect(values(results)).toEqual([...all, 0]);
    expect(lazy.tolist()).toEqual(all[3]);
  });

  test("metadata", () => {
    const metadata = JSON.stringify({ name: "ü", sizes: [1, 2] });
    mx.exportFunction(at("metadata"), (x) => x, [mx.array(1)], { metadata });
    const [f, found] = mx.importFunction(at("metadata"), { returnMetadata: true });
    expect(found).toBe(metadata);
    expect(values(f(mx.array(2)))).toEqual([2]);
    mx.exportFunction(at("metadata"), (x) => x, [mx.array(1)]);
    expect(mx.importFunction(at("metadata"), { returnMetadata: true })[1]).toBe("");
  });

  test("shapeless", () => {
    const f = (x: mx.array) => mx.sum(mx.multiply(x, x), 0);
    mx.exportFunction(at("shapeless"), f, [mx.zeros([2, 3])], { shapeless: true });
    const imported = mx.importFunction(at("shapeless"));
    expect(values(imported(mx.array([[1], [2], [3], [4]])))).toEqual([[30]]);
    expect(() => imported(mx.array([1, 2]))).toThrow(/No imported function found/);
  });

  test("an exporter writes several traces", () => {
    const file = pathToFileURL(at("traces"));
    const table = mx.array([10, 20]);
    {
      using exporter = mx.exporter(
        file,
        (...xs) => xs.reduce((a: mx.array, b: mx.array) => mx.add(a, b), table),
        { metadata: "sums" },
      );
      expect(exporter).toBeInstanceOf(mx.FunctionExporter);
      expect(exporter).toBeInstanceOf(Function);
      exporter(mx.array(0));
      exporter(mx.array(0), mx.array([0, 0]));
      exporter([mx.array(0), mx.array(0), mx.array(0)]);
    }
    const [f, metadata] = mx.importFunction(file, { returnMetadata: true });
    expect(metadata).toBe("sums");
    expect(values(f(mx.array(1)))).toEqual([[11, 21]]);
    expect(values(f(mx.array(1), mx.array([2, 3])))).toEqual([[13, 24]]);
    expect(values(f(mx.array(1), mx.array(2), mx.array(3)))).toEqual([[16, 26]]);
    expect(() => f(mx.array([1, 2]))).toThrow(
      /\[import_function::call\] No imported function found .*Called with 1 positional inputs/s,
    );
  });

  test("a closed exporter writes no more", () => {
    const exporter = mx.exporter(at("closed"), (x) => x);
    exporter(mx.array(1));
    exporter.close();
    exporter.close();
    expect(() => exporter(mx.array([1]))).toThrow(
      "[export_function] Attempting to write after exporting is closed.",
    );
    expect(values(mx.importFunction(at("closed"))(mx.array(3)))).toEqual([3]);
  });

  test("the same kind of inputs twice is an error", () => {
    const exporter = mx.exporter(at("twice"), (x) => x);
    exporter(mx.array(1));
    expect(() => exporter(mx.array(2))).toThrow(
      "[export_function] Attempting to export a function twice with the same signature",
    );
  });

  test("gradients flow through imported functions, and vmap-like loops share them", () => {
    mx.exportFunction(at("grad"), (x) => mx.sum(mx.multiply(mx.exp(x), x)), [mx.zeros([2])]);
    const f = mx.importFunction(at("grad"));
    const gradient = mx.grad((x: mx.array) => f(x)[0])(mx.array([0, 1]));
    expect(mx.allclose(gradient, mx.array([1, 2 * Math.E])).item()).toBe(true);
    const compiled = mx.compile((x: mx.array) => mx.add(f(x)[0] as mx.array, 1));
    expect(compiled(mx.array([0, 0])).item()).toBe(1);
  });

  test("an exported function calls an imported one", () => {
    mx.exportFunction(at("inner"), (x) => mx.square(x), [mx.array([0])]);
    const inner = mx.importFunction(at("inner"));
    mx.exportFunction(at("outer"), (x) => mx.add(inner(x)[0] as mx.array, x), [mx.array([0])]);
    expect(values(mx.importFunction(at("outer"))(mx.array([3])))).toEqual([[12]]);
  });

  test("integers that a processor traps at", () => {
    const integers = (dtype: mx.Dtype) => mx.array([7, -8, 5], dtype);
    mx.exportFunction(
      at("division"),
      (x, y) => [mx.floorDivide(x, y), mx.remainder(x, y), ...mx.divmod(x, y)],
      [integers(mx.int32), integers(mx.int32)],
    );
    const low = -(2 ** 31);
    const [quotient, rest] = mx.importFunction(at("division"))(
      mx.array([low, 7, -7], mx.int32),
      mx.array([-1, -1, 2], mx.int32),
    );
    expect(values([quotient as mx.array, rest as mx.array])).toEqual([
      [low, -7, -4],
      [0, 0, 1],
    ]);
  });
});

describe("steps", () => {
  test("the graph, one after the other", () => {
    const constant = mx.array([3, 4]);
    const steps: mx.ExportStep[] = [];
    mx.exportFunction(
      (step) => steps.push(step),
      (x, { y }) => mx.sum(mx.add(mx.multiply(x, constant), y), 0),
      [mx.zeros([2]), { y: mx.zeros([2]) }],
    );
    const vector = (name: string) => [name, [2], mx.float32];
    expect(steps.slice(0, 3)).toEqual([
      { type: "inputs", inputs: [vector("A"), vector("B")] },
      { type: "keyword_inputs", keywords: [["y", "B"]] },
      { type: "outputs", outputs: [["C", [], mx.float32]] },
    ]);
    const [, , , constants, ...primitives] = steps;
    expect(constants).toEqual({ type: "constants", constants: [["D", expect.anything()]] });
    expect(any(constants).constants[0][1].tolist()).toEqual([3, 4]);
    expect(primitives.map((step) => any(step).name)).toEqual([
      "Multiply",
      "Add",
      "Reduce",
      "Squeeze",
    ]);
    expect(primitives[0]).toEqual({
      type: "primitive",
      name: "Multiply",
      inputs: [vector("A"), vector("D")],
      outputs: [vector("E")],
      arguments: [],
    });
    expect(any(primitives[2]).arguments).toEqual([2, [0]]);
  });

  test("an operation's state has dtypes, booleans and texts", () => {
    const state: Record<string, unknown> = {};
    mx.exportFunction(
      (step) => {
        if (step.type === "primitive") {
          state[step.name] = step.arguments;
        }
      },
      (x) => [
        x.astype(mx.float16),
        mx.linalg.eigvalsh(x, { UPLO: "U", stream: mx.cpu }),
        mx.softmax(x, -1, { precise: true }),
      ],
      [mx.zeros([2, 2])],
    );
    expect(state).toEqual({ AsType: [mx.float16], Eigh: ["U", false], Softmax: [true] });
  });

  test("what the callback throws comes out, the same object", () => {
    const thrown = { not: "an error" };
    const run = (value: unknown) => () =>
      mx.exportFunction(
        () => {
          throw value;
        },
        (x) => x,
        [mx.array(1)],
      );
    for (const value of [thrown, null, new Error("mine")]) {
      expect(caught(run(value))).toBe(value);
    }
  });

  test("it is for files to have metadata", () => {
    expect(() =>
      mx.exportFunction(
        () => {},
        (x) => x,
        [mx.array(1)],
        { metadata: "x" },
      ),
    ).toThrow('[exportFunction] metadata: expected none beside a callback, received "x"');
  });
});

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("drawings", () => {
  test("in DOT, with names", () => {
    const [x, y] = [mx.array(1), mx.array(2)];
    mx.exportToDot(at("graph.dot"), [mx.exp(mx.add(x, y)), { x, "the other": y }]);
    const text = readFileSync(at("graph.dot"), "utf8");
    expect(text).toMatch(/^digraph \{\n/);
    expect(text).toMatch(/"x" -> \d+\n"the other" -> \d+\n/);
    expect(text).toMatch(/label ="Add"/);
    expect(text).toMatch(/label ="Exp"/);
    expect(text).toMatch(/rank=sink; "\w+"/);
    expect(text).toMatch(/\}$/);
    const pieces: Uint8Array[] = [];
    mx.exportToDot({ write: (bytes) => pieces.push(bytes) }, [[x, y]]);
    expect(Buffer.concat(pieces).toString()).toBe(
      'digraph {\n{ rank=source; "A"; }\n{ rank=source; "B"; }\n}',
    );
  });
});

describe("errors", () => {
  const f = (x: mx.array) => mx.exp(x);

  test("wrong arguments", () => {
    const x = mx.array(1);
    const disposed = mx.array(1);
    disposed.dispose();
    const wrong: [() => unknown, string][] = [
      [
        () => mx.exportFunction(any(1), f, [x]),
        "[exportFunction] file: expected the name of a file",
      ],
      [() => mx.exportFunction("", f, [x]), "[exportFunction] file: expected the name of a file"],
      [() => mx.exportFunction(at("x"), any(1), [x]), "[exportFunction] fun: expected a function"],
      [() => mx.exportFunction(at("x"), f, any(x)), "[exportFunction] args: expected a list"],
      [() => mx.exportFunction(at("x"), f, any([1])), "[exportFunction] arguments[0]: expected an"],
      [() => mx.exportFunction(at("x"), f, [disposed]), "received one that has been disposed"],
      [
        () => mx.exportFunction(at("x"), f, [x, any({ y: 1 })]),
        '[exportFunction] arguments["y"]: expected an array, received 1',
      ],
      [
        () => mx.exportFunction(at("x"), f, [x], any({ shapless: true })),
        'received an option "shapless"',
      ],
      [
        () => mx.exportFunction(at("x"), f, [x], any({ metadata: {} })),
        "[exportFunction] metadata: expected a string",
      ],
      [() => mx.exporter(at("x"), any(null)), "[exporter] fun: expected a function, received null"],
      [() => mx.importFunction(any({})), "[importFunction] file: expected the name of a file"],
      [() => mx.importFunction(at("x"), any({ metadata: true })), 'received an option "metadata"'],
      [() => mx.exportToDot(any(1), [x]), "[exportToDot] file: expected the name of a file"],
      [() => mx.exportToDot(at("x"), any([1])), "[exportToDot] arguments[0]: expected an array"],
    ];
    for (const [run, text] of wrong) {
      const error = caught(run);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toContain(text);
    }
    expect(existsSync(at("x"))).toBe(false);
  });

  test("wrong results", () => {
    for (const result of [1, null, [1], { x: mx.array(1) }, [[mx.array(1)]]]) {
      expect(() => mx.exportFunction(at("result"), () => any(result))).toThrow(
        "[exportFunction] fun's result: expected an array or a list of arrays, received",
      );
    }
    expect(() =>
      mx.exportFunction(
        at("result"),
        any(async () => mx.array(1)),
      ),
    ).toThrow("an array or a list of arrays (an asynchronous function cannot be exported)");
  });

  test("what the function throws comes out, and its exporter writes no more", () => {
    for (const value of [{ mine: true }, null, undefined, new Error("mine")]) {
      const exporter = mx.exporter(at("throws"), () => {
        throw value;
      });
      expect(caught(() => exporter(mx.array(1)))).toBe(value);
      // MLX's table has half an entry for these inputs now.
      expect(() => exporter(mx.array(1))).toThrow("after exporting is closed");
    }
  });

  test("an exporter that its function calls or closes", () => {
    const exporter: mx.FunctionExporter = mx.exporter(at("self"), (x) => {
      expect(() => exporter(mx.array([1, 2]))).toThrow("after exporting is closed");
      exporter.close();
      return x;
    });
    exporter(mx.array(1));
    expect(values(mx.importFunction(at("self"))(mx.array(2)))).toEqual([2]);
  });

  test("values cannot be looked at", () => {
    expect(() => mx.exportFunction(at("item"), (x) => mx.array(x.item()), [mx.array(1)])).toThrow(
      /eval/,
    );
  });

  test("operations that MLX does not export", () => {
    expect(() =>
      mx.exportFunction(at("unknown"), (x) => mx.contiguous(x), [mx.zeros([2])]),
    ).toThrow("[export_function] Unable to serialize primitive Contiguous");
  });

  test("files that are not there", () => {
    expect(() => mx.importFunction(at("missing"))).toThrow(/ENOENT/);
    expect(() => mx.importFunction(folder)).toThrow(
      `[importFunction] ${folder}: expected a file, received a folder or a device`,
    );
    expect(() => mx.exportFunction(join(folder, "no", "folder"), f, [mx.array(1)])).toThrow(
      "[exportFunction] " +
        join(folder, "no", "folder") +
        ": expected to write it, received ENOENT",
    );
  });
});

describe("damaged files", () => {
  test.each([
    ["nothing", () => Buffer.alloc(0), "a count of 8 bytes at 0, received a file of 0 bytes"],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 1), "a file of"],
    ["random", () => Buffer.alloc(100, 0x41), "a count of at most 92 at 0"],
    [
      "an operation with another name",
      (bytes: Buffer) => replaced(bytes, "Multiply", "Multiplx"),
      'an operation that MLX exports, received "Multiplx"',
    ],
    [
      "an operation that takes one input",
      (bytes: Buffer) => replaced(bytes, "Multiply", "Negative"),
      "inputs and a state of Negative",
    ],
    [
      "an output of another shape",
      (bytes: Buffer) => {
        // Behind the name stand the number of siblings and that of dimensions.
        bytes.writeInt32LE(4, bytes.indexOf("Multiply") + 8 + 8 + 8 + 4);
        return bytes;
      },
      "the outputs of Multiply, received others",
    ],
    [
      "a GPU that is not there",
      (bytes: Buffer) => {
        // Before the name, its length and the device's index stands its type.
        const place = bytes.indexOf("Multiply") - 8 - 4 - 4;
        bytes.writeInt32LE(1, place);
        bytes.writeInt32LE(99, place + 4);
        return bytes;
      },
      "operations for a device that there is here, received some for GPU 99",
    ],
  ])("%s", (name, damage, expected) => {
    const path = at(`damaged ${name}`);
    mx.exportFunction(path, (x) => mx.sum(mx.multiply(x, x)), [mx.zeros([2, 3])]);
    writeFileSync(path, damage(readFileSync(path)));
    const error = caught(() => mx.importFunction(path)) as mx.FormatError;
    expect(error).toBeInstanceOf(mx.FormatError);
    expect(error.file).toBe(path);
    expect(error.message).toMatch(/^\[importFunction\] .*: expected .*, received /s);
    expect(error.message).toContain(expected);
  });

  function replaced(bytes: Buffer, from: string, to: string): Buffer {
    const place = bytes.indexOf(from);
    expect(place).toBeGreaterThan(0);
    bytes.write(to, place, "latin1");
    return bytes;
  }
});

describe("lifetimes", () => {
  test("imported functions are freed, and so is what they captured", async () => {
    const { code, stdout, stderr } = await runScript(
      `
      const { mx } = require("mlx-js");
      mx.setDefaultDevice(mx.cpu);
      const big = mx.ones([500_000]);
      mx.eval(big);
      const file = ${JSON.stringify(at("freed"))};
      mx.exportFunction(file, (x) => mx.add(big, x), [mx.array(0)]);
      (async () => {
        for (let i = 0; i < 200; i++) {
          const f = mx.importFunction(file);
          mx.tidy(() => mx.eval(f(mx.array(i))));
          if (i % 10 === 9) {
            gc();
            await new Promise(setImmediate);
          }
        }
        gc();
        await new Promise(setImmediate);
        mx.clearCache();
        console.log(mx.getActiveMemory() < 20e6);
      })();
      `,
      { flags: ["--expose-gc"] },
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "true\n", stderr: "" });
  });

  test("in a worker, and at its end", async () => {
    mx.exportFunction(at("worker"), (x) => [mx.exp(x), mx.add(x, 1)], [mx.array([0])]);
    const { code, stdout, stderr } = await runScript(`
      const { Worker } = require("node:worker_threads");
      const { mx } = require("mlx-js");
      mx.setDefaultDevice(mx.cpu);
      const file = ${JSON.stringify(at("worker"))};
      const show = (f) => JSON.stringify(f(mx.array([0])).map((x) => x.tolist()));
      const f = mx.importFunction(file);
      console.log(show(f));
      const worker = new Worker(
        'const { mx } = require("mlx-js");' +
          'const f = mx.importFunction(' + JSON.stringify(file) + ');' +
          'const exporter = mx.exporter(' + JSON.stringify(file + "2") + ', (x) => x);' +
          'exporter(mx.array(1));' +
          'console.log((' + show + ')(f));',
        { eval: true },
      );
      worker.on("exit", (code) => {
        console.log(code, show(f), show(mx.importFunction(file)));
        process.exit();
      });
    `);
    const shown = "[[1],[1]]";
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: `${shown}\n${shown}\n0 ${shown} ${shown}\n`,
      stderr: "",
    });
    expect(statSync(at("worker2")).size).toBeGreaterThan(0);
  });
});
