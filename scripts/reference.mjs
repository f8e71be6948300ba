// The reference: Python's MLX, at the pinned version, in .venv/.
//
//   node scripts/reference.mjs                    sets it up, once
//   node scripts/reference.mjs golden [FAMILY…]   and writes test/golden/<family>.json
//   node scripts/reference.mjs upstream           and writes test/upstream/api.json, the names and signatures
//   node scripts/reference.mjs programs [SEED [COUNT]]  and compares random programs from a seed on
//   node scripts/reference.mjs check              and says which of those files it would write otherwise,
//                                                 and whether it reads what the package exports and saves
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SetupError } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const requirements = join(root, "reference", "requirements.txt");
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

/** @returns {string} a Python for which MLX has wheels */
function findPython() {
  let old;
  for (const python of [process.env["PYTHON"], "python3", "python"]) {
    if (!python) {
      continue;
    }
    const { ok, text } = run(python, ["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
    const [major = 0, minor = 0] = text.split(".").map(Number);
    if (ok && (major > 3 || (major === 3 && minor >= 10))) {
      return python;
    }
    old ??= ok ? `${python} is version ${text}` : undefined;
  }
  throw new SetupError(
    `The reference needs Python 3.10 or later${old ? `, and ${old}` : ", which was not found"}. ` +
      "Install it (apt install python3 python3-venv; on a Mac: brew install python), or name it " +
      "in PYTHON.",
  );
}

/**
 * Makes the virtual environment, unless it is there with what requirements.txt
 * names now.
 *
 * @param {string} [folder]
 * @returns {string} its Python
 */
export function referencePython(folder = join(root, ".venv")) {
  const python = join(folder, "bin", "python");
  const stamp = join(folder, "requirements.sha256");
  const wanted = createHash("sha256").update(readFileSync(requirements)).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return python;
  }
  const base = findPython();
  console.error("mlx-js: installing Python's MLX, the reference, into .venv/");
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
  const { ok, text } = run(python, ["-c", "import mlx.core, mlx.nn, numpy"]);
  if (!ok) {
    rmSync(folder, { recursive: true, force: true });
    throw new SetupError(`The reference was installed but does not load:\n${text}`);
  }
  // Last, so that an interrupted run starts again.
  writeFileSync(stamp, wanted);
  return python;
}

/**
 * @param {string} script
 * @param {string[]} args
 */
function generate(script, args) {
  const path = join(root, "reference", script);
  const { status } = spawnSync(referencePython(), [path, ...args], { stdio: "inherit" });
  if (status !== 0) {
    throw new SetupError(`${script} failed: see above.`);
  }
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

function check() {
  const folder = mkdtempSync(join(tmpdir(), "mlx-js-golden-"));
  try {
    checkExported(folder);
    checkWeights(folder);
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
  try {
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
    } else {
      throw new SetupError(
        "usage: node scripts/reference.mjs [golden [FAMILY…] | upstream | programs [SEED [COUNT]] | check]",
      );
    }
  } catch (error) {
    if (!(error instanceof SetupError)) {
      throw error;
    }
    console.error(`mlx-js: ${error.message}`);
    process.exitCode = 1;
  }
}
