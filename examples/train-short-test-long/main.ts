/**
 * Train short, test long (https://arxiv.org/abs/2108.12409) at the size of a
 * laptop: two models that differ in positions alone learn a novel, and then
 * read further than they ever did in training.
 */
import "./threads.js";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mx, utils } from "mlx-js";
import { drawBias, drawPerplexity, names } from "./charts.js";
import { Characters, type Corpus, loadCorpus } from "./data.js";
import { evaluate, type Perplexity } from "./evaluate.js";
import { generate } from "./generate.js";
import { type ModelOptions, type Positions, Transformer } from "./model.js";
import { help, messageOf, type Options, parseOptions, UsageError } from "./options.js";
import { judge, progressBar, sentence, table, type Verdict } from "./report.js";
import { train } from "./train.js";

/** Characters in a training step: a step takes about as long whatever their length. */
const tokensPerStep = 2048;
/** Held-out characters to read at each length, and how many after Ctrl-C. */
const budget = 16_384;
const quickBudget = 2_048;

/** What `--json` prints and `results.json` holds. */
interface Results {
  corpus: { name: string; train: number; heldOut: number };
  options: Pick<Options, "steps" | "length" | "heads" | "seed" | "device">;
  models: ModelResults[];
  verdict: Verdict | null;
  sample: { prompt: string; text: string } | null;
  files: string[];
  seconds: number;
  interrupted: boolean;
}

interface ModelResults {
  positions: Positions;
  parameters: number;
  steps: number;
  losses: number[];
  seconds: number;
  tokensPerSecond: number;
  perplexity: Perplexity[];
}

/** Progress goes to stderr: stdout is for the results. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function experiment(options: Options, corpus: Corpus, signal: AbortSignal): Promise<Results> {
  const { steps, length, heads, seed, device, out } = options;
  const batch = Math.max(1, Math.floor(tokensPerStep / length));
  const began = performance.now();
  mx.setDefaultDevice(device === "gpu" ? mx.gpu : mx.cpu);
  const characters = new Characters(corpus.train);
  const tokens = characters.encode(corpus.train);
  const heldOut = characters.encode(corpus.heldOut);
  const size: Omit<ModelOptions, "positions"> = {
    vocabulary: characters.symbols.length,
    // About 128, and an even number for each head.
    width: heads * 2 * Math.ceil(64 / heads),
    heads,
    layers: 3,
  };
  const results: Results = {
    corpus: { name: corpus.name, train: tokens.size, heldOut: heldOut.size },
    options: { steps, length, heads, seed, device },
    models: [],
    verdict: null,
    sample: null,
    files: [],
    seconds: 0,
    interrupted: false,
  };
  const save = async (name: string, text: string) => {
    const path = join(out, name);
    await writeFile(path, text);
    results.files.push(path);
  };

  say(
    `${corpus.name}: ${tokens.size} characters to learn, ${heldOut.size} held out; ` +
      `${steps} steps of ${batch} x ${length} on the ${device.toUpperCase()}`,
  );

  let writer: Transformer | undefined;
  for (const positions of ["alibi", "sinusoidal"] as const) {
    if (signal.aborted) {
      break;
    }
    // The same seed: both begin with the same weights and see the same text.
    mx.random.seed(seed);
    const model = new Transformer({ ...size, positions });
    const bar = progressBar(names[positions], "steps  loss {loss}  {speed} tokens/s");
    const stopBar = () => bar.stop();
    signal.addEventListener("abort", stopBar, { once: true });
    bar.start(steps, 0, { loss: "-", speed: "-" });
    const training = await train(model, tokens, {
      steps,
      length,
      batch,
      rate: 2e-3,
      signal,
      onStep: (step, loss, speed) =>
        bar.update(step, { loss: loss.toFixed(3), speed: Math.round(speed) }),
    }).finally(stopBar);
    signal.removeEventListener("abort", stopBar);

    const weights = join(out, `${positions}.safetensors`);
    model.saveWeights(weights);
    results.files.push(weights);
    // From here on it is the saved model that reads and writes.
    const saved = new Transformer({ ...size, positions });
    saved.loadWeights(weights);
    writer ??= saved;
    const interrupted = signal.aborted;
    const reading = progressBar("", "held-out characters read");
    const perplexity = await evaluate(saved, heldOut, {
      lengths: [1, 2, 4, 8].map((times) => times * length),
      budget: interrupted ? quickBudget : budget,
      signal: interrupted ? undefined : signal,
      onProgress: (done, total) => (done === 0 ? reading.start(total, 0) : reading.update(done)),
    }).finally(() => reading.stop());
    const parameters = utils
      .treeFlatten(saved.parameters())
      .reduce((sum, [, parameter]) => sum + parameter.size, 0);
    results.models.push({ positions, parameters, ...training, perplexity });
  }

  if (!signal.aborted && writer !== undefined) {
    // The first words of the held-out text.
    const words = corpus.heldOut.trimStart().slice(0, Math.min(length, 64)) || " ";
    const prompt = words.replace(/(?<=\S)\s+\S*$/, "");
    mx.random.seed(seed);
    const text = await generate(writer, characters, prompt, {
      count: Math.min(7 * length, 448),
      temperature: 0.5,
      signal,
    });
    results.sample = { prompt, text };
  }
  results.interrupted = signal.aborted;
  results.verdict = results.interrupted ? null : judge(results.models, length);
  await save("perplexity.svg", await drawPerplexity(results.models, length));
  await save("bias.svg", await drawBias(heads));
  results.seconds = (performance.now() - began) / 1000;
  const path = join(out, "results.json");
  results.files.push(path);
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

function show({ models, options, verdict, sample, files, seconds, interrupted }: Results): void {
  const lines = [
    "",
    interrupted
      ? "Perplexity of what there is, on a little of the held-out text (lower is better):"
      : "Perplexity on held-out text (lower is better):",
    table(models, options.length),
  ];
  if (verdict !== null) {
    lines.push("", sentence(verdict));
  }
  if (sample !== null) {
    lines.push("", `ALiBi, asked to go on from "${sample.prompt}":`, sample.text);
  }
  lines.push("", `Written in ${seconds.toFixed(0)} s: ${files.join(", ")}`);
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** What the system says against a path is the user's to set right. */
async function usable<T>(option: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new UsageError(`--${option}: ${messageOf(error)}`);
  }
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const corpus = await usable("file", loadCorpus(options.file));
  await usable("out", mkdir(options.out, { recursive: true }));
  const needed = 8 * options.length + 1;
  if (corpus.heldOut.length < needed) {
    throw new UsageError(
      `--length ${options.length}: reading 8 times as far takes ${needed} held-out characters, ` +
        `${corpus.name} leaves ${corpus.heldOut.length}`,
    );
  }
  const stop = new AbortController();
  process.on("SIGINT", () => {
    if (stop.signal.aborted) {
      process.exit(130);
    }
    stop.abort();
    say("\nStopping; Ctrl-C again stops at once. What there is will be evaluated and saved.");
  });
  const results = await experiment(options, corpus, stop.signal);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(results)}\n`);
  } else {
    show(results);
  }
  return results.interrupted ? 130 : 0;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const usage = error instanceof UsageError;
    say(
      usage
        ? `${error.message}\nSee --help.`
        : String(error instanceof Error ? error.stack : error),
    );
    process.exitCode = usage ? 2 : 1;
  },
);
