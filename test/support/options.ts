// What is asked of every function that has options.
import { mx } from "mlx-js";
import { expect, test } from "vitest";
import type { tables } from "../../scripts/parity/package.mjs";

export type Call = (options: never) => unknown;
export type Table = (typeof tables)[number];

/** Options that take any value or records, which are looked at later. */
const open = [
  "initial",
  "inAxes",
  "outAxes",
  "inputs",
  "outputs",
  "metadata",
  "compileOptions",
  "destination",
];

/** A wrong value of each type; a type that an option has may have right ones. */
const values: Record<string, unknown> = {
  number: 0.5,
  string: "no such thing",
  boolean: true,
  null: null,
  list: ["x"],
  function: () => 1,
  object: new Map(),
  record: {},
  symbol: Symbol("x"),
  bigint: 1n,
};

/** The values among these that are right, though the tests below take them for wrong. */
const right: Record<string, readonly string[]> = {
  schedulers: ["record"],
  keys: ["string", "list"],
  ...Object.fromEntries(["backend", "path", "prefix", "header"].map((name) => [name, ["string"]])),
  initial: Object.keys(values),
  // Of language models.
  ...Object.fromEntries(["system", "chatTemplate", "revision"].map((name) => [name, ["string"]])),
  stop: ["string", "list"],
  logitBias: ["object", "record"],
  variables: ["object", "record"],
  tools: ["list"],
  state: ["list", "record"],
};

/** What texts call some defaults. */
const words: Record<string, readonly string[]> = {
  none: ["0", "[]", '""'],
  nothing: ['""'],
  "the last": ["-1"],
  "the first": ["0"],
};

/** Whether a text says the default, which is written as parity writes it. */
export function says(text: string, value: string): boolean {
  const said =
    /\b[Bb]y\s+default\s+`?("\w*"|\[[^\]]*\]|-?[\d.e-]*\d|(?:\w|\.(?=\w)| )*\w)(?![\w"])/.exec(
      text,
    )?.[1];
  const plain = said?.replace(/^(mx|nn)\./, "") ?? "";
  const numbers = plain.replace(/-?\d[\d.e-]*/g, (x) => String(Number(x)));
  return (words[plain] ?? [plain, numbers]).includes(value);
}

/** Where a text says a value, and no product. */
const literal = /\b[Bb]y default,? `?("\w*"|-?\d+|true|false|(mx|nn)\.\w+)(?! \S? ?[*/])/;

/** The value that a text says. */
export function valueIn(text: string): unknown {
  return JSON.parse(literal.exec(text)?.[1] ?? "null");
}

/** The defaults that texts say otherwise than their table has them, or that it lacks. */
export function wrongTexts(all: readonly Table[], otherwise: readonly string[] = []): string[] {
  return all.flatMap(({ name, texts, defaults }) =>
    [...texts].flatMap(([option, text]) => {
      const value = defaults.get(option);
      const own = `${name}.${option}`;
      const isRight = value ? says(text, value) : !literal.test(text);
      return isRight || otherwise.includes(own)
        ? []
        : [`${own}: ${value || "nothing"}, not as in "${text}"`];
    }),
  );
}

/**
 * Tests calls of a function.
 *
 * @param fn What it is called in errors.
 */
export function testOptions(fn: string, call: Call, table: Table): void {
  const failure = async (options: unknown): Promise<Error> => {
    try {
      await call(options as never);
    } catch (error) {
      return error as Error;
    }
    return new Error(`${fn} takes it`);
  };

  test("refuses values of types that an option does not have", async () => {
    for (const [option, types] of table.types) {
      if (open.includes(option)) {
        continue;
      }
      for (const [type, value] of Object.entries(values)) {
        if (right[option]?.includes(type)) {
          continue;
        }
        // A list, a string or an object of its type may be wrong as well.
        if (!types.has(type) || ["list", "string", "object"].includes(type)) {
          const error = await failure({ [option]: value });
          expect(error, `${option} is ${type}`).toBeInstanceOf(TypeError);
          expect(error.message).toContain(`[${fn}] ${option}: expected `);
        }
      }
      if (!types.has("null") && option !== "initial") {
        expect(await failure({ [option]: null })).toBeInstanceOf(TypeError);
      }
    }
  });

  test("refuses names that it does not know, and what is no record", async () => {
    const [first = ""] = table.types.keys();
    const error = await failure({ [`${first.toUpperCase()}_`]: 1 });
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(`[${fn}] options: expected ${[...table.defaults.keys()][0]}`);
    expect(error.message).toContain(`did you mean "${first}"?`);
    const names = [...table.defaults.keys()];
    const switched = names.find((option) => table.types.get(option)?.has("boolean"));
    if (switched !== undefined && !names.some((option) => open.includes(option))) {
      expect((await failure(true)).message).toContain(
        `expected { ${switched}: true }, received true`,
      );
    }
    for (const options of [
      null,
      [],
      new Map(),
      new Date(),
      mx.array([1]),
      mx.cpu,
      () => 1,
      "x",
      2n,
    ]) {
      const error = await failure(options);
      expect(error, String(options)).toBeInstanceOf(TypeError);
      expect(error.message).toContain(`[${fn}] options: expected `);
    }
    expect((await failure(JSON.parse('{ "__proto__": 1 }'))).message).toContain(
      'an option "__proto__"',
    );
  });

  test("reads each option once, and takes undefined for one that is left out", async () => {
    const reads: string[] = [];
    const options = {};
    for (const option of table.types.keys()) {
      Object.defineProperty(options, option, {
        enumerable: true,
        get: () => {
          reads.push(option);
          return undefined;
        },
      });
    }
    await failure(options);
    expect(reads.sort()).toEqual([...table.types.keys()].sort());
  });
}
