// Which addon is loaded, and what is said when none can be: for systems that
// these tests do not run on, told by a `Host`.
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Beginning } from "../lib/core/call/damage.js";
import { type Host, Unavailable } from "../lib/core/call/host.js";
import { findAddon } from "../lib/core/call/loader.js";

const version = "1.2.3";
const app = "/app/node_modules/mlx-js";
const x64 = "@mlx-js/linux-x64";
const cuda = "@mlx-js/linux-x64-cuda13";
const mac = "@mlx-js/darwin-arm64";
const mac26 = "@mlx-js/darwin-arm64-macos26";
const names = [mac, mac26, "@mlx-js/linux-arm64", x64, cuda];

interface World extends Omit<Partial<Host>, "packages"> {
  /** Packages that are installed: what they export, where it is not as it should be. */
  installed?: Record<string, object>;
  /** What is there beside the files of packages. */
  files?: string[];
  /** Files of packages that are not there. */
  removed?: string[];
  /** Files of packages that hold something else. */
  changed?: Record<string, Beginning>;
}

/** A library for Linux, of which as many bytes are loaded, and as many are there. */
function elf(machine: number, end: number, size = end): Beginning {
  const bytes = new Uint8Array(120);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46]);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setBigUint64(64 + 8, 100n, true);
  view.setBigUint64(64 + 32, BigInt(end - 100), true);
  return { bytes: bytes.subarray(0, size), size };
}

const intel = 62;
const arm = 183;

/** Metal's kernels. */
function metallib(end: number, size = end): Beginning {
  const bytes = new Uint8Array(64);
  bytes.set([0x4d, 0x54, 0x4c, 0x42]);
  new DataView(bytes.buffer).setBigUint64(16, BigInt(end), true);
  return { bytes, size };
}

const pieces = ["mlx/lib/mlx.node", "mlx/lib/libmlx.so"];
const folderOf = (name: string) => join("/app/node_modules", name);

function host({ installed = {}, files = [], removed = [], changed = {}, ...rest }: World = {}) {
  const there = new Set([`${app}/package.json`, ...files]);
  for (const [name, content] of Object.entries(installed)) {
    const { folder = folderOf(name) } = content as { folder?: string };
    for (const piece of [...pieces, "mlx/lib/mlx.metallib"]) {
      if (!removed.includes(piece)) {
        there.add(join(folder, piece));
      }
    }
  }
  const packages = names.map((name) => [
    name,
    () => {
      if (name in installed) {
        return { version, folder: folderOf(name), files: pieces, ...installed[name] };
      }
      const error = new Error(`Cannot find module '${name}'`);
      return new Unavailable(Object.assign(error, { code: "MODULE_NOT_FOUND" }));
    },
  ]);
  const warnings: string[] = [];
  const metallibs: string[] = [];
  return {
    ...{ platform: "linux", arch: "x64", glibc: "2.36", release: "6.1.0", version },
    ...{ versions: { node: "22.1.0" }, env: {}, file: `${app}/dist/addon.js` },
    packages: Object.fromEntries(packages),
    exists: (path: string) => there.has(path),
    beginning: (path: string) => {
      if (!there.has(path)) {
        throw Object.assign(new Error(`ENOENT: no such file, open '${path}'`), { code: "ENOENT" });
      }
      const change = Object.keys(changed).find((piece) => path.endsWith(piece));
      const machO = { bytes: new Uint8Array(64), size: 64 };
      machO.bytes.set([0xcf, 0xfa, 0xed, 0xfe]);
      const whole =
        rest.platform === "darwin" ? machO : elf(rest.arch === "arm64" ? arm : intel, 200);
      return change === undefined ? whole : (changed[change] as Beginning);
    },
    load: (path: string): unknown => ({
      path,
      set_metallib_path: (path: string) => metallibs.push(path),
    }),
    warn: (message: string) => warnings.push(message),
    ...{ warnings, metallibs },
    ...rest,
  };
}

const macHost = { platform: "darwin", arch: "arm64", glibc: undefined, release: "23.6.0" };
const found = (world: World) => findAddon(host(world));

