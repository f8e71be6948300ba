import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Characters, loadCorpus, windowsAt } from "../../examples/train-short-test-long/data.js";
import { evaluate } from "../../examples/train-short-test-long/evaluate.js";
import {
  type LayerCache,
  type Positions,
  Transformer,
} from "../../examples/train-short-test-long/model.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist-examples", "train-short-test-long", "main.js");
const folder = mkdtempSync(join(tmpdir(), "mlx-js-demo-"));
const file = join(folder, "text.txt");

beforeAll(async () => {
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.examples.json"], { cwd: root });
  const { train } = await loadCorpus();
  // The held-out tenth begins with a space.
  writeFileSync(file, `${train.slice(0, 10_800)} ${train.slice(10_800, 11_999)}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [main, ...args], { cwd: folder, stdio: "pipe" });
}

async function finish(child: ChildProcess) {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const [code, signal] = await once(child, "close");
  return { code, signal, stdout, stderr };
}

const tiny = ["--file", file, "--steps", "3", "--length", "8", "--heads", "2", "--device", "cpu"];

function demo(...args: string[]) {
  return finish(start([...tiny, ...args]));
}

// What does not depend on how fast this machine is.
// biome-ignore lint/suspicious/noExplicitAny: JSON
function numbers(json: string): any {
  return JSON.parse(json, (key, value) =>
    ["seconds", "tokensPerSecond", "files"].includes(key) ? undefined : value,
  );
}

describe("a run", () => {
  const out = join(folder, "json");
  let stdout = "";

  test("prints one JSON object, and keeps it", async () => {
    const run = await demo("--json", "--out", out, "--seed", "7");
    expect(run.stderr).toContain("3/3 steps");
    expect(run.code).toBe(0);
    stdout = run.stdout;
    expect(stdout.trim().split("\n")).toHaveLength(1);
    const results = JSON.parse(stdout);
    expect(JSON.parse(readFileSync(join(out, "results.json"), "utf8"))).toEqual(results);
    expect(results).toMatchObject({
      corpus: { name: file, train: 10_800, heldOut: 1_200 },
      options: { steps: 3, length: 8, heads: 2, seed: 7, device: "cpu" },
      interrupted: false,
    });
    expect(results.models.map(({ positions }: { positions: string }) => positions)).toEqual([
      "alibi",
      "sinusoidal",
    ]);
    for (const model of results.models) {
      expect(model.losses).toHaveLength(3);
      expect(model.tokensPerSecond).toBeGreaterThan(0);
      expect(model.perplexity.map(({ length }: { length: number }) => length)).toEqual([
        8, 16, 32, 64,
      ]);
      for (const { perplexity } of model.perplexity) {
        // After three steps it is still near a guess among the 60 or so characters.
        expect(perplexity).toBeGreaterThan(10);
        expect(perplexity).toBeLessThan(100);
      }
    }
    const [alibi, sinusoidal] = results.models;
    expect(alibi.parameters).toBe(sinusoidal.parameters);
    // The same weights and the same text, but not the same positions.
    expect(alibi.losses[0]).not.toBe(sinusoidal.losses[0]);
    expect(results.verdict.alibi).toBeCloseTo(
      alibi.perplexity[2].perplexity / alibi.perplexity[0].perplexity,
      12,
    );
    expect(results.sample.prompt).toMatch(/^\S/);
    expect(results.sample.text).toHaveLength(56);
    expect(results.files.map((path: string) => existsSync(path))).toEqual(
      results.files.map(() => true),
    );
  });

  test("saves weights under Python's names", () => {
    for (const positions of ["alibi", "sinusoidal"]) {
      const weights = mx.load(join(out, `${positions}.safetensors`)) as Record<string, mx.array>;
      expect(Object.keys(weights)).toHaveLength(2 + 3 * 12 + 2);
      expect(weights["blocks.2.attention_norm.weight"]?.shape).toEqual([128]);
      expect(weights["blocks.0.up.weight"]?.shape).toEqual([512, 128]);
    }
  });

  test("draws a line for each model and a panel for each head", () => {
    const chart = readFileSync(join(out, "perplexity.svg"), "utf8");
    expect(chart).toMatch(/^<svg[\s\S]*<\/svg>$/);
    for (const text of ["ALiBi", "sinusoidal", ">8<", ">16<", ">32<", ">64<"]) {
      expect(chart).toContain(text);
    }
    const bias = readFileSync(join(out, "bias.svg"), "utf8");
    expect(bias).toContain("head 1: slope 1/16");
    expect(bias).toContain("head 2: slope 1/256");
    expect(bias).not.toContain("head 3");
  });

  test("is the same for the same seed", async () => {
    const again = await demo("--json", "--out", join(folder, "again"), "--seed", "7");
    expect(numbers(again.stdout)).toEqual(numbers(stdout));
    const other = await demo("--json", "--out", join(folder, "other"), "--seed", "8");
    expect(numbers(other.stdout).models[0].losses).not.toEqual(numbers(stdout).models[0].losses);
  });

  test("ends with a table and a verdict", async () => {
    const run = await demo();
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/8 \(1x\) .* 16 \(2x\) .* 32 \(4x\) .* 64 \(8x\)/);
    expect(run.stdout).toMatch(/ALiBi( +│ +\d+\.\d\d){4}/);
    expect(run.stdout).toMatch(/sinusoidal( +│ +\d+\.\d\d){4}/);
    expect(run.stdout).toContain("From 1 to 4 times the length of training");
    expect(existsSync(join(folder, "out", "train-short-test-long", "results.json"))).toBe(true);
  });
});

describe("Ctrl-C", () => {
  const unix = test.skipIf(process.platform === "win32");

  unix("evaluates and saves what there is", async () => {
    const out = join(folder, "stopped");
    let steps = 0;
    // Nothing shows when a step is done. A busy machine may take longer for the first one.
    for (const seconds of [1, 5, 20]) {
      const child = start([...tiny, "--steps", "100000", "--out", out]);
      const done = finish(child);
      await said(child, "steps  loss");
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
      child.kill("SIGINT");
      const { code, signal, stdout, stderr } = await done;
      expect({ code, signal }).toEqual({ code: 130, signal: null });
      expect(stderr).toContain(stopping);
      expect(stdout).toMatch(/ALiBi( +│ +\d+\.\d\d){4}/);
      const results = JSON.parse(readFileSync(join(out, "results.json"), "utf8"));
      expect(results).toMatchObject({ interrupted: true, verdict: null, sample: null });
      expect(results.models).toHaveLength(1);
      steps = results.models[0].steps;
      if (steps > 0) {
        break;
      }
    }
    expect(steps).toBeGreaterThan(0);
    expect(steps).toBeLessThan(100_000);
    expect(existsSync(join(out, "alibi.safetensors"))).toBe(true);
  });

  unix("a second time stops at once", async () => {
    const child = start([...tiny, "--steps", "100000", "--out", join(folder, "twice")]);
    const done = finish(child);
    await said(child, "steps  loss");
    const first = said(child, stopping);
    child.kill("SIGINT");
    await first;
    child.kill("SIGINT");
    const { code, signal } = await done;
    expect({ code, signal }).toEqual({ code: 130, signal: null });
  });
});

const stopping = "Ctrl-C again stops at once";

/** Waits until a program says something. */
async function said(child: ChildProcess, words: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      if (String(chunk).includes(words)) {
        resolve();
      }
    });
    child.once("close", () => reject(new Error(`it ended before it said "${words}"`)));
  });
}

describe("options", () => {
  test("--help", async () => {
    const { code, stdout } = await finish(start(["--help"]));
    expect(code).toBe(0);
    for (const option of ["steps", "length", "heads", "seed", "device", "file", "out", "json"]) {
      expect(stdout).toContain(`--${option}`);
    }
  });

  test.each([
    [["--steps", "0"], '--steps: expected a whole number from 1 to 1000000, received "0"'],
    [["--steps", "many"], 'received "many"'],
    [["--length", "1e9"], "--length: expected a whole number"],
    [["--heads", "-1"], "--heads"],
    [["--heads=65"], "--heads: expected a whole number from 1 to 64"],
    [["--seed", "0.5"], "--seed"],
    [["--device", "tpu"], '--device: expected cpu or gpu, received "tpu"'],
    [["--file", "nowhere.txt"], "--file: ENOENT: no such file or directory, open 'nowhere.txt'"],
    [["--file", "."], "--file: EISDIR"],
    [["--file", file, "--out", file], "--out: EEXIST"],
    [["--file", file, "--length", "512"], "--length 512: reading 8 times as far"],
    [["--stpes", "3"], "--stpes"],
    [["surplus"], "surplus"],
  ])("%j is refused", async (args, message) => {
    const { code, stdout, stderr } = await finish(start(args));
    expect(stderr).toContain(message);
    expect(stderr).toContain("--help");
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });
});

describe.each<Positions>(["alibi", "sinusoidal"])("the model with %s positions", (positions) => {
  const options = { vocabulary: 11, width: 24, heads: 6, layers: 2, positions };

  test("reads the same at once and bit by bit", () => {
    mx.random.seed(1);
    const model = new Transformer(options);
    const tokens = mx.random.randint(0, 11, [2, 9]);
    const whole = model.forward(tokens);
    let cache: LayerCache[] = [];
    const parts: mx.array[] = [];
    for (const part of ["0:4", "4:5", "5:6", "6:9"] as const) {
      const [logits, grown] = model.read(tokens.get(":", part), cache);
      parts.push(logits);
      cache = grown;
    }
    expect(cache[1]?.keys.shape).toEqual([2, 6, 9, 4]);
    const difference = mx.concatenate(parts, 1).subtract(whole).abs().max().item();
    expect(difference).toBeLessThan(1e-4);
  });

  test("does not see what comes", () => {
    mx.random.seed(1);
    const model = new Transformer(options);
    const a = model.forward(mx.array([[1, 2, 3, 4]], mx.int32)).get(0, ":3");
    const b = model.forward(mx.array([[1, 2, 3, 9]], mx.int32)).get(0, ":3");
    expect(a.tolist()).toEqual(b.tolist());
  });

  test("that guesses has the vocabulary's size as its perplexity", async () => {
    const model = new Transformer(options);
    model.update({ head: { weight: mx.zeros([11, 24]) } });
    const tokens = mx.random.randint(0, 11, [1000]);
    const found = await evaluate(model, tokens, {
      lengths: [8, 16, 32],
      budget: 500,
      signal: undefined,
    });
    expect(found.map(({ length }) => length)).toEqual([8, 16, 32]);
    for (const { perplexity } of found) {
      expect(perplexity).toBeCloseTo(11, 4);
    }
  });
});

describe("the text", () => {
  test("keeps every tenth chapter for later", async () => {
    const { train, heldOut } = await loadCorpus();
    expect(train.startsWith("Call me Ishmael.")).toBe(true);
    expect(heldOut.startsWith("Returning to the Spouter-Inn")).toBe(true);
    expect(train).not.toContain("Returning to the Spouter-Inn from the Chapel");
    expect(heldOut.length / (train.length + heldOut.length)).toBeCloseTo(0.08, 2);
  });

  test("is read one character at a time", () => {
    const characters = new Characters("banana boat");
    expect(characters.symbols).toEqual(["\uFFFD", " ", "a", "b", "n", "o", "t"]);
    expect(characters.encode("abzt").tolist()).toEqual([2, 3, 0, 6]);
    expect(characters.decode([3, 2, 99, 6])).toBe("ba\uFFFDt");
  });

  test("gives windows and what follows each token", () => {
    const [inputs, targets] = windowsAt(mx.arange(10, 30), mx.array([0, 7], mx.int32), 3);
    expect(inputs.tolist()).toEqual([
      [10, 11, 12],
      [17, 18, 19],
    ]);
    expect(targets.tolist()).toEqual([
      [11, 12, 13],
      [18, 19, 20],
    ]);
  });
});
