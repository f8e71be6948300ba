// Where the kernels of compiled functions lie while the CPU's are built, and
// where they are kept: each test in processes of its own.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeFolder } from "./support/folders.mjs";
import { type Outcome, runScript } from "./support/process.js";

const compiler = () => execFileSync("which", ["g++"], { encoding: "utf8" }).trim();

let folder: string;
let temporary: string;
let cache: string;
let log: string;
let env: Record<string, string | undefined>;

// A compiler that notes each library that it makes, and first does what `$1` says.
function wrapCompiler(first = ""): void {
  const script = `#!/bin/sh
case "$*" in *-shared*) echo built >> '${log}'; ${first}
esac
# What is built beside a program has the lowest priority, and would not end on a busy machine. Root may raise it.
renice -n 0 -p $$ > /dev/null 2>&1
exec '${compiler()}' "$@"
`;
  writeFileSync(join(folder, "bin", "g++"), script, { mode: 0o755 });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlx-js-kernels-"));
  temporary = join(folder, "temporary");
  cache = join(folder, "cache");
  log = join(folder, "log");
  for (const name of ["bin", "temporary", "cache"]) {
    mkdirSync(join(folder, name));
  }
  writeFileSync(log, "");
  wrapCompiler();
  env = {
    PATH: `${join(folder, "bin")}:${process.env["PATH"]}`,
    TMPDIR: temporary,
    XDG_CACHE_HOME: cache,
    MLX_JS_CACHE: undefined,
    MLX_JS_KERNELS: "wait",
    FOLDER: folder,
  };
});
afterEach(() => {
  // Compilers may still be at work there.
  removeFolder(folder);
});

/** How many libraries were built since the last time. */
function built(): number {
  const lines = readFileSync(log, "utf8").split("\n").length - 1;
  writeFileSync(log, "");
  return lines;
}

const store = () => join(cache, "mlx-js", "kernels");
const libraries = () => readdirSync(store());

// A sanitizer that is preloaded is for the program, and would cost each compiler's process
// a tenth of a second.
const prelude = `
  delete process.env.LD_PRELOAD;
  const { mx } = require("mlx-js");
  mx.setDefaultDevice(mx.cpu);
  const files = require("node:fs");
  const value = (factor = 3.25) =>
    mx.compile((x) => mx.add(mx.multiply(mx.exp(x), factor), x))(mx.array([0, 0])).tolist();
`;

const compute = async (more = ""): Promise<unknown> => {
  const outcome = await runScript(`${prelude} ${more}; console.log(JSON.stringify(value()));`, {
    env,
  });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  return JSON.parse(outcome.stdout);
};