function failure(world: World): string {
  try {
    findAddon(host(world));
  } catch (error) {
    expect(error).toMatchObject({ name: "Error", code: "ERR_MLX_NOT_LOADED" });
    return (error as Error).message;
  }
  throw new Error("it was loaded");
}

describe("what is loaded", () => {
  const build = "/checkout/build/Release/mlx.node";
  const checkout = {
    file: "/checkout/dist/addon.js",
    files: ["/checkout/package.json", "/checkout/CMakeLists.txt", build],
  };
  const at = (name: string) => ({ path: join(folderOf(name), "mlx/lib/mlx.node") });

  test("a local build, then CUDA, then the platform's package", () => {
    const installed = { [x64]: {}, [cuda]: {} };
    expect(found({ ...checkout, installed })).toMatchObject({ path: build });
    expect(found({ installed })).toMatchObject(at(cuda));
    expect(found({ installed: { [x64]: {} } })).toMatchObject(at(x64));
  });

  test("CUDA that does not work gives way, with a warning", () => {
    const prepare = () => "there is no NVIDIA GPU";
    const world = host({ installed: { [x64]: {}, [cuda]: { prepare } } });
    expect(findAddon(world)).toMatchObject(at(x64));
    expect(world.warnings).toEqual([
      expect.stringMatching(/on the CPU, though @mlx-js\/linux-x64-cuda13.*no NVIDIA GPU.*=cpu/),
    ]);
    const quiet = host({ installed: { [x64]: {} } });
    findAddon(quiet);
    expect(quiet.warnings).toEqual([]);
  });

  test("MLX_JS_BACKEND decides", () => {
    const installed = { [x64]: {}, [cuda]: {} };
    const loaded = (backend: string) =>
      found({ ...checkout, installed, env: { MLX_JS_BACKEND: backend } });
    expect(loaded("local")).toMatchObject({ path: build });
    expect(loaded("cuda")).toMatchObject(at(cuda));
    expect(loaded("cpu")).toMatchObject(at(x64));
  });

  test("MLX_JS_BUILD names another build", () => {
    const files = [...checkout.files, "/checkout/build/Sanitize/mlx.node"];
    expect(found({ ...checkout, files, env: { MLX_JS_BUILD: "Sanitize" } })).toMatchObject({
      path: "/checkout/build/Sanitize/mlx.node",
    });
  });

  test("on macOS 26 its own package, where it is installed", () => {
    const installed = { [mac]: {}, [mac26]: {} };
    expect(found({ ...macHost, installed })).toMatchObject(at(mac));
    expect(found({ ...macHost, release: "25.0.0", installed })).toMatchObject(at(mac26));
    expect(found({ ...macHost, release: "25.0.0", installed: { [mac]: {} } })).toMatchObject(
      at(mac),
    );
  });

  test("Metal's kernels are where the package is, or where MLX_JS_METALLIB says", () => {
    const beside = host({ ...macHost, installed: { [mac]: {} } });
    findAddon(beside);
    expect(beside.metallibs).toEqual([join(folderOf(mac), "mlx/lib/mlx.metallib")]);
    const files = ["/elsewhere/my.metallib"];
    const env = { MLX_JS_METALLIB: "/elsewhere/my.metallib" };
    const kernels = "mlx/lib/mlx.metallib";
    const installed = { [mac]: { files: [...pieces, kernels] } };
    // The package's own is not needed then.
    const elsewhere = host({ ...macHost, installed, files, env, removed: [kernels] });
    findAddon(elsewhere);
    expect(elsewhere.metallibs).toEqual(files);
  });

  test("what Electron unpacked", () => {
    const inside = `/App/Resources/app.asar/node_modules/${x64}`;
    const outside = inside.replace("app.asar", "app.asar.unpacked");
    expect(
      found({
        installed: { [x64]: { folder: inside } },
        files: pieces.map((piece) => join(outside, piece)),
      }),
    ).toMatchObject({ path: join(outside, "mlx/lib/mlx.node") });
  });
});

