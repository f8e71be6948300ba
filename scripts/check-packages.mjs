// Installs the packages as users do, from a registry on this machine, with all
// package managers, on all runtimes, through TypeScript and bundlers, and in an app for Electron.
// usage: check-packages.mjs [--published] [NAME ...]
//   --published   those of this version that the user's registry has, instead of what is packed here
//   NAME          some of the checks, by the beginning of their names
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, SetupError } from "./mlx.mjs";
import { platforms } from "./package/platforms.mjs";
import { pack } from "./package.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const tools = join(root, "test", "installs");
const types = join(root, "test", "packages");
const runtimes = join(root, "test", "runtimes");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const host = `${process.platform}-${process.arch}`;
const published = process.argv.includes("--published");
const work = mkdtempSync(join(tmpdir(), "mlx-js-packages-"));

/** @param {string} name */
const tool = (name) => join(tools, "node_modules", name);
/** @param {string} name @param {string} [program] */
const runtime = (name, program = "node") =>
  join(runtimes, "node_modules", `${name}-${host}`, "bin", program);

const nodes = ["node20", "node22", "node24", "node26"];

/**
 * Runs a program, and returns what it printed.
 *
 * @param {string} cwd
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, fails?: boolean }} [options]
 */
function run(cwd, command, args, { env = {}, fails = false } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    timeout: 600_000,
    env: { ...environment, ...env },
  });
  if (error !== undefined || (status === 0) === fails) {
    throw new Error(`${command} ${args.join(" ")}\n${error ?? ""}${stdout}${stderr}`);
  }
  return `${stdout}${fails ? stderr : ""}`;
}

// Nothing of this process's that managers would take for theirs.
const environment = {
  PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
  HOME: work,
  TMPDIR: work,
  CI: "1",
  YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
  YARN_ENABLE_TELEMETRY: "false",
  NO_UPDATE_NOTIFIER: "1",
};

