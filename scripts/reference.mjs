// The reference: Python's MLX, at the pinned version, in .venv/.
//
//   node scripts/reference.mjs                    sets it up, once
//   node scripts/reference.mjs golden [FAMILY…]   and writes test/golden/<family>.json
//   node scripts/reference.mjs upstream           and writes test/upstream/api.json, the names and signatures
//   node scripts/reference.mjs programs [SEED [COUNT]]  and compares random programs from a seed on
//   node scripts/reference.mjs check              and says which of those files it would write otherwise,
//                                                 and whether it reads what the package exports and saves
//   node scripts/reference.mjs lm [NAME…]         sets up mlx-lm in .venv-lm/, once, runs reference/lm/<name>.py, all by
//                                                 default, and writes packages/lm/test/golden/<name>.json
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, SetupError } from "./mlx.mjs";
import { models } from "./models.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const golden = join(root, "test", "golden");
const checkpoint = join(golden, "checkpoint");
const upstream = join(root, "test", "upstream", "api.json");

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  return { ok: error === undefined && status === 0, text: `${stdout ?? ""}${stderr ?? ""}`.trim() };
}

/**
 * A virtual environment: what it is for, where it is, what is installed there, for which Python 3
 * and what has to load.
 *
 * @typedef {{ what: string, folder: string, requirements: string, minor: number, loads: string }} Environment
 */

/** @type {Environment} */
const mlx = {
  what: "Python's MLX, the reference",
  folder: join(root, ".venv"),
  requirements: join(root, "reference", "requirements.txt"),
  minor: 10,
  loads: "mlx.core, mlx.nn, numpy",
};

/** @type {Environment} */
const mlxLm = {
  what: "mlx-lm, the reference for language models",
  folder: join(root, ".venv-lm"),
  requirements: join(root, "reference", "lm", "requirements.txt"),
  minor: 11,
  loads: "mlx_lm.generate, numpy",
};

/**
 * @param {number} least
 * @returns {string} a Python for which there are wheels
 */
function findPython(least) {
  let old;
  for (const python of [process.env["PYTHON"], "python3", "python"]) {
    if (!python) {
      continue;
    }
    const { ok, text } = run(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    const [major = 0, minor = 0] = text.split(".").map(Number);
    if (ok && (major > 3 || (major === 3 && minor >= least))) {
      return python;
    }
    old ??= ok ? `${python} is version ${text}` : undefined;
  }
  throw new SetupError(
    `The reference needs Python 3.${least} or later${old ? `, and ${old}` : ", which was not found"}. ` +
      "Install it (apt install python3 python3-venv; on a Mac: brew install python), or name it " +
      "in PYTHON.",
  );
}

/**
 * Makes a virtual environment, unless it is there with what its requirements name now.
 *
 * @param {Environment} environment
 * @returns {string} its Python
 */
function pythonOf({ what, folder, requirements, minor, loads }) {
  const python = join(folder, "bin", "python");
  const stamp = join(folder, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return python;
  }
  const base = findPython(minor);
  console.error(`mlx-js: installing ${what}, into ${relative(root, folder)}/`);
  rmSync(folder, { recursive: true, force: true });
  const venv = run(base, ["-m", "venv", folder]);
  if (!venv.ok) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(
      `${base} could not make a virtual environment. Where it lacks venv or pip, install them ` +
        `(apt install python3-venv python3-pip).\n${venv.text}`,
    );
  }
  const pip = run(python, [
    ...["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"],
    ...["--only-binary=:all:", "--no-deps", "--require-hashes", "-r", requirements],
  ]);
  if (!pip.ok) {
    rmSync(folder, { recursive: true, force: true });
    const why = /DO NOT MATCH THE HASHES/.test(pip.text)
      ? "a download does not match its hash, so nothing was installed"
      : /No matching distribution/.test(pip.text)
        ? "there is no wheel for this platform or version of Python"
        : "pip failed; without a network, point it to a mirror (PIP_INDEX_URL)";
    throw new SetupError(`The reference could not be installed: ${why}.\n${pip.text}`);
  }
  const { ok, text } = run(python, ["-c", `import ${loads}`]);
  if (!ok) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`The reference was installed but does not load:\n${text}`);
  }
  // Last, so that an interrupted run starts again.
  writeFileSync(stamp, wanted);
  return python;
}

/** @returns {string} the Python that has MLX */
export function referencePython() {
  return pythonOf(mlx);
}

/** @returns {string} the Python that has mlx-lm */
export function lmPython() {
  return pythonOf(mlxLm);
}

/**
 * @param {string} script
 * @param {string[]} args
 * @param {string} [python]
 */
function generate(script, args, python = referencePython()) {
  const path = join(root, "reference", script);
  const { status } = spawnSync(python, [path, ...args], { stdio: "inherit" });
  if (status !== 0) {
    throw new SetupError(`${script} failed: see above.`);
  }
}

/**
 * Logits, caches, vectors and texts of language models.
 *
 * @param {string[]} names
 */
