// Programs for which the system has little memory left: each call works, or
// throws an error, and what comes after it is right.
import fc from "fast-check";
import { child } from "./child.mjs";
import { expectSame, Finding } from "./finding.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */
/** @typedef {{ megabytes: number, steps: [string, number][] }} Case */

/**
 * Steps of a program: what they do with about so many megabytes, `m`, or so
 * many numbers, `n`.
 * @type {Record<string, string>}
 */
const steps = {
  full: "mx.eval(mx.full([n], 2))",
  many: "keep.push(...Array.from({ length: 16 }, (_, i) => mx.full([n / 16], i))); mx.eval(keep)",
  small:
    "for (let i = 0; i < 64 * m; i++) { keep.push(mx.full([4096], i)); mx.eval(keep.at(-1)); }",
  chain:
    "let x = mx.full([n], 1); for (let i = 0; i < 20; i++) x = mx.add(x, mx.full([n], i)); mx.eval(x)",
  matmul:
    "const s = Math.floor(Math.sqrt(n)); mx.eval(mx.matmul(mx.ones([s, s]), mx.ones([s, s])))",
  conv: "const s = Math.floor(Math.sqrt(n / 4)); mx.eval(mx.conv2d(mx.ones([1, s, s, 4]), mx.ones([2, 3, 3, 4]), { padding: 1 }))",
  busyConv:
    "const s = Math.floor(Math.sqrt(n / 4)); const y = mx.exp(mx.ones([n])); mx.eval(mx.conv2d(mx.add(mx.ones([1, s, s, 4]), y.get(0)), mx.ones([2, 3, 3, 4]), { padding: 1 }), y)",
  sort: "mx.eval(mx.sort(mx.arange(n)))",
  argsort: "mx.eval(mx.argsort(mx.negative(mx.arange(n))))",
  fft: "mx.eval(mx.fft.fft(mx.ones([n / 2])))",
  cumsum: "mx.eval(mx.cumsum(mx.ones([n])))",
  concatenate: "mx.eval(mx.concatenate([mx.ones([n / 2]), mx.zeros([n / 2])]))",
  take: "mx.eval(mx.take(mx.arange(100), mx.add(mx.zeros([n], mx.int32), 5)))",
  set: "const x = mx.zeros([n]); x.set(['1:'], 3); mx.eval(x)",
  random: "mx.eval(mx.random.normal([n]))",
  softmax: "mx.eval(mx.softmax(mx.ones([n / 64, 64]), -1))",
  tolist: "mx.ones([n / 16]).tolist()",
  typed: "mx.ones([n]).toTypedArray()",
  from: "mx.eval(mx.array(new Float32Array(n)))",
  list: "mx.eval(mx.array(Array.from({ length: n / 32 }, (_, i) => i)))",
  text: "String(mx.ones([n]))",
  save: "mx.save('large.npy', mx.ones([n]))",
  savez: "mx.savez('large.npz', { x: mx.ones([n]) })",
  load: "mx.eval(mx.load('large.npy'))",
  svd: "const s = Math.floor(Math.sqrt(n) / 8); mx.eval(mx.linalg.svd(mx.random.normal([s, s]), { stream: mx.cpu }))",
  inverse:
    "const s = Math.floor(Math.sqrt(n) / 4); mx.eval(mx.linalg.inv(mx.eye(s), { stream: mx.cpu }))",
  quantize: "mx.eval(mx.quantize(mx.ones([n / 64, 64])))",
  grad: "mx.eval(mx.grad((x) => mx.sum(mx.exp(mx.square(x))))(mx.ones([n])))",
  vmap: "mx.eval(mx.vmap((x) => mx.cumsum(x))(mx.ones([n / 16, 16])))",
  asyncEval: "await mx.asyncEval(mx.exp(mx.ones([n])), mx.ones([n]))",
  asyncMany:
    "await Promise.allSettled(Array.from({ length: 8 }, (_, i) => mx.asyncEval(mx.exp(mx.full([n / 4], i)))))",
  compile: "mx.eval(mx.compile((x) => mx.exp(mx.add(x, 1)))(mx.ones([n])))",
  module: "const l = new nn.Linear(Math.floor(Math.sqrt(n)), Math.floor(Math.sqrt(n))); mx.eval(l)",
  tidy: "mx.tidy(() => mx.eval(Array.from({ length: 8 }, () => mx.ones([n / 8]))))",
  free: "keep.length = 0; mx.clearCache()",
};

/** @param {Case} c */
async function littleMemory({ megabytes, steps: chosen }) {
  const attempts = chosen.map(
    ([name, m]) =>
      `await attempt(${JSON.stringify(name)}, ${m}, async (m, n) => { ${steps[name]}; });`,
  );
  const report = await child(`
    const { readFileSync } = await import("node:fs");
    const { spawnSync } = await import("node:child_process");
    mx.setDefaultDevice(mx.cpu);
    const keep = [];
    const failed = [];
    async function attempt(name, m, fn) {
      try {
        await fn(m, m * (1 << 18));
      } catch (error) {
        if (!(error instanceof Error) || error.message === "") {
          throw error;
        }
        failed.push([name, error.name, error.message]);
      }
    }
    mx.eval(mx.add(1, 2));
    const size = Number(/VmSize:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
    const limit = (bytes) => spawnSync("prlimit", ["--pid", String(process.pid), "--as=" + bytes + ":unlimited"]).status;
    if (limit(size + ${megabytes} * 2 ** 20) !== 0) {
      report({});
      process.exit();
    }
    ${attempts.join("\n")}
    keep.length = 0;
    let after;
    try {
      after = mx.add(mx.array([1, 2]), 3).tolist();
    } catch (error) {
      // There may be too little for anything.
      after = error.message;
    }
    limit("unlimited");
    report({ failed, after, last: mx.matmul(mx.array([[1, 2]]), mx.array([[3], [4]])).tolist() });`);
  if (report?.last === undefined) {
    return;
  }
  expectSame(report.last, [[11]]);
  for (const [name, kind, message] of report.failed) {
    if (/undefined|not a function|std::|internal/i.test(message)) {
      throw new Finding(`${name} failed with ${kind}: ${message}`);
    }
  }
}

/** @type {import("./kinds.mjs").Kind} */
export const kind = {
  checks: { littleMemory },
  targets: Object.keys(steps).map((step) => ({
    name: `little memory for ${step}`,
    cost: 30,
    programs: () =>
      fc
        .record({
          // With less than what arrays leave over, V8 and MLX end processes.
          megabytes: fc.integer({ min: 150, max: 600 }),
          before: fc.array(
            fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.integer({ min: 1, max: 128 })),
            { maxLength: 4 },
          ),
          size: fc.constantFrom(1, 4, 16, 31, 32, 33, 64, 65, 128, 200),
          after: fc.array(
            fc.tuple(fc.constantFrom(...Object.keys(steps)), fc.integer({ min: 1, max: 64 })),
            { maxLength: 3 },
          ),
        })
        .map(
          ({ megabytes, before, size, after }) =>
            `littleMemory(${JSON.stringify({ megabytes, steps: [...before, [step, size], ...after] })})`,
        ),
  })),
};
