// The programs in docs/*.md and on the site's start page run, each in a process of its own, and print what
// the comments at their ends say. One that starts with the name of a file is
// for the programs after it.
import { execFile } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { mx } from "mlx-js";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname ?? __dirname, "..");

const folder = mkdtempSync(join(tmpdir(), "mlx-js-guides-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "mlx-js"), "junction");
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Program {
  name: string;
  file: string | undefined;
  language: "js" | "ts";
  body: string;
  code: string;
  expected: string;
}

function programsOf(guide: string): Program[] {
  const text = readFileSync(join(root, guide), "utf8");
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].filter(
    ([, language]) => !["sh", "dockerfile", "yaml"].includes(language ?? ""),
  );
  return blocks.map(([, language, body = ""], i) => {
    if (language !== "js" && language !== "ts") {
      throw new Error(`${guide}: a block that no test can run: ${language}`);
    }
    const file = /^\/\/ (\S+\.mjs)\n/.exec(body)?.[1];
    const comments = /(?<=\n)(?:\/\/.*\n)+$/.exec(body)?.[0] ?? "";
    return {
      name: file ?? `${guide} #${i}`,
      file,
      language,
      body,
      code: ts.transpileModule(body, {
        compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
      }).outputText,
      expected: comments.replace(/^\/\/ ?/gm, ""),
    };
  });
}

const guides = [
  ...readdirSync(join(root, "docs")).map((file) => `docs/${file}`),
  "site/start.md",
].filter((file) => file.endsWith(".md") && programsOf(file).length > 0);

async function run(file: string, code: string): Promise<string> {
  await writeFile(join(folder, file), code);
  const runtime = process.env["MLX_TEST_RUNTIME"] ?? process.execPath;
  const { stdout, stderr } = await promisify(execFile)(runtime, [join(folder, file)], {
    timeout: 110_000,
  });
  expect(stderr).toBe("");
  return stdout;
}

describe.each(guides)("%s", (guide) => {
  test.each(programsOf(guide))("$name", async ({ file, code, expected }) => {
    if (file !== undefined) {
      await writeFile(join(folder, file), code);
    } else {
      expect(await run("program.mjs", code)).toBe(expected);
    }
  });
});

test("the programs in TypeScript have types, as strictly as it can", () => {
  const files = [...guides, "README.md"].flatMap((guide, i) => {
    const place = join(folder, `typed-${i}`);
    mkdirSync(place);
    return programsOf(guide).map(({ file, language, body }, n) => {
      const name = file?.replace(/\.mjs$/, "") ?? `program-${n}`;
      const path = join(place, `${name}.m${language}`);
      // The last line says in an error where the program stands.
      writeFileSync(path, `${body}\nexport {}; // ${guide}\n`);
      return path;
    });
  });
  const typed = files.filter((path) => path.endsWith(".mts"));
  const program = ts.createProgram(typed, {
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noImplicitReturns: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.esnext.disposable.d.ts"],
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
    skipLibCheck: true,
    allowJs: true,
    noEmit: true,
  });
  const errors = ts.getPreEmitDiagnostics(program).map((error) => {
    const text = ts.flattenDiagnosticMessageText(error.messageText, "\n");
    const { line } = error.file?.getLineAndCharacterOfPosition(error.start ?? 0) ?? { line: 0 };
    const guide = /\/\/ (\S+)\n$/.exec(error.file?.text ?? "")?.[1];
    return `${guide}: ${error.file?.text.split("\n")[line]}: ${text}`;
  });
  expect(typed.length).toBeGreaterThan(10);
  expect(errors).toEqual([]);
});

describe("between workers", () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, -0];
  const made: [string, () => mx.array, unknown][] = [
    ["bool", () => mx.array([true, false, true]), [true, false, true]],
    ["int8", () => mx.array([-128, 127], mx.int8), [-128, 127]],
    ["uint16", () => mx.array([65535, 1], mx.uint16), [65535, 1]],
    ["int32", () => mx.array([-(2 ** 31), 7], mx.int32), [-(2 ** 31), 7]],
    ["int64", () => mx.array([-(2n ** 63n), 2n ** 53n + 1n]), [-(2n ** 63n), 2n ** 53n + 1n]],
    ["uint64", () => mx.array([2n ** 64n - 1n, 0n]), [2n ** 64n - 1n, 0n]],
    ["float16", () => mx.array([0.5, -65504, ...special], mx.float16), [0.5, -65504, ...special]],
    ["bfloat16", () => mx.array([1.5, -3, ...special], mx.bfloat16), [1.5, -3, ...special]],
    ["float32", () => mx.array([16777217, 0.25, ...special]), [16777216, 0.25, ...special]],
    [
      "complex64",
      () =>
        mx.array([
          { re: 1, im: -2 },
          { re: 0, im: 3 },
        ]),
      [
        { re: 1, im: -2 },
        { re: 0, im: 3 },
      ],
    ],
    [
      "a transposed bfloat16",
      () => mx.arange(0, 6, 1, mx.bfloat16).reshape([2, 3]).T,
      [
        [0, 3],
        [1, 4],
        [2, 5],
      ],
    ],
    ["no dimension, int64", () => mx.array(-5n), -5n],
    ["no dimension, bool", () => mx.array(true), true],
    ["no dimension, complex64", () => mx.array({ re: 2, im: 1 }), { re: 2, im: 1 }],
    ["empty, float16", () => mx.zeros([2, 0, 3], mx.float16), [[], []]],
    ["empty, int64", () => mx.zeros([0, 3], mx.int64), []],
    ["empty, complex64", () => mx.zeros([0], mx.complex64), []],
  ];
  if (mx.defaultDevice().type === mx.cpu) {
    made.push(["float64", () => mx.array([0.1, -1e300], mx.float64), [0.1, -1e300]]);
  }

  test("the functions of the guide keep shapes, dtypes and values, there and back", async () => {
    // The worker says what it found, and sends the array back.
    const echo = `
      import { parentPort } from "node:worker_threads";
      import { pack, unpack } from "./arrays.mjs";
      parentPort.on("message", (message) => {
        if (message === "end") return parentPort.close();
        const x = unpack(message);
        const reply = pack(x);
        const found = [x.dtype.name, x.shape, x.tolist()];
        parentPort.postMessage({ found, reply }, [reply.bytes]);
      });`;
    const pack = programsOf("docs/workers.md").find(({ file }) => file === "arrays.mjs");
    await writeFile(join(folder, "arrays.mjs"), pack?.code ?? "");
    await writeFile(join(folder, "echo.mjs"), echo);
    const guide = await import(join(folder, "arrays.mjs"));
    const worker = new Worker(join(folder, "echo.mjs"));
    for (const [name, make, values] of made) {
      const x = make();
      const message = guide.pack(x);
      worker.postMessage(message, [message.bytes]);
      expect(message.bytes.byteLength).toBe(0);
      const [{ found, reply }] = await once(worker, "message");
      expect(found, name).toEqual([x.dtype.name, x.shape, values]);
      const back = guide.unpack(reply);
      expect([back.dtype, back.shape, back.tolist()], name).toEqual([x.dtype, x.shape, values]);
    }
    worker.postMessage("end");
    await once(worker, "exit");
  });
});