function languageModels(names) {
  const out = join(root, "packages", "lm", "test", "golden");
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-"));
  /** @type {Record<string, () => string[]>} */
  const args = {
    caches: () => [join(out, "caches.json"), join(out, "prompt-cache.safetensors")],
    embeddings: () => ["--minilm", models().minilm, "--out", out],
    models: () => ["--out", out],
    smollm2: () => [models().smollm2, folder, join(out, "smollm2.json")],
  };
  try {
    for (const name of names.length > 0 ? names : Object.keys(args)) {
      const own = Object.hasOwn(args, name) ? args[name] : undefined;
      if (own === undefined) {
        const known = Object.keys(args).join(", ");
        throw new SetupError(`There is no ${name} for language models: these are ${known}.`);
      }
      generate(join("lm", `${name}.py`), own(), lmPython());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  spawnSync(process.execPath, [biome, "format", "--write", out], { stdio: "ignore" });
}

// A function with names, a captured array and two traces, for imported.py.
const program = `
  const { mx } = require("mlx-js");
  const table = mx.transpose(mx.array([[1, 2], [3, 4], [5, 6]]));
  const exporter = mx.exporter(
    process.argv[1],
    (x, y) => [mx.softmax(mx.multiply(x, table), -1), ...(y ? [mx.sum(mx.add(x, y.y), 0)] : [])],
    { metadata: "made by mlx-js" },
  );
  exporter(mx.zeros([2, 3]));
  exporter(mx.zeros([2, 3]), { y: mx.zeros([3]) });
  exporter.close();
`;

/** @param {string} folder */
function checkExported(folder) {
  const path = join(folder, "function.mlxfn");
  const written = spawnSync(process.execPath, ["-e", program, path], { cwd: root });
  const script = join(root, "reference", "imported.py");
  const { status } = spawnSync(referencePython(), [script, path], { stdio: "inherit" });
  rmSync(path, { force: true });
  if (written.status !== 0 || status !== 0) {
    throw new SetupError(`Python does not read what the package exports: ${written.stderr}`);
  }
}

// Weights of every layer as the package writes them, and what the layers then give.
const everyLayer = `
  import { mx } from "mlx-js";
  import { EveryLayer } from "./test/support/every-layer.mjs";
  const [weights, outputs] = process.argv.slice(1);
  const model = new EveryLayer().eval();
  model.saveWeights(weights);
  mx.saveSafetensors(outputs, model.forward());
`;

/** @param {string} folder */
function checkWeights(folder) {
  const files = ["weights", "outputs"].map((name) => join(folder, `${name}.safetensors`));
  const options = ["--input-type=module", "-e", everyLayer, ...files];
  const written = spawnSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  const script = join(root, "reference", "checkpoint.py");
  const { status } = spawnSync(referencePython(), [script, "read", ...files], { stdio: "inherit" });
  if (written.status !== 0 || status !== 0) {
    throw new SetupError(`Python does not read what saveWeights writes: ${written.stderr}`);
  }
}

/**
 * Random programs, fresh ones, on both sides.
 *
 * @param {string} seed
 * @param {string} count
 */
function programs(seed, count) {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-programs-"));
  try {
    process.env["MLX_PROGRAMS"] = `${seed} ${count}`;
    generate("golden.py", ["--out", folder, "programs"]);
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const { status } = spawnSync(
      process.execPath,
      [vitest, "run", "test/golden.test.ts", "--reporter=dot"],
      { cwd: root, stdio: "inherit", env: { ...process.env, MLX_TEST_GOLDEN: folder } },
    );
    if (status !== 0) {
      throw new SetupError(`The programs from seed ${seed} on differ: see above.`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Prompt caches as the package writes them.
const promptCache = `
  import { loadPromptCache, savePromptCache } from "mlx-js-lm";
  const [from, to] = process.argv.slice(1);
  const { caches, metadata } = loadPromptCache(from);
  savePromptCache(to, caches, metadata);
`;

/** @param {string} folder */
function checkPromptCache(folder) {
  const theirs = join(root, "packages", "lm", "test", "golden", "prompt-cache.safetensors");
  const ours = join(folder, "prompt-cache.safetensors");
  const options = ["--input-type=module", "-e", promptCache, theirs, ours];
  const written = spawnSync(process.execPath, options, { cwd: root, encoding: "utf8" });
  const script = join(root, "reference", "lm", "caches.py");
  const { status } = spawnSync(lmPython(), [script, "read", ours], { stdio: "inherit" });
  if (written.status !== 0 || status !== 0) {
    throw new SetupError(`mlx-lm does not read what savePromptCache writes: ${written.stderr}`);
  }
}

function check() {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-golden-"));
  try {
    checkExported(folder);
    checkWeights(folder);
    checkPromptCache(folder);
    generate("golden.py", ["--out", folder]);
    const differing = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => {
      if (!file.endsWith(".json")) {
        return false;
      }
      const [old, now] = [join(golden, file), join(folder, file)];
      return !existsSync(old) || readFileSync(old, "utf8") !== readFileSync(now, "utf8");
    });
    generate("upstream.py", ["--out", join(folder, "api.json")]);
    if (readFileSync(upstream, "utf8") !== readFileSync(join(folder, "api.json"), "utf8")) {
      differing.push("upstream/api.json");
    }
    if (differing.length > 0) {
      throw new SetupError(
        `These would be written otherwise: ${differing.join(", ")}. Run npm run golden or npm run ` +
          "upstream and look at what it changes.",
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [command, ...args] = process.argv.slice(2);
  await runScript(() => {
    if (command === undefined) {
      console.log(referencePython());
    } else if (command === "golden") {
      generate("golden.py", args);
      if (args.length === 0) {
        const files = ["weights", "outputs"].map((name) => join(checkpoint, `${name}.safetensors`));
        generate("checkpoint.py", ["write", ...files]);
      }
    } else if (command === "upstream" && args.length === 0) {
      generate("upstream.py", []);
    } else if (command === "programs" && args.length <= 2) {
      programs(args[0] ?? "1000", args[1] ?? "2000");
    } else if (command === "check" && args.length === 0) {
      check();
    } else if (command === "lm") {
      languageModels(args);
    } else {
      throw new SetupError(
        "usage: node scripts/reference.mjs [golden [FAMILY…] | upstream | programs [SEED [COUNT]] | check | lm [NAME…]]",
      );
    }
  });
}
