// The packages as they are published: packed, installed into an empty folder
// without scripts, and used there, where there is no build and no compiler.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { check } from "../scripts/package/check.mjs";
import { pack } from "../scripts/package.mjs";
import * as electron from "./support/electron.js";
import { sanitized } from "./support/sanitized.js";

const platform = `@mlx-js/${process.platform}-${process.arch}`;
const tools = join(__dirname, "packages");
const requireTool = createRequire(join(tools, "package.json"));
// Not of the checkout's, which a program would otherwise find by itself.
const folder = mkdtempSync(join(tmpdir(), "mlx-js-installed-"));
const installed = (name: string) => join(folder, "node_modules", name);

const tarballs: { name: string; tarball: string }[] = [];

function npm(cwd: string, ...args: string[]) {
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  const { status, stderr } = spawnSync("npm", [...args, ...quiet], { cwd, encoding: "utf8" });
  expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
}

/** Runs a program in the folder, with nothing of this process's but what is named. */
function node(file: string, env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, file)], {
    cwd: folder,
    encoding: "utf8",
    // No compiler: what is fused is computed without.
    env: { PATH: "", HOME: folder, TMPDIR: folder, ...env },
  });
  return { status, stdout, stderr };
}

function write(file: string, text: string) {
  writeFileSync(join(folder, file), text);
  return file;
}