describe("what is said when nothing can be loaded", () => {
  test("all of it, once", () => {
    expect(failure({})).toBe(`mlx-js 1.2.3 could not load its native library.

System: linux x64, glibc 2.36, Node 22.1.0
Tried:
  @mlx-js/linux-x64-cuda13: not installed (optional)
  @mlx-js/linux-x64: not installed

@mlx-js/linux-x64 comes with mlx-js as an optional dependency, which this installation left out \
(--omit=optional, a lockfile of another system). Install again:
  rm -rf node_modules && npm install --include=optional
or add it by itself:
  npm install --save-optional @mlx-js/linux-x64@1.2.3

More: https://www.npmjs.com/package/mlx-js#install`);
  });

  const checkout = {
    file: "/checkout/dist/addon.js",
    files: ["/checkout/package.json", "/checkout/CMakeLists.txt"],
  };
  const refuses = (message: string) => () => {
    throw new Error(message);
  };
  const asar = { [x64]: { folder: `/App/app.asar/node_modules/${x64}` } };

  test.each<[string, World, RegExp]>([
    ["in a checkout", checkout, /build\/Release\/mlx\.node: not there.*npm run build/s],
    [
      "in a checkout whose build does not load",
      {
        ...checkout,
        files: [...checkout.files, "/checkout/build/Release/mlx.node"],
        load: refuses("libmlx.so: no such file"),
        installed: { [x64]: {} },
      },
      /Release\/mlx\.node: libmlx\.so: no such file.*npm run build/s,
    ],
    ["with pnpm", { env: { npm_config_user_agent: "pnpm/10" } }, /pnpm add --save-optional/],
    ["with Yarn", { versions: { node: "22.1.0", pnp: "3" } }, /yarn add --optional @mlx-js/],
    ["in Bun", { versions: { node: "24.3.0", bun: "1.4.5" } }, /Bun 1\.4\.5 \(Node.*bun add/s],
    ["in Deno", { versions: { node: "24.3.0", deno: "2.9.6" } }, /Deno 2\.9\.6/],
    ["in a bundle", { file: "/app/out/server.js" }, /part of a bundle.*--external:mlx-js/s],
    ["in a bundle of modules", { file: undefined }, /part of a bundle.*webpack/s],
    [
      "where a bundler gives something else",
      { packages: { [x64]: () => "./mlx-3f2a.node" } } as object,
      /linux-x64: a bundler has put something else.*esbuild/s,
    ],
    ["in an archive of Electron's", { installed: asar }, /"asarUnpack": \["node_modules\/@mlx-js/],
    ["on Windows", { platform: "win32", glibc: undefined }, /Windows Subsystem for Linux/],
    ["on an Intel Mac", { ...macHost, arch: "x64" }, /Apple silicon.*Rosetta/s],
    ["on macOS 13", { ...macHost, release: "22.6.0" }, /macOS 14 or later/],
    ["with musl", { glibc: undefined }, /no glibc.*musl.*bookworm-slim/s],
    ["with an old glibc", { glibc: "2.31" }, /glibc 2\.31.*glibc 2\.35 or later/s],
    ["on another processor", { arch: "ppc64" }, /on x64 and arm64/],
    ["on another system", { platform: "freebsd", glibc: undefined }, /packages for macOS 14/],
    ["with Node 18", { versions: { node: "18.20.0" } }, /Node 18\.20\.0.*needs Node 20/s],
    [
      "with a package of another version",
      { installed: { [x64]: { version: "1.2.2" } } },
      /linux-x64: its version is 1\.2\.2, not 1\.2\.3.*Install both again/s,
    ],
    [
      "with node_modules of another system",
      { installed: { [mac]: {} } },
      /node_modules holds @mlx-js\/darwin-arm64.*npm install/s,
    ],
    [
      "with an old C++ library",
      { installed: { [x64]: {} }, load: refuses("version `GLIBCXX_3.4.30' not found") },
      /GLIBCXX_3\.4\.30' not found.*apt install libstdc\+\+6/s,
    ],
    [
      "in an app that is signed otherwise",
      {
        ...macHost,
        installed: { [mac]: {} },
        load: refuses(
          "dlopen(mlx.node, 0x0001): tried: 'mlx.node' (code signature in <0> 'mlx.node' not valid for " +
            "use in process: mapping process and mapped file have different Team IDs)",
        ),
      },
      /different Team IDs.*Sign those of @mlx-js\/darwin-arm64 with the app's identity/s,
    ],
    [
      "where the system refuses",
      { installed: { [x64]: {} }, load: refuses("invalid ELF header") },
      /linux-x64: invalid ELF header.*the system refuses it/s,
    ],
    [
      "with an unknown backend",
      { env: { MLX_JS_BACKEND: "tpu" } },
      /it is "tpu", and here it can be: local, cuda, cpu.*Unset MLX_JS_BACKEND/s,
    ],
    [
      "with kernels for Metal that are not where they should be",
      { ...macHost, env: { MLX_JS_METALLIB: "/no/my.metallib" }, installed: { [mac]: {} } },
      /MLX_JS_METALLIB: there is no file \/no\/my\.metallib.*Unset MLX_JS_METALLIB, or set it to the path/s,
    ],
    [
      "where a local build is asked for, and there is only a package",
      { env: { MLX_JS_BACKEND: "local" }, installed: { [x64]: {} } },
      /Tried:\n {2}nothing\n.*built in a checkout of mlx-js.*Unset MLX_JS_BACKEND/s,
    ],
    [
      "without the CUDA that is asked for",
      { env: { MLX_JS_BACKEND: "cuda" }, installed: { [x64]: {} } },
      /npm install --save-optional @mlx-js\/linux-x64-cuda13@1\.2\.3/,
    ],
    [
      "with CUDA that does not work",
      {
        env: { MLX_JS_BACKEND: "cuda" },
        installed: { [cuda]: { prepare: () => "libcudnn.so.9 cannot be loaded" } },
      },
      /cuda13: libcudnn\.so\.9 cannot be loaded.*unset MLX_JS_BACKEND/s,
    ],
  ])("%s", (_, world, expected) => {
    expect(failure(world)).toMatch(expected);
  });

  test.each(pieces)("without %s", (piece) => {
    const message = failure({ installed: { [x64]: {} }, removed: [piece] });
    expect(message).toContain(`linux-x64 lacks ${piece}`);
    expect(message).toMatch(
      /missing or damaged. Install it again:\n {2}rm -rf node_modules && npm/,
    );
  });

  const empty = { bytes: new Uint8Array(0), size: 0 };
  const text = { bytes: new TextEncoder().encode("<!DOCTYPE html>".repeat(9)), size: 135 };

  test.each<[string, Beginning, string]>([
    ["is empty", empty, "is empty"],
    ["was cut short", elf(intel, 9000, 5000), "was cut short: it has 5000 bytes of 9000"],
    ["was cut short after a few bytes", elf(intel, 9000, 20), "holds something else"],
    ["is for another processor", elf(arm, 200), "is for another processor, not for x64"],
    ["is a page that a proxy sent", text, "holds something else"],
  ])("with a library that %s", (_, beginning, expected) => {
    const load = () => {
      throw new Error("the process would end here");
    };
    const message = failure({
      installed: { [x64]: {} },
      changed: { "libmlx.so": beginning },
      load,
    });
    expect(message).toContain(`${folderOf(x64)}/mlx/lib/libmlx.so ${expected}\n`);
    expect(message).toContain("Install it again");
  });

  test("with kernels for Metal that were cut short", () => {
    const installed = { [mac]: { files: ["mlx/lib/mlx.node", "mlx/lib/mlx.metallib"] } };
    const changed = (size: number) => ({ "mlx.metallib": metallib(9000, size) });
    found({ ...macHost, installed, changed: changed(9000) });
    expect(failure({ ...macHost, installed, changed: changed(8999) })).toMatch(
      /mlx\.metallib was cut short: it has 8999 bytes of 9000.*Install it again/s,
    );
  });

  test("with a file that may not be read", () => {
    const beginning = () => {
      throw Object.assign(new Error("EACCES: permission denied, open 'libmlx.so'"), {
        code: "EACCES",
      });
    };
    expect(failure({ installed: { [x64]: {} }, beginning })).toMatch(
      /linux-x64: EACCES: permission denied, open 'libmlx\.so'.*chmod -R a\+rX node_modules\/@mlx-js\/linux-x64/s,
    );
  });

  /** A package that throws when it is required. */
  const throwing = (error: Error) =>
    ({ packages: { [x64]: () => new Unavailable(error) } }) as object;
  const coded = (code: string | undefined, message: string) =>
    Object.assign(new Error(message), code === undefined ? {} : { code });

  test.each<[string, Error, RegExp]>([
    [
      "without its main file",
      coded("MODULE_NOT_FOUND", `Cannot find module '${folderOf(x64)}/index.js'. Please verify`),
      /linux-x64: it lacks \/app\/.*\/index\.js\n.*missing or damaged/s,
    ],
    [
      "with a manifest that cannot be read",
      coded("ERR_INVALID_PACKAGE_CONFIG", `Invalid package config ${folderOf(x64)}/package.json.`),
      /linux-x64: Invalid package config .*missing or damaged/s,
    ],
    [
      "with a main file that was cut short",
      Object.assign(new SyntaxError("Unexpected end of input"), { stack: "/app/x/index.js:3\n" }),
      /linux-x64: \/app\/x\/index\.js:3: Unexpected end of input.*missing or damaged/s,
    ],
    [
      "with a main file that may not be read",
      coded("EACCES", `EACCES: permission denied, open '${folderOf(x64)}/index.js'`),
      /linux-x64: EACCES.*chmod/s,
    ],
    [
      "under Plug'n'Play, where it is not named",
      coded("MODULE_NOT_FOUND", `Your application tried to access ${x64}, but it isn't declared`),
      /linux-x64: not installed\n/,
    ],
    [
      "in a bundle that refuses it",
      coded(undefined, `Dynamic require of "${x64}" is not supported`),
      /linux-x64: not installed\n/,
    ],
  ])("%s", (_, error, expected) => {
    expect(failure(throwing(error))).toMatch(expected);
  });

  // Bun's words, and Node's for a folder that holds nothing.
  test.each(["Cannot find module", "Cannot find package"])(
    "without its main file, with words for a package that is not there: %s",
    (words) => {
      const world = throwing(coded("MODULE_NOT_FOUND", `${words} '${x64}' from '${app}/dist'`));
      expect(failure({ ...world, files: [folderOf(x64)] })).toMatch(
        /linux-x64: \/app\/node_modules\/@mlx-js\/linux-x64 lacks index\.js\n.*missing or damaged/s,
      );
      expect(failure(world)).toMatch(/linux-x64: not installed\n/);
      // What is there was not asked for where the words are others': a bundler's, for instance.
      const files = [folderOf(x64), join(folderOf(x64), "index.js")];
      expect(failure({ ...world, files })).toMatch(/linux-x64: not installed\n/);
    },
  );

  test.each([{}, { version }, { version, folder: folderOf(x64) }])(
    "with a main file that exports %s alone",
    (exports) => {
      const packages = { [x64]: () => exports };
      expect(failure({ packages } as object)).toMatch(
        /its index\.js is empty, or was cut short.*missing or damaged/s,
      );
      // Or a bundler has put that there.
      expect(failure({ packages, file: "/app/out/server.js" } as object)).toMatch(
        /part of a bundle/,
      );
    },
  );

  test.each<[string, Error, RegExp]>([
    [
      "that is not there",
      coded("MODULE_NOT_FOUND", "Cannot find module './prepare.js'"),
      /cuda13 is installed: it lacks \.\/prepare\.js/,
    ],
    [
      "that is empty",
      new TypeError("require(...) is not a function"),
      /cuda13 is installed: prepare\.js: require\(\.\.\.\) is not a function/,
    ],
  ])("with a part of CUDA's %s, the CPU computes", (_, error, expected) => {
    const prepare = () => {
      throw error;
    };
    const world = host({ installed: { [x64]: {}, [cuda]: { prepare } } });
    expect(findAddon(world)).toMatchObject({ path: join(folderOf(x64), "mlx/lib/mlx.node") });
    expect(world.warnings).toEqual([expect.stringMatching(expected)]);
  });
});