describe.skipIf(process.platform !== "linux")("the store", () => {
  test("has what processes have built, at once, and nothing else", async () => {
    const values = await Promise.all([1, 2, 3].map(() => compute()));
    expect(values).toEqual([
      [3.25, 3.25],
      [3.25, 3.25],
      [3.25, 3.25],
    ]);
    expect(built()).toBeGreaterThan(0);
    expect(libraries()).toEqual([expect.stringMatching(/^[0-9a-f]{32}\.so$/)]);
    expect(statSync(store()).mode & 0o777).toBe(0o700);
    expect(readdirSync(temporary)).toEqual([]);
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
  });

  test("tells kernels apart that differ in a constant", async () => {
    expect(await compute("value(4.5)")).toEqual([3.25, 3.25]);
    expect(built()).toBe(2);
    expect(await compute("console.assert(value(4.5)[0] === 4.5)")).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
  });

  test("builds again what is cut short, damaged or foreign", async () => {
    await compute();
    built();
    const [name] = libraries();
    const path = join(store(), name as string);
    const whole = readFileSync(path);
    const flipped = Buffer.from(whole);
    flipped[5000] = (flipped[5000] as number) ^ 1;
    const damaged = [
      ...[0, 100, 9000, whole.length - 1].map((length) => whole.subarray(0, length)),
      flipped,
      Buffer.concat([whole, whole]),
      Buffer.alloc(whole.length),
    ];
    for (const bytes of damaged) {
      writeFileSync(path, bytes);
      expect(await compute()).toEqual([3.25, 3.25]);
      expect(built()).toBe(1);
      expect(readFileSync(path).length).toBe(whole.length);
    }
    truncateSync(path, 2 ** 40);
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(readFileSync(path).length).toBe(whole.length);
    // Whole, but of another kernel.
    await compute("value(2.5)");
    const other = libraries().find((each) => each !== name) as string;
    writeFileSync(path, readFileSync(join(store(), other)));
    built();
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(built()).toBe(1);
    rmSync(path);
    mkdirSync(path);
    expect(await compute()).toEqual([3.25, 3.25]);
  });

  test("cut short while processes use it does them no harm", async () => {
    await compute();
    const outcome = await runScript(
      `${prelude}
      const f = mx.compile((x) => mx.add(mx.multiply(mx.exp(x), 3.25), x));
      f(mx.array([0, 0])).tolist();
      for (const name of files.readdirSync(process.env.STORE)) {
        files.truncateSync(process.env.STORE + "/" + name, 0);
      }
      console.log(f(mx.array([0, 0])).tolist().join());`,
      { env: { ...env, STORE: store() } },
    );
    expect(outcome).toMatchObject({ code: 0, stdout: "3.25,3.25\n" });
  });

  test("is made again when it is swept away while a process runs", async () => {
    const sweep = `
      value(2.5);
      files.rmSync(process.env.XDG_CACHE_HOME, { recursive: true });
      files.rmSync(process.env.TMPDIR, { recursive: true });
      files.mkdirSync(process.env.TMPDIR);`;
    expect(await compute(sweep)).toEqual([3.25, 3.25]);
    expect(libraries()).toHaveLength(1);
  });

  test("keeps 256 libraries and 64 MiB, those that were used last", async () => {
    mkdirSync(store(), { recursive: true, mode: 0o700 });
    for (let i = 0; i < 300; i++) {
      const path = join(store(), `old-${i}.so`);
      writeFileSync(path, "x");
      utimesSync(path, 1000 + i, 1000 + i);
    }
    await compute();
    expect(libraries()).toHaveLength(256);
    expect(libraries().filter((name) => /^old-(\d|[1-3]\d|4[0-4])\.so$/.test(name))).toEqual([]);
    for (let i = 0; i < 3; i++) {
      truncateSync(join(store(), `old-${299 - i}.so`), 30 * 2 ** 20);
      utimesSync(join(store(), `old-${299 - i}.so`), 9000 - i, 9000 - i);
    }
    await compute("value(2.5)");
    const left = libraries();
    expect(left).toContain("old-299.so");
    expect(left).toContain("old-298.so");
    expect(left).not.toContain("old-297.so");
    expect(left).not.toContain("old-296.so");
    built();
    // The kernels that this used are the last of all.
    expect(await compute("value(2.5)")).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
  });

  test("lies where MLX_JS_CACHE says, also under an awkward name, or nowhere", async () => {
    const awkward = join(folder, 'an "awkward" `name`, $(exit 1) it\'s');
    env["MLX_JS_CACHE"] = awkward;
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(readdirSync(join(awkward, "kernels"))).toHaveLength(1);
    env["MLX_JS_CACHE"] = "";
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(readdirSync(cache)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
    expect(built()).toBe(2);
  });

  test("stays where the environment said when a compiled function was first called", async () => {
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    const move = `
      process.env.MLX_JS_CACHE = ${JSON.stringify(first)};
      value(2.5);
      process.env.MLX_JS_CACHE = ${JSON.stringify(second)};`;
    expect(await compute(move)).toEqual([3.25, 3.25]);
    expect(readdirSync(join(first, "kernels"))).toHaveLength(2);
    expect(existsSync(second)).toBe(false);
  });
});

describe.skipIf(process.platform !== "linux")("a folder that others could exchange", () => {
  const refused = async () => {
    built();
    expect(await compute()).toEqual([3.25, 3.25]);
    // Built, but elsewhere.
    expect(built()).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  };

  test("is not used: one that all can write to", async () => {
    await compute();
    for (const path of [store(), join(cache, "mlx-js"), cache]) {
      const { mode } = statSync(path);
      for (const more of [0o020, 0o002]) {
        chmodSync(path, mode | more);
        await refused();
      }
      chmodSync(path, mode);
      expect(await compute()).toEqual([3.25, 3.25]);
      expect(built()).toBe(0);
    }
  });

  test("is used where they can only add to it, as to /tmp", async () => {
    chmodSync(cache, 0o1777);
    await compute();
    expect(libraries()).toHaveLength(1);
  });

  test("is not used by way of a link either", async () => {
    const open = join(folder, "open");
    mkdirSync(open);
    symlinkSync(cache, join(open, "link"));
    env["XDG_CACHE_HOME"] = join(open, "link");
    await compute();
    built();
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
    chmodSync(open, 0o777);
    await refused();
  });

  test.skipIf(process.getuid?.() !== 0)("is not used: one of another user's", async () => {
    await compute();
    for (const path of [store(), join(cache, "mlx-js"), cache]) {
      chownSync(path, 12345, 12345);
      await refused();
      chownSync(path, 0, 0);
    }
  });

  test("and without any, functions are called as they are", async () => {
    chmodSync(cache, 0o777);
    chmodSync(temporary, 0o777);
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
  });

  test("nor while a process runs that had one", async () => {
    const open = `
      value(2.5);
      files.chmodSync(process.env.XDG_CACHE_HOME, 0o777);
      files.chmodSync(process.env.TMPDIR, 0o777);`;
    expect(await compute(open)).toEqual([3.25, 3.25]);
    expect(built()).toBe(1);
  });

  test("nor is there anything to build, or a process to start, without a compiler", async () => {
    env["PATH"] = "";
    // What children cost that have ended, in page faults.
    const children = `files.readFileSync("/proc/self/stat", "utf8").split(" ")[10]`;
    const outcome = await runScript(
      `${prelude} const before = ${children}; console.log(value().join(), ${children} - before);`,
      { env },
    );
    expect(outcome).toMatchObject({ code: 0, stdout: "3.25,3.25 0\n" });
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("nor does one that fails cost more than its kernels", async () => {
    wrapCompiler("exit 1");
    expect(await compute("value(2.5)")).toEqual([3.25, 3.25]);
    expect(built()).toBe(2);
    expect(libraries()).toEqual([]);
  });

  test("nor do processes matter whose children's ends are ignored", async () => {
    const node = JSON.stringify(process.execPath);
    const program = `${prelude} console.log(value().join())`;
    const shell = `trap "" CHLD; exec ${node} -e "$PROGRAM"`;
    const stdout = execFileSync("sh", ["-c", shell], {
      encoding: "utf8",
      env: { ...process.env, ...env, PROGRAM: program } as NodeJS.ProcessEnv,
    });
    expect(stdout).toBe("3.25,3.25\n");
    expect(libraries()).toHaveLength(1);
  });
});

describe.skipIf(process.platform !== "linux")("the process", () => {
  test("keeps its environment, which children and other threads see", async () => {
    // Asked for in the middle of a build, by the thread that does not build.
    wrapCompiler(`touch "$FOLDER/building"; until [ -e "$FOLDER/seen" ]; do sleep 0.01; done`);
    const outcome = await runScript(
      `
      const { Worker } = require("node:worker_threads");
      const { execFileSync } = require("node:child_process");
      const files = require("node:fs");
      const { FOLDER, TMPDIR } = process.env;
      const worker = new Worker(${JSON.stringify(`${prelude}
        require("node:worker_threads").parentPort.postMessage(value());`)}, { eval: true });
      let seen;
      const timer = setInterval(() => {
        if (files.existsSync(FOLDER + "/building")) {
          clearInterval(timer);
          const child = execFileSync(process.execPath, ["-p", "os.tmpdir()"], { encoding: "utf8" });
          seen = [require("node:os").tmpdir(), process.env.TMPDIR, child.trim()];
          process.env.TMPDIR = "/somewhere";
          files.writeFileSync(FOLDER + "/seen", "");
        }
      }, 5);
      worker.once("message", (value) => {
        console.log(JSON.stringify({ value, seen, after: process.env.TMPDIR }));
      });`,
      { env },
    );
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(outcome.stdout)).toEqual({
      value: [3.25, 3.25],
      seen: [temporary, temporary, temporary],
      after: "/somewhere",
    });
  });

  test("gets no variable that was not there", async () => {
    env["TMPDIR"] = undefined;
    env["MLX_JS_CACHE"] = "";
    const outcome = await runScript(
      `${prelude} value();
      console.log("TMPDIR" in process.env, require("node:os").tmpdir());`,
      { env },
    );
    expect(outcome.stdout).toBe("false /tmp\n");
  });

  test("has workers that build the same kernels at once", async () => {
    const outcome = await runScript(
      `
      const { Worker } = require("node:worker_threads");
      const program = ${JSON.stringify(`${prelude}
        require("node:worker_threads").parentPort.postMessage([value(), value(2.5)].join());`)};
      const values = [1, 2, 3, 4].map(() => new Promise((resolve, reject) => {
        new Worker(program, { eval: true }).once("message", resolve).once("error", reject);
      }));
      Promise.all(values).then((all) => console.log(all.join(" ")));`,
      { env },
    );
    const each = "3.25,3.25,2.5,2.5";
    expect(outcome).toMatchObject({ code: 0, stdout: `${each} ${each} ${each} ${each}\n` });
  });
});

describe.skipIf(process.platform !== "linux")(
  "what a process leaves that ends amid of a build",
  () => {
    const left = (path: string) =>
      existsSync(path) ? readdirSync(path).filter((name) => name.startsWith("mlx-js-")) : [];

    test.each(["TERM", "KILL", "INT"])("by SIG%s is removed by the next", async (signal) => {
      for (const place of [store, () => temporary]) {
        env["MLX_JS_CACHE"] = place() === temporary ? "" : undefined;
        wrapCompiler(`kill -${signal} $NODE; sleep 0.2; exit 1`);
        const program = `process.env.NODE = String(process.pid); ${prelude} value(2.5);`;
        const outcome = await runScript(program, { env });
        expect(outcome.signal).toBe(`SIG${signal}`);
        expect(left(place())).not.toEqual([]);
        wrapCompiler();
        // The compiler has to end, too.
        const others = async () => {
          expect(await compute()).toEqual([3.25, 3.25]);
          return left(place());
        };
        await expect.poll(others, { timeout: 50_000 }).toEqual([]);
        expect(readdirSync(temporary)).toEqual([]);
      }
    });

    test("stays while the process lives", async () => {
      wrapCompiler(`touch "$FOLDER/building"; until [ -e "$FOLDER/go" ]; do sleep 0.01; done`);
      const slow: Promise<Outcome> = runScript(`${prelude} console.log(value(2.5).join());`, {
        env,
      });
      await expect
        .poll(() => existsSync(join(folder, "building")), { timeout: 100_000 })
        .toBe(true);
      wrapCompiler();
      const before = left(store());
      expect(await compute()).toEqual([3.25, 3.25]);
      expect(left(store())).toEqual(before);
      expect(before).not.toEqual([]);
      writeFileSync(join(folder, "go"), "");
      expect(await slow).toMatchObject({ code: 0, stdout: "2.5,2.5\n" });
      expect(left(store())).toEqual([]);
    });
  },
);

describe.skipIf(process.platform !== "linux")("while a kernel is built", () => {
  // The compiler waits for a file, or for the folder to go.
  const waiting = `touch "$FOLDER/building"
    while [ -e "$FOLDER/building" ] && [ ! -e "$FOLDER/go" ]; do sleep 0.01; done`;
  const until = `
    const until = async (there) => {
      while (!there()) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const there = (name) => () => files.existsSync(process.env.FOLDER + "/" + name);
    const kept = (count) => () => files.existsSync(process.env.STORE) &&
      files.readdirSync(process.env.STORE).filter((name) => name.endsWith(".so")).length >= count;`;
  const run = (program: string) =>
    runScript(`${prelude} ${until} (async () => { ${program} })();`, {
      env: { ...env, STORE: store(), LOG: log },
    });

  beforeEach(() => {
    env["MLX_JS_KERNELS"] = undefined;
  });

  test("operations are computed one by one, and the event loop turns", async () => {
    wrapCompiler(waiting);
    const outcome = await run(`
      const f = mx.compile((x) => mx.add(mx.multiply(mx.exp(x), 3.25), x));
      const y = f(mx.array([0, 0]));
      await mx.asyncEval(y);
      await until(there("building"));
      console.log(y.tolist().join(), f(mx.array([0, 0])).tolist().join(), kept(1)());
      files.writeFileSync(process.env.FOLDER + "/go", "");
      await until(kept(1));
      console.log(f(mx.array([0, 0])).tolist().join());`);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toBe("3.25,3.25 3.25,3.25 false\n3.25,3.25\n");
    expect(built()).toBe(1);
    // The next process builds nothing.
    expect(await compute()).toEqual([3.25, 3.25]);
    expect(built()).toBe(0);
  });

  test("values are the same, whatever is fused", async () => {
    wrapCompiler("exit 1");
    const outcome = await run(`
      const column = mx.arange(3).reshape([3, 1]), row = mx.arange(4).astype(mx.float32);
      const table = mx.arange(12).reshape([3, 4]).astype(mx.float32);
      const functions = [
        (a, b, c) => mx.add(mx.multiply(mx.exp(mx.negative(b)), a), c),
        (a, b, c) => mx.where(mx.greater(c.T, 5), mx.sqrt(c.T), mx.add(mx.square(a.T), 1)),
        (a, b, c) => [mx.tanh(mx.add(c, b)), mx.add(mx.tanh(mx.add(c, b)), a)],
        (a, b, c) => mx.multiply(mx.add(c.T, 1.5), 2).astype(mx.int32),
        (a, b, c) => mx.add(mx.sin(mx.zeros([0, 4])), b),
        (a, b, c) => mx.maximum(mx.abs(mx.sum(c)), mx.log1p(mx.min(b))),
      ];
      const text = (values) => [values].flat().map((x) => x.dtype + x.shape + ":" + x.tolist());
      const differ = functions.filter((f) =>
        [false, true].some((shapeless) => {
          const compiled = mx.compile(f, { shapeless });
          const args = [column, row, table];
          return String(text(compiled(...args))) !== String(text(f(...args)));
        }));
      // Not before the compiler was asked: the process would end it.
      await until(() => files.readFileSync(process.env.LOG, "utf8") !== "");
      console.log(differ.map(String).join());`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "\n" });
    expect(built()).toBeGreaterThan(0);
  });

  test("what cannot be built is not tried again", async () => {
    wrapCompiler("exit 1");
    const outcome = await run(`
      const f = mx.compile((x) => mx.add(mx.multiply(mx.exp(x), 3.25), x));
      const values = new Set();
      for (let i = 0; i < 30; i++) {
        values.add(f(mx.array([0, 0])).tolist().join());
        await until(() => files.readFileSync(process.env.LOG, "utf8") !== "");
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log([...values].join(" "));`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "3.25,3.25\n" });
    expect(built()).toBe(1);
  });

  test("a training step learns, and its kernels come one after the other", async () => {
    const outcome = await run(`
      const { nn, optim } = require("mlx-js");
      mx.random.seed(1);
      const model = new nn.Sequential(new nn.Linear(2, 8), nn.gelu, new nn.Linear(8, 1));
      const optimizer = new optim.Adam(0.02);
      const x = mx.random.normal([64, 2]);
      const y = x.get(":", "0:1").multiply(x.get(":", "1:2"));
      const both = nn.valueAndGrad(model, () => nn.losses.mseLoss(model.forward(x), y));
      optimizer.init(model.trainableParameters());
      const state = [model, optimizer.state];
      const step = mx.compile(() => {
        const [loss, gradients] = both();
        optimizer.update(model, gradients);
        return loss;
      }, { inputs: state, outputs: state });
      const losses = [];
      for (let i = 0; i < 150; i++) {
        const loss = step();
        await mx.asyncEval(loss, model, optimizer.state);
        losses.push(loss.item());
      }
      console.log(losses.at(-1) < losses[0]);`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "true\n" });
  });

  test("kernels that come together are built together, and are found one by one", async () => {
    const factors = [2.5, 3.5, 4.5, 5.5, 6.5];
    const program = `
      const values = ${JSON.stringify(factors)}.map((factor) => value(factor).join());
      await until(kept(5));
      console.log(values.join(" "));`;
    const stdout = `${factors.map((factor) => `${factor},${factor}`).join(" ")}\n`;
    expect(await run(program)).toMatchObject({ code: 0, stderr: "", stdout });
    // Processors that are busy may let the first one wait for the others in vain.
    const runs = built();
    expect(runs).toBeLessThan(factors.length);
    expect(libraries()).toHaveLength(factors.length);
    const files = libraries().map((name) => statSync(join(store(), name)).ino);
    expect(new Set(files).size).toBe(runs);
    env["MLX_JS_KERNELS"] = "wait";
    for (const factor of factors) {
      expect(await compute(`console.assert(value(${factor})[0] === ${factor})`)).toEqual([
        3.25, 3.25,
      ]);
    }
    // That of `compute` itself.
    expect(built()).toBe(1);
  });

  test("one that cannot be built does not cost the others", async () => {
    wrapCompiler(`for each; do case "$each" in *.cpp) grep -qF 4.5 "$each" && exit 1;; esac; done`);
    const outcome = await run(`
      const values = [2.5, 4.5, 3.5].map((factor) => value(factor).join());
      await until(kept(2));
      console.log(values.join(" "));`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "2.5,2.5 4.5,4.5 3.5,3.5\n" });
  });

  test("a few hundred wait, and one compiler builds them when the process ends", async () => {
    wrapCompiler(waiting);
    const outcome = await run(`
      const wrong = [];
      for (let i = 0; i < 400; i++) {
        const factor = 1 + i / 8;
        if (value(factor).join() !== [factor, factor].join()) {
          wrong.push(factor);
        }
      }
      await until(there("building"));
      console.log(wrong.join());`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "\n" });
    const keys = libraries().map((name) => readFileSync(join(store(), name, "keys"), "utf8"));
    // What was under way, and the rest.
    expect(keys).toHaveLength(2);
    const counts = keys.map((text) => text.split("\n").length - 1).sort((a, b) => a - b);
    expect(counts[0]).toBeLessThanOrEqual(32);
    expect(counts[1]).toBe(256);
    wrapCompiler("exit 1");
    writeFileSync(join(folder, "go"), "");
  });

  test("a program that never stops making functions gets no more kernels at some time", async () => {
    wrapCompiler("exit 1");
    env["MLX_JS_KERNELS"] = "wait";
    const outcome = await run(`
      const factors = Array.from({ length: 1040 }, (_, i) => 1 + i / 8);
      console.log(factors.filter((factor) => value(factor)[0] !== factor).join());`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "\n" });
    expect(built()).toBe(1024);
  });

  test("what cannot be kept is built once, and used", async () => {
    await run(`value(); await until(kept(1));`);
    const [name] = libraries();
    const path = join(store(), name as string);
    rmSync(path);
    mkdirSync(path);
    writeFileSync(join(path, "in the way"), "");
    built();
    const outcome = await run(`
      const values = new Set();
      for (let i = 0; i < 30; i++) {
        values.add(value().join());
        await until(() => files.readFileSync(process.env.LOG, "utf8") !== "");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      console.log([...values].join(" "));`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "3.25,3.25\n" });
    expect(built()).toBe(1);
  });

  test.each(["", "process.exit(3)", "throw null", "process.kill(process.pid, 'SIGKILL')"])(
    "a process ends by %j, and the next one finds what the compiler makes, and what was waiting",
    async (end) => {
      wrapCompiler(waiting);
      const outcome = await run(`
        console.log(value(2.5).join());
        await until(there("building"));
        console.log(value(3.5).join());
        ${end}`);
      expect(outcome.stdout).toBe("2.5,2.5\n3.5,3.5\n");
      expect(libraries().filter((name) => name.endsWith(".so"))).toEqual([]);
      writeFileSync(join(folder, "go"), "");
      // Nobody is told to build what is waiting.
      const waited = end.includes("SIGKILL") ? 0 : 1;
      env["MLX_JS_KERNELS"] = "wait";
      const kept = async () => {
        await compute();
        return libraries().filter((name) => name.endsWith(".so")).length;
      };
      await expect.poll(kept, { timeout: 100_000, interval: 500 }).toBe(2 + waited);
      expect(built()).toBe(2 + waited);
    },
  );

  test("a process ends that keeps nothing, and the compiler leaves nothing", async () => {
    env["MLX_JS_CACHE"] = "";
    wrapCompiler(waiting);
    const outcome = await run(`console.log(value(2.5).join()); await until(there("building"));`);
    expect(outcome).toMatchObject({ code: 0, stdout: "2.5,2.5\n" });
    writeFileSync(join(folder, "go"), "");
    await expect.poll(() => readdirSync(temporary), { timeout: 100_000 }).toEqual([]);
  });

  test("a worker ends, and its thread's kernel is there for others", async () => {
    wrapCompiler(waiting);
    const outcome = await run(`
      const { Worker } = require("node:worker_threads");
      const worker = new Worker(${JSON.stringify(`${prelude}
        require("node:worker_threads").parentPort.postMessage(value());`)}, { eval: true });
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.once("message", (values) => console.log(values.join()));
      await until(there("building"));
      console.log(await ended);
      files.writeFileSync(process.env.FOLDER + "/go", "");
      await until(kept(1));
      console.log(value().join());`);
    expect(outcome).toMatchObject({ code: 0, stdout: "3.25,3.25\n0\n3.25,3.25\n" });
    expect(built()).toBe(1);
  });
});