describe.skipIf(sanitized)("installed", () => {
  beforeAll(() => {
    tarballs.push(
      ...["mlx-js", "mlx-js-lm", platform].map((name) => ({ name, tarball: pack(name) })),
    );
    write("package.json", '{ "private": true }');
    // The packages of other platforms are in no registry yet.
    npm(folder, "install", "--omit=optional", ...tarballs.map(({ tarball }) => tarball));
    if (!existsSync(join(tools, "node_modules", "publint"))) {
      npm(tools, "ci");
    }
  }, 300_000);

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test("the contents of mlx-js and mlx-js-lm are what the list has", () => {
    expect(check(tarballs.slice(0, 2), { write: false })).toEqual([]);
  });

  test("a step of training, imported and required", () => {
    const program = write(
      "train.mjs",
      `import { createRequire } from "node:module";
      import { readFileSync } from "node:fs";
      import { mx, nn, optim } from "mlx-js";
      import { array } from "mlx-js/core";
      const required = createRequire(import.meta.url)("mlx-js");
      console.log(required.mx.array === mx.array, array === mx.array);
      const model = new nn.Linear(2, 1, { bias: false });
      model.weight = mx.zeros([1, 2]);
      const x = mx.array([[1, 2]]);
      const step = nn.valueAndGrad(model, () => nn.losses.mseLoss(model.forward(x), mx.array([[3]])));
      const [loss, gradients] = step();
      new optim.SGD(0.5).update(model, gradients);
      mx.eval(model);
      console.log(loss.item(), model.weight.tolist()[0].join());
      console.log(mx.compile((a) => mx.exp(a.multiply(0)).add(1))(mx.array([1, 2])).tolist().join());`,
    );
    expect(node(program)).toEqual({ status: 0, stdout: "true true\n9 3,6\n2,2\n", stderr: "" });
  });

  test("an answer of a language model, whose arrays are those of mlx-js", () => {
    const program = write(
      "generate.mjs",
      `${readFileSync(join(tools, "language-model.mts"), "utf8")}
      console.log(answer, logits instanceof mx.array);`,
    );
    expect(node(program)).toEqual({ status: 0, stdout: "bcd true\n", stderr: "" });
  });

  test.runIf(process.platform === "linux")("all libraries are the package's", () => {
    const program = write(
      "libraries.cjs",
      `require("mlx-js");
      const maps = require("node:fs").readFileSync("/proc/self/maps", "utf8");
      console.log([...new Set(maps.match(/\\/\\S*(mlx|blas|lapack|gfortran)\\S*\\.(so|node)\\S*/g))].join("\\n"));`,
    );
    const paths = node(program).stdout.trim().split("\n");
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.filter((path) => !path.startsWith(`${installed(platform)}/`))).toEqual([]);
  });

  test("mlx-js/utils loads no native library", () => {
    const program = write(
      "utils.cjs",
      `const { treeMap } = require("mlx-js/utils");
      console.log(JSON.stringify(treeMap((x) => x + 1, { a: [1, 2] })));
      const report = process.report.getReport();
      console.log(report.sharedObjects.filter((path) => path.includes("mlx")).length);
      console.log(require("mlx-js").utils.treeMap === treeMap);`,
    );
    expect(node(program).stdout).toBe('{"a":[2,3]}\n0\ntrue\n');
  });

  describe("without a piece, the error names it", () => {
    const program = () => write("load.cjs", 'require("mlx-js");');
    const package_ = () => installed(platform);
    const places = (name: string) =>
      readdirSync(installed(name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(installed(name).length + 1));
    const libraries = () => places(platform).filter((file) => /\.(node|so|dylib)(\.|$)/.test(file));

    /** Without a file, or with another one in its place. */
    function without(
      path: string,
      run: () => void,
      instead?: (whole: Buffer) => Uint8Array | string,
    ) {
      const aside = join(folder, "aside");
      renameSync(path, aside);
      try {
        if (instead !== undefined) {
          writeFileSync(path, instead(readFileSync(aside)));
        }
        run();
      } finally {
        rmSync(path, { force: true });
        renameSync(aside, path);
      }
    }

    function says(...texts: string[]) {
      const { status, stderr } = node(program());
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.any(String) });
      for (const text of texts) {
        expect(stderr).toContain(text);
      }
    }

    const mends = "rm -rf node_modules && npm install --include=optional";

    // All that is in the package but its texts, so that none is forgotten.
    test.each<[string, string, ((whole: Buffer) => Uint8Array | string)?]>([
      ["is missing", "lacks"],
      ["is empty", "is empty", () => ""],
      ["was cut short", "was cut short", (whole) => whole.subarray(0, whole.length / 2)],
      [
        "was cut short at its end",
        "was cut short",
        // Behind what is loaded of a library stand tables, 2 kB of them in the smallest.
        (whole) => whole.subarray(0, Math.min(whole.length * 0.96, whole.length - 4096)),
      ],
      ["is another's", "holds something else", () => "<!DOCTYPE html>".repeat(100)],
    ])("a library that %s", (_, expected, instead) => {
      expect(libraries().length).toBeGreaterThan(2);
      for (const file of libraries()) {
        without(join(package_(), file), () => says(file, expected, mends), instead);
      }
    });

    test.runIf(process.platform === "linux")("a library for another processor", () => {
      for (const file of libraries()) {
        const changed = (whole: Buffer) => {
          const copy = Buffer.from(whole);
          copy.writeUInt16LE(process.arch === "x64" ? 183 : 62, 18);
          return copy;
        };
        without(
          join(package_(), file),
          () => says(file, "is for another processor", mends),
          changed,
        );
      }
    });

    test("its JavaScript, and its manifest", () => {
      const index = join(package_(), "index.js");
      without(index, () => says("index.js", mends));
      without(
        index,
        () => says("index.js is empty, or was cut short", mends),
        () => "",
      );
      const text = readFileSync(index, "utf8");
      for (const [end, expected] of [
        [text.indexOf("exports.folder"), "index.js is empty, or was cut short"],
        [text.indexOf("exports.files"), "index.js is empty, or was cut short"],
        [text.length - 10, `${index}:`],
      ] as const) {
        without(
          index,
          () => says(expected, mends),
          () => text.slice(0, end),
        );
      }
      const manifest = join(package_(), "package.json");
      // Node finds the rest without it.
      without(manifest, () => expect(node(program()).status).toBe(0));
      without(
        manifest,
        () => says("package.json", mends),
        (whole) => whole.subarray(0, 100),
      );
    });

    // Root may read everything: then it is somebody else who tries.
    test.runIf(process.platform === "linux")("a file that may not be read", () => {
      const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
      chmodSync(folder, 0o755);
      for (const file of [libraries()[0] ?? "", "index.js"]) {
        const path = join(package_(), file);
        chmodSync(path, 0);
        const { stderr } = spawnSync(process.execPath, [join(folder, program())], {
          encoding: "utf8",
          env: { PATH: "" },
          ...nobody,
        });
        chmodSync(path, 0o644);
        expect(stderr).toContain(`EACCES: permission denied, open '${path}'`);
        expect(stderr).toContain(`chmod -R a+rX node_modules/${platform}`);
      }
    });

    test("what nothing is loaded of does not matter", () => {
      const texts = places(platform).filter(
        (file) => !libraries().includes(file) && !/^(index\.js|.*\.metallib)$/.test(file),
      );
      expect(texts).toEqual(expect.arrayContaining(["LICENSE", "README.md", "index.d.ts"]));
      const kernels = write(
        "kernels.cjs",
        `const { mx } = require("mlx-js");
        console.log(mx.compile((x) => mx.exp(x).add(1).multiply(x))(mx.array([0, 0])).tolist().join());`,
      );
      const aside = join(folder, "texts");
      cpSync(package_(), aside, { recursive: true });
      for (const file of texts) {
        rmSync(join(package_(), file));
      }
      // A kernel that cannot be built is computed step by step.
      const env = { PATH: process.env["PATH"] ?? "", MLX_JS_KERNELS: "wait", MLX_JS_CACHE: folder };
      const { stdout, stderr } = node(kernels, env);
      rmSync(package_(), { recursive: true });
      renameSync(aside, package_());
      expect({ stdout, stderr }).toEqual({ stdout: "0,0\n", stderr: "" });
    });

    test("all but its folder", () => {
      const aside = join(folder, "aside");
      renameSync(package_(), aside);
      mkdirSync(package_());
      says(`${package_()} lacks index.js\n`, mends);
      rmSync(package_(), { recursive: true });
      renameSync(aside, package_());
    });

    test("the whole package", () => {
      const aside = join(folder, "aside");
      renameSync(package_(), aside);
      says(`${platform}: not installed\n`, mends);
      renameSync(aside, package_());
    });

    // Nothing of ours runs without them: Node names what it misses.
    test("a module of mlx-js, or what it needs", () => {
      const entries = ["", "/core", "/nn", "/optimizers", "/utils", "/testing", "/options"];
      const every = write(
        "every.mjs",
        `import { createRequire } from "node:module";
        const require = createRequire(import.meta.url);
        for (const entry of ${JSON.stringify(entries)}) {
          await import("mlx-js" + entry);
          require("mlx-js" + entry);
        }
        // What comes when it is first used.
        const { mx, nn, optim, utils } = require("mlx-js");
        mx.save("ones.npy", mx.ones([1]));
        mx.report();
        mx.grad((x) => x)(utils.treeMap((x) => x, mx.argsort(mx.ones([1])).astype(mx.float32)).sum());
        mx.random.seed(0);
        mx.distributed.isAvailable();
        try { mx.exp({}); } catch (error) { if (error.code !== "ERR_INVALID_ARG_TYPE") throw error; }
        new nn.ReLU();
        new optim.SGD(1);`,
      );
      const ofBundlers = /\bbundled\.mjs$/;
      const modules = places("mlx-js").filter(
        (file) => /\.m?js$/.test(file) && !ofBundlers.test(file),
      );
      const parts = modules.filter((file) => file.startsWith("dist/parts/"));
      expect(modules.length).toBe(2 * entries.length + 2 + parts.length);
      expect(node(every)).toEqual({ status: 0, stdout: "", stderr: "" });
      for (const file of modules) {
        without(join(installed("mlx-js"), file), () => {
          const { status, stderr } = node(every);
          expect(status).toBe(1);
          expect(stderr).toMatch(/Cannot find module/);
          expect(stderr).toContain(file.replace(/^dist\/(?=addon|mlx|parts)/, "./"));
        });
      }
      // Where a module is asked for by itself, not when a name of it is first used.
      for (const part of ["nn", "optimizers", "testing"]) {
        const alone = write("alone.mjs", `import "mlx-js/${part}";`);
        without(join(installed("mlx-js"), "dist", "parts", `${part}.js`), () => {
          expect(node(alone).stderr).toContain(`Cannot find module './parts/${part}.js'`);
        });
      }
      const archive = write(
        "archive.cjs",
        'const { mx } = require("mlx-js"); mx.savez("a.npz", { x: mx.ones([1]) });',
      );
      without(installed("fflate"), () => {
        expect(node(archive).stderr).toContain("Cannot find module 'fflate'");
      });
      expect(node(archive).status).toBe(0);
    });

    test("what mlx-js-lm needs", () => {
      const lm = write("lm.mjs", 'import "mlx-js-lm";');
      expect(node(lm)).toEqual({ status: 0, stdout: "", stderr: "" });
      for (const name of ["mlx-js", "@huggingface/jinja", "@huggingface/tokenizers"]) {
        without(installed(name), () => {
          const { status, stderr } = node(lm);
          expect(status).toBe(1);
          expect(stderr).toMatch(new RegExp(`Cannot find package '.*${name}`));
        });
      }
      const main = join("dist", "index.js");
      without(join(installed("mlx-js-lm"), main), () => expect(node(lm).stderr).toContain(main));
    });

    test("another version", () => {
      const index = join(installed(platform), "index.js");
      const text = readFileSync(index, "utf8");
      writeFileSync(index, text.replace(/version = ".*"/, 'version = "0.0.1"'));
      expect(node(program()).stderr).toMatch(/its version is 0\.0\.1, not/);
      writeFileSync(index, text);
    });

    test("code that a bundler moved", () => {
      const moved = write(
        "moved.cjs",
        readFileSync(join(installed("mlx-js"), "dist", "addon.js"), "utf8"),
      );
      const hidden = join(folder, "hidden");
      renameSync(dirname(installed(platform)), hidden);
      const { stderr } = node(write("bundle.cjs", `require("./${moved}").openAddon();`));
      renameSync(hidden, dirname(installed(platform)));
      expect(stderr).toMatch(/part of a bundle.*--external:mlx-js/s);
    });
  });

  test("publint finds nothing", async () => {
    const { publint } = await import(requireTool.resolve("publint"));
    for (const { name, tarball } of tarballs) {
      const bytes = readFileSync(tarball);
      const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
      const { messages } = await publint({ pack: { tarball: data } });
      expect(messages, name).toEqual([]);
    }
  });

  test("attw finds nothing", async () => {
    const attw = await import(join(tools, "node_modules/@arethetypeswrong/core/dist/index.js"));
    for (const { name, tarball } of tarballs) {
      const data = new Uint8Array(readFileSync(tarball));
      const { problems } = await attw.checkPackage(attw.createPackageFromTarballData(data));
      const found = problems.filter(
        ({ kind, resolutionKind }: { kind: string; resolutionKind?: string }) =>
          // Node's oldest resolution has no `exports`, and no Node that mlx-js runs on.
          resolutionKind !== "node10" &&
          // mlx-js-lm is no module of CommonJS, and says so.
          !(name === "mlx-js-lm" && kind === "CJSResolvesToESM"),
      );
      expect(found, name).toEqual([]);
    }
  });

  describe("types", () => {
    const versions = ["5.4", "6.0"];
    const modes = [
      ["node16", "node16"],
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const;
    const cases = versions.flatMap((version) =>
      modes.flatMap(([module, resolution]) =>
        [true, false].map((types) => ({ version, module, resolution, types })),
      ),
    );
    test.each(cases)(
      "TypeScript $version, $resolution, types of Node: $types",
      ({ version, module, resolution, types }) => {
        const files = ["program.mts", "language-model.mts"];
        for (const file of files) {
          cpSync(join(tools, file), join(folder, file));
        }
        write(
          "tsconfig.json",
          JSON.stringify({
            compilerOptions: {
              ...{ strict: true, noEmit: true, skipLibCheck: false, target: "es2022" },
              ...{ lib: ["es2022"], module, moduleResolution: resolution },
              typeRoots: [join(tools, "node_modules", "@types")],
              types: types ? ["node"] : [],
            },
            files,
          }),
        );
        const tsc = join(tools, "node_modules", `typescript${version}`, "bin", "tsc");
        const { stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
        expect(stdout).toBe("");
      },
    );
  });

  describe("in an archive of Electron's", () => {
    const app = () => join(folder, "app");
    const archive = (name: string) => join(folder, name, "app.asar");
    // As electron-builder has it, from the project's folder.
    const pattern = /asarUnpack:\s*- (\S+)/.exec(
      readFileSync(join(__dirname, "..", "examples", "electron", "electron-builder.yml"), "utf8"),
    )?.[1];

    beforeAll(async () => {
      mkdirSync(app());
      cpSync(join(folder, "node_modules"), join(app(), "node_modules"), { recursive: true });
      write("app/package.json", '{ "name": "app", "main": "main.js" }');
      write(
        "app/main.js",
        `const { mx, nn } = require("mlx-js");
        console.log(__filename.includes("app.asar"), require("mlx-js/core").array === mx.array);
        const layer = new nn.Linear(2, 1, { bias: false });
        layer.weight = mx.full([1, 2], 3);
        console.log(mx.compile((x) => layer.forward(x))(mx.array([1, 2])).tolist().join());
        const { sharedObjects } = process.report.getReport();
        console.log(sharedObjects.filter((path) => /mlx\\.node$|libmlx\\./.test(path)).join());`,
      );
      const { createPackageWithOptions } = await import(
        electron.requireTool.resolve("@electron/asar")
      );
      for (const [name, options] of [
        ["unpacked", { unpack: `**/${pattern}` }],
        ["packed", {}],
      ] as const) {
        mkdirSync(join(folder, name));
        await createPackageWithOptions(app(), archive(name), options);
      }
      rmSync(app(), { recursive: true });
    });

    afterAll(() => {
      rmSync(join(folder, "unpacked"), { recursive: true });
      rmSync(join(folder, "packed"), { recursive: true });
    });

    const run = (name: string) => {
      const shim = join(__dirname, "support", "asar.cjs");
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [shim, join(archive(name), "main.js")],
        { encoding: "utf8", cwd: folder, env: { PATH: "", TMPDIR: folder } },
      );
      return { status, stdout: stdout.split("\n"), stderr };
    };

    test("the library that lies beside it is loaded, and trains", () => {
      const { status, stdout, stderr } = run("unpacked");
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const [places, value, loaded = ""] = stdout;
      expect([places, value]).toEqual(["true true", "9"]);
      expect(loaded).toContain(".node");
      for (const path of loaded.split(",")) {
        expect(path.startsWith(join(`${archive("unpacked")}.unpacked`, "node_modules"))).toBe(true);
      }
    });

    test("all that the platform's package has lies beside it, and nothing of mlx-js", () => {
      const beside = join(`${archive("unpacked")}.unpacked`, "node_modules");
      const files = (place: string) => readdirSync(place, { recursive: true }).sort();
      expect(files(beside)).toContain(join(platform, "mlx", "lib", "mlx.node"));
      expect(files(join(beside, platform))).toEqual(files(installed(platform)));
      expect(readdirSync(beside)).toEqual(["@mlx-js"]);
    });

    const says = (name: string) => {
      const { status, stderr } = run(name);
      expect(status).toBe(1);
      expect(stderr).toContain("ERR_MLX_NOT_LOADED");
      expect(stderr).toContain(`"asarUnpack": ["${pattern}"]`);
      expect(stderr).toContain("keep the folder app.asar.unpacked beside the archive");
    };

    test("that holds the library, too, the error says what to unpack", () => says("packed"));

    test("that lost what lies beside it, the error says what to keep", () => {
      const beside = `${archive("unpacked")}.unpacked`;
      renameSync(beside, `${beside}-away`);
      says("unpacked");
      renameSync(`${beside}-away`, beside);
    });
  });

  test("@electron/rebuild finds nothing to do", async () => {
    const { rebuild } = await import(
      join(electron.tools, "node_modules", "@electron", "rebuild", "lib", "main.js")
    );
    const found = async () => {
      const run = rebuild({
        buildPath: folder,
        electronVersion: electron.requireTool("electron/package.json").version,
        ignoreModules: ["addon"],
      });
      let modules: string[] | undefined;
      run.lifecycle.on("modules-found", (names: string[]) => {
        modules = names;
      });
      await run;
      return modules;
    };
    const manifest = readFileSync(join(folder, "package.json"), "utf8");
    expect(JSON.parse(manifest).dependencies).toHaveProperty("mlx-js");
    expect(await found()).toEqual([]);
    // It does look: this is a module that has to be built.
    mkdirSync(installed("addon"));
    write("node_modules/addon/binding.gyp", "{}");
    write("node_modules/addon/package.json", '{ "name": "addon", "version": "1.0.0" }');
    const { dependencies } = JSON.parse(manifest);
    write("package.json", JSON.stringify({ dependencies: { ...dependencies, addon: "1.0.0" } }));
    expect(await found()).toEqual(["addon"]);
    rmSync(installed("addon"), { recursive: true });
    write("package.json", manifest);
  });

  test("nothing else is in the folder", () => {
    expect(
      readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith(".")),
    ).toEqual(["@huggingface", "@mlx-js", "fflate", "mlx-js", "mlx-js-lm"]);
  });
});