/** @param {string} folder */
function installTools(folder) {
  if (!existsSync(join(folder, "node_modules"))) {
    console.log(`npm ci in ${folder}`);
    const flags = ["--include=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
    const { status } = spawnSync("npm", ["ci", ...flags], { cwd: folder, stdio: "inherit" });
    if (status !== 0) {
      throw new SetupError(`npm ci failed in ${folder}; the messages above say why.`);
    }
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function usersRegistry() {
  return spawnSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).stdout.trim();
}

/** A registry that has our packages, and asks the user's for all others. */
async function registry() {
  const folder = join(work, "registry");
  mkdirSync(folder);
  const config = join(folder, "config.yaml");
  const ours = ["mlx-js", "mlx-js-lm", "@mlx-js/*"].map(
    (name) => `  "${name}": { access: $all, publish: $all, unpublish: $all }\n`,
  );
  writeFileSync(
    config,
    `storage: ./storage
auth: { htpasswd: { file: ./htpasswd } }
uplinks: { above: { url: ${JSON.stringify(usersRegistry())}, timeout: 120s, maxage: 60m } }
packages:
${ours.join("")}  "@*/*": { access: $all, proxy: above }
  "**": { access: $all, proxy: above }
max_body_size: 500mb
log: { type: file, path: verdaccio.log, level: warn }
`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const program = join(tool("verdaccio"), "bin", "verdaccio");
  const child = spawn(process.execPath, [program, "-c", config, "-l", `127.0.0.1:${port}`], {
    cwd: folder,
    stdio: "ignore",
  });
  for (let i = 0; ; i++) {
    try {
      await fetch(`${url}-/ping`);
      break;
    } catch (error) {
      if (i === 120 || child.exitCode !== null) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  return { url, stop: () => child.kill() };
}

/** @param {string} url */
function npmrc(url) {
  if (published) {
    return `registry=${url}\n`;
  }
  return `registry=${url}\n${url.replace("http:", "")}:_authToken=nobody\n`;
}

/** Publishes all packages; those of other platforms as manifests alone. @param {string} url */
function publish(url) {
  const folder = join(work, "publish");
  mkdirSync(folder);
  // npm takes the settings beside the nearest manifest, which may be one further up otherwise.
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  writeFileSync(join(folder, ".npmrc"), npmrc(url));
  for (const { name, fits, optional } of platforms) {
    let what = join(folder, name);
    if (name === `@mlx-js/${host}`) {
      what = pack(name);
    } else if (optional) {
      mkdirSync(what, { recursive: true });
      writeFileSync(join(what, "package.json"), JSON.stringify({ name, version, ...fits }));
    } else {
      continue;
    }
    run(folder, "npm", ["publish", what, "--registry", url, "--provenance=false"]);
  }
  for (const name of ["mlx-js", "mlx-js-lm"]) {
    run(folder, "npm", ["publish", pack(name), "--registry", url, "--provenance=false"]);
  }
}

const body = `
const model = new nn.Linear(2, 1, { bias: false });
model.weight = mx.zeros([1, 2]);
const step = nn.valueAndGrad(model, () => nn.losses.mseLoss(model.forward(mx.array([[1, 2]])), mx.array([[3]])));
const [loss, gradients] = step();
new optim.SGD(0.5).update(model, gradients);
console.log(loss.item(), model.weight.tolist().join());
`;
const trained = "9 3,6\n";
const generated = "bcd true\n";
/** @type {Record<string, { text: string, prints: string }>} */
const programs = {
  "train.mjs": {
    text: `import { mx, nn, optim } from "mlx-js";
import { array } from "mlx-js/core";
if (array !== mx.array) throw new Error("two arrays");${body}`,
    prints: trained,
  },
  "train.cjs": { text: `const { mx, nn, optim } = require("mlx-js");${body}`, prints: trained },
  "train.mts": {
    text: `import { mx, nn, optim } from "mlx-js";
const numbers: Float32Array = mx.array([1]).toTypedArray();
if (numbers.length !== 1) throw new Error("no numbers");${body}`,
    prints: trained,
  },
  "generate.mjs": {
    text: `${readFileSync(join(types, "language-model.mts"), "utf8")}
console.log(answer, logits instanceof mx.array);`,
    prints: generated,
  },
  // mlx-js-lm is no module of CommonJS, and such a one imports it all the same.
  "generate.cjs": {
    text: `const { nn } = require("mlx-js");
import("mlx-js-lm").then(({ Config, LanguageModel }) => {
  const model = new LanguageModel(new Config({ vocab_size: 4 }, "config"));
  console.log("bcd", model instanceof nn.Module);
});`,
    prints: generated,
  },
};
const everywhere = ["train.mjs", "train.cjs", "generate.mjs", "generate.cjs"];
// By their version, since a new one is not what a registry gives by default until it has been tried.
const packages = ["mlx-js", "mlx-js-lm"].map((name) => `${name}@${version}`);

/** An empty project. @param {string} name @param {string} url */
function project(name, url) {
  const folder = join(work, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "name": "app", "private": true }\n');
  writeFileSync(join(folder, ".npmrc"), npmrc(url));
  for (const [file, { text }] of Object.entries(programs)) {
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** @param {string} actual @param {string | RegExp} wanted */
function expectText(actual, wanted) {
  if (typeof wanted === "string" ? actual !== wanted : !wanted.test(actual)) {
    throw new Error(`expected ${wanted}, received ${actual}`);
  }
}

/**
 * Runs some of the programs, and compares what they print.
 *
 * @param {string} folder
 * @param {string[]} command
 * @param {string[]} files
 * @param {{ env?: Record<string, string> }} [options]
 */
function runPrograms(folder, [program = "", ...args], files, options = {}) {
  for (const file of files) {
    expectText(run(folder, program, [...args, file], options), programs[file]?.prints ?? "");
  }
}

let failed = 0;
let passed = 0;

/** @param {string} name @param {() => void} body */
function check(name, body) {
  const chosen = process.argv.slice(2).filter((name) => name !== "--published");
  if (chosen.length > 0 && !chosen.some((part) => name.startsWith(part))) {
    return;
  }
  try {
    body();
    passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
  }
}

/** The package managers: each installs, and what it installed runs. @param {string} url */
function managers(url) {
  const node = process.execPath;
  const yarn = join(tool("@yarnpkg/cli-dist"), "bin", "yarn.js");
  const pnpm = join(tool("pnpm"), "bin", "pnpm.cjs");
  const bun = runtime("bun", "bun");
  const deno = join(tool(`deno-${host}`), "deno");

  check("npm", () => {
    const folder = project("npm", url);
    run(folder, "npm", ["install", ...packages, "--ignore-scripts", "--no-audit", "--no-fund"]);
    runPrograms(folder, [node], everywhere);
    expectText(run(folder, join(folder, "node_modules/.bin/mlx-lm"), ["--help"]), /^usage: mlx-lm/);
  });
  for (const name of nodes) {
    check(`npm, ${name}`, () => runPrograms(join(work, "npm"), [runtime(name)], everywhere));
  }
  check("pnpm", () => {
    const folder = project("pnpm", url);
    run(folder, node, [pnpm, "add", ...packages, "--ignore-scripts"]);
    runPrograms(folder, [node], everywhere);
  });
  for (const linker of ["node-modules", "pnp"]) {
    check(`yarn, ${linker}`, () => {
      const folder = project(`yarn-${linker}`, url);
      writeFileSync(
        join(folder, ".yarnrc.yml"),
        `nodeLinker: ${linker}\nnpmRegistryServer: "${url}"\nunsafeHttpWhitelist: ["127.0.0.1"]\n` +
          "enableScripts: false\npnpEnableEsmLoader: true\nnpmMinimalAgeGate: 0\n",
      );
      writeFileSync(join(folder, "yarn.lock"), "");
      run(folder, node, [yarn, "add", ...packages]);
      runPrograms(folder, [node, yarn, "node"], everywhere);
    });
  }
  check("bun", () => {
    const folder = project("bun", url);
    run(folder, bun, ["add", ...packages, "--ignore-scripts"]);
    runPrograms(folder, [bun], [...everywhere, "train.mts"]);
  });
  check("deno", () => {
    const folder = project("deno", url);
    writeFileSync(join(folder, "deno.json"), '{ "nodeModulesDir": "manual" }');
    const env = { NPM_CONFIG_REGISTRY: url, DENO_DIR: join(work, "deno-dir") };
    const names = packages.map((name) => `npm:${name}`);
    run(folder, deno, ["install", "--minimum-dependency-age=0", ...names], { env });
    runPrograms(folder, [deno, "run", "--allow-all"], ["train.mjs", "generate.mjs"], { env });
  });
}

/** TypeScript, and what strips it. */
function typescript() {
  const folder = join(work, "npm");
  const versions = readdirSync(join(types, "node_modules")).filter((name) =>
    /^typescript\d/.test(name),
  );
  const files = ["program.mts", "language-model.mts"];
  for (const file of files) {
    cpSync(join(types, file), join(folder, file));
  }
  for (const name of versions) {
    for (const [module, moduleResolution] of [
      ["node16", "node16"],
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ]) {
      for (const withNode of [true, false]) {
        for (const skipLibCheck of [true, false]) {
          const what = `${moduleResolution}, ${withNode ? "with" : "without"} @types/node, skipLibCheck ${skipLibCheck}`;
          check(`${name}, ${what}`, () => {
            const compilerOptions = {
              ...{ strict: true, noEmit: true, target: "es2022", lib: ["es2022"] },
              ...{ module, moduleResolution, skipLibCheck },
              typeRoots: [join(types, "node_modules", "@types")],
              types: withNode ? ["node"] : [],
            };
            writeFileSync(
              join(folder, "tsconfig.json"),
              JSON.stringify({ compilerOptions, files }),
            );
            const tsc = join(types, "node_modules", name, "bin", "tsc");
            expectText(run(folder, process.execPath, [tsc, "-p", folder]), "");
          });
        }
      }
    }
  }
  rmSync(join(folder, "tsconfig.json"), { force: true });
  check("tsx", () => {
    const cli = join(tool("tsx"), "dist", "cli.mjs");
    runPrograms(folder, [process.execPath, cli], ["train.mts"]);
  });
  for (const name of ["node22", "node24", "node26"]) {
    check(`--experimental-strip-types, ${name}`, () => {
      const flags = name === "node22" ? ["--experimental-strip-types", "--no-warnings"] : [];
      runPrograms(folder, [runtime(name), ...flags], ["train.mts"]);
    });
  }
}

/** A program for each bundler: outside of the bundle mlx-js works, in it the error says what to do. */
function bundlers() {
  const folder = join(work, "npm");
  const node = process.execPath;
  const says = /mlx-js has become part of a bundle.*--external:mlx-js/s;
  /** @param {string} text @param {string} out */
  const script = (text, out) => {
    writeFileSync(join(folder, `${out}.build.mjs`), text);
    run(folder, node, [`${out}.build.mjs`]);
  };
  /** @param {string} name @param {(external: boolean, out: string) => string} build */
  const both = (name, build) => {
    for (const external of [true, false]) {
      check(`${name}, ${external ? "external" : "bundled"}`, () => {
        const out = `${name}-${external ? "external" : "bundled"}`;
        script(build(external, out), out);
        // Where the packages are not, as on a server that gets the bundle alone.
        const place = external ? folder : join(work, "elsewhere");
        if (!external) {
          cpSync(join(folder, out), join(place, out), { recursive: true });
        }
        const [file = ""] = readdirSync(join(folder, out)).filter((path) => /^main\./.test(path));
        const output = run(place, node, [join(out, file)], { fails: !external });
        expectText(output, external ? trained : says);
      });
    }
  };
  mkdirSync(join(work, "elsewhere"), { recursive: true });
  /** @param {string} name */
  const url = (name) => JSON.stringify(name);

  both(
    "esbuild",
    (external, out) => `import { build } from ${url(join(tool("esbuild"), "lib", "main.js"))};
await build({ entryPoints: ["train.mjs"], bundle: true, platform: "node", logLevel: "error",
  outfile: "${out}/main.cjs", external: ${external ? '["mlx-js", "mlx-js/*"]' : "[]"} });`,
  );
  both(
    "webpack",
    (external, out) => `import webpack from ${url(join(tool("webpack"), "lib", "index.js"))};
webpack({ mode: "production", target: "node", entry: "./train.mjs", externalsType: "commonjs",
  externals: ${external ? "[/^mlx-js/]" : "[]"}, node: { __filename: false, __dirname: false },
  output: { path: process.cwd() + "/${out}", filename: "main.cjs" } }, (error, stats) => {
  if (error || stats.hasErrors()) { console.error(error ?? stats.toString()); process.exit(1); }
});`,
  );
  both(
    "rollup",
    (
      external,
      out,
    ) => `import { rollup } from ${url(join(tool("rollup"), "dist", "es", "rollup.js"))};
import commonjs from ${url(join(tool("@rollup/plugin-commonjs"), "dist", "es", "index.js"))};
import resolve from ${url(join(tool("@rollup/plugin-node-resolve"), "dist", "es", "index.js"))};
const builtins = /^node:/;
const bundle = await rollup({ input: "train.mjs", onwarn() {}, plugins: [resolve(), commonjs()],
  external: ${external ? "[builtins, /^mlx-js/]" : "builtins"} });
await bundle.write({ file: "${out}/main.cjs", format: "cjs", inlineDynamicImports: true });`,
  );
  both(
    "vite",
    (
      external,
      out,
    ) => `import { build } from ${url(join(tool("vite"), "dist", "node", "index.js"))};
await build({ logLevel: "error", configFile: false,
  ssr: ${external ? '{ external: ["mlx-js"] }' : "{ noExternal: true }"},
  build: { ssr: "train.mjs", outDir: "${out}", rollupOptions: { output: { format: "cjs", entryFileNames: "main.cjs" } } } });`,
  );
  check("esbuild, with mlx-js-lm in the bundle", () => {
    const out = "esbuild-lm";
    const file = join(out, "main.mjs");
    script(
      `import { build } from ${url(join(tool("esbuild"), "lib", "main.js"))};
await build({ entryPoints: ["generate.mjs"], bundle: true, platform: "node", format: "esm",
  logLevel: "error", outfile: "${file}", external: ["mlx-js", "mlx-js/*"] });`,
      out,
    );
    expectText(run(folder, node, [file]), generated);
  });
}

/**
 * The app of examples/electron, packed by electron-builder as it is configured, around a file in
 * the place of Electron's program. mlx-js is loaded from its archive.
 *
 * @param {string} url
 */
function electron(url) {
  if (process.platform !== "linux") {
    return;
  }
  const folder = join(work, "electron");
  const node = runtime("node24");
  const env = { PATH: [dirname(node), environment.PATH].join(delimiter) };
  const cli = (/** @type {string} */ name) => join(folder, "node_modules", ".bin", name);
  check("electron, built", () => {
    cpSync(join(root, "examples", "electron"), folder, { recursive: true });
    writeFileSync(join(folder, ".npmrc"), npmrc(url));
    run(folder, "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { env });
    run(folder, "npm", ["run", "check"], { env });
    run(folder, "npm", ["run", "build"], { env });
  });
  check("electron, @electron/rebuild", () => {
    const command = `${cli("electron-rebuild")} 2>&1`;
    expectText(run(folder, "sh", ["-c", command], { env }), /No native modules found/);
  });
  check("electron, packed", () => {
    const stub = join(folder, "stub");
    mkdirSync(join(stub, "resources"), { recursive: true });
    // The switches that electron-builder sets in the program, after the mark that it looks for.
    const fuses = Buffer.from([1, 8, ...Buffer.from("10101001")]);
    const mark = Buffer.from("dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX");
    writeFileSync(join(stub, "electron"), Buffer.concat([mark, fuses]));
    for (const file of ["LICENSE", "LICENSES.chromium.html"]) {
      writeFileSync(join(stub, file), "");
    }
    mkdirSync(join(folder, "models"));
    writeFileSync(join(folder, "models", "model.gguf"), "GGUF");
    run(folder, cli("electron-builder"), ["--linux", "dir", "-c.electronDist=stub"], { env });
    const release = join(folder, "release");
    const [place = ""] = readdirSync(release).filter((name) => name.endsWith("-unpacked"));
    const program = readFileSync(join(release, place, "mlx-js-electron"));
    expectText(program.subarray(-8).toString(), "00001100");
    const archive = join(release, place, "resources", "app.asar");
    expectText(readdirSync(join(release, place, "resources", "models")).join(), "model.gguf");
    const listing = run(folder, cli("asar"), ["list", archive], { env });
    expectText(listing, /^\/node_modules\/mlx-js-lm\/dist\/index\.js$/m);
    expectText(listing, /^\/node_modules\/@huggingface\/tokenizers\//m);
    expectText(readdirSync(join(`${archive}.unpacked`, "node_modules")).join(), "@mlx-js");
    const shim = join(root, "test", "support", "asar.cjs");
    const addon = join(archive, "node_modules", "mlx-js", "dist", "index.js");
    expectText(run(folder, node, [shim, addon]), "");
  });
}

async function main() {
  installTools(tools);
  installTools(join(root, "test", "electron"));
  installTools(types);
  installTools(runtimes);
  const { url, stop } = published ? { url: usersRegistry(), stop() {} } : await registry();
  try {
    if (!published) {
      publish(url);
    }
    managers(url);
    typescript();
    bundlers();
    electron(url);
  } finally {
    stop();
    rmSync(work, { recursive: true, force: true });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

await runScript(() => main());
