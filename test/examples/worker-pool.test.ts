import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mx } from "mlx-js";
import ts from "typescript";
import { afterAll, describe, expect, test } from "vitest";
import { loadDigits } from "../../examples/digits/data.mjs";
import { TrialPool } from "../../examples/worker-pool/pool.mjs";
import { runTrial, type TrialResult, unpack } from "../../examples/worker-pool/trial.mjs";

// Workers run JavaScript; beside the package, so that they find it.
mkdirSync("dist-examples", { recursive: true });
const folder = mkdtempSync(join("dist-examples", "worker-pool-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ["digits", "worker-pool"]) {
  mkdirSync(join(folder, name));
  for (const file of readdirSync(join("examples", name)).filter((file) => file.endsWith(".mts"))) {
    const source = readFileSync(join("examples", name, file), "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(folder, name, file.replace(/mts$/, "mjs")), outputText);
  }
}
const worker = pathToFileURL(join(folder, "worker-pool", "worker.mjs"));

async function withPool<T>(size: number, file: URL, use: (pool: TrialPool) => Promise<T>) {
  const pool = new TrialPool(size, file);
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

test("workers compute what this thread computes, to the bit", async () => {
  const trials = [
    { rate: 1e-2, epochs: 1, seed: 1 },
    { rate: 1e-3, epochs: 1, seed: 1 },
    { rate: 1e-2, epochs: 2, seed: 2 },
    { rate: 1e-2, epochs: 1, seed: 1 },
  ];
  const here: TrialResult[] = [];
  for (const trial of trials) {
    here.push(await runTrial(trial));
  }
  const there = await withPool(2, worker, (pool) => Promise.all(trials.map((t) => pool.run(t))));
  expect(there).toEqual(here);
  expect(there[0]).toEqual(there[3]);
  expect(there[0]?.losses).not.toEqual(there[1]?.losses);
  expect(there[2]?.losses).toHaveLength(60);
  expect(there[2]?.accuracy).toBeGreaterThan(0.85);

  const { test: digits } = loadDigits("examples/digits/digits.npz");
  const sent = unpack(there[2]?.weights ?? []);
  const right = sent.forward(digits.images).argmax(-1).equal(digits.labels);
  expect(right.astype(mx.float32).mean().item()).toBeCloseTo(there[2]?.accuracy ?? 0, 6);
});

test("an error of a trial is that of its promise, and its worker goes on", async () => {
  await withPool(1, worker, async (pool) => {
    const wrong = { rate: Number.NaN, epochs: 1, seed: 0.5 };
    const [first, second] = await Promise.allSettled([
      pool.run(wrong),
      pool.run({ rate: 1e-2, epochs: 1, seed: 1 }),
    ]);
    expect(first).toMatchObject({ status: "rejected", reason: expect.any(TypeError) });
    expect(first).toMatchObject({ reason: { message: expect.stringContaining("[random.seed]") } });
    expect(second).toEqual({
      status: "fulfilled",
      value: await runTrial({ rate: 1e-2, epochs: 1, seed: 1 }),
    });
  });
});

describe("where a worker ends", () => {
  const file = join(folder, "ends.mjs");
  writeFileSync(
    file,
    `import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ seed }) => {
       if (seed === 1) process.exit(3);
       if (seed === 2) throw new RangeError("two");
       if (seed !== 4) parentPort.postMessage({ result: { accuracy: seed, losses: [], weights: [] } });
     });`,
  );
  const ends = pathToFileURL(file);
  const trial = (seed: number) => ({ rate: 1, epochs: 1, seed });

  test.each([1, 2])("another takes its place (%i)", async (size) => {
    await withPool(size, ends, async (pool) => {
      const all = await Promise.allSettled(
        [1, 3, 2, 5, 1, 2, 6].map((seed) => pool.run(trial(seed))),
      );
      const came = all.map((x) => (x.status === "fulfilled" ? x.value.accuracy : String(x.reason)));
      const [ended, two] = ["Error: the worker has ended", "RangeError: two"];
      expect(came).toEqual([ended, 3, two, 5, ended, two, 6]);
    });
  });

  test("close rejects what runs and what waits", async () => {
    const pool = new TrialPool(1, ends);
    const all = Promise.allSettled([pool.run(trial(4)), pool.run(trial(5))]);
    await pool.close();
    const later = await Promise.allSettled([pool.run(trial(5))]);
    for (const settled of [...(await all), ...later]) {
      expect(settled).toMatchObject({ reason: { message: "the worker has ended" } });
    }
  });
});
