import { execFile, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { definitions, install, platformOf, SetupError } from "../../scripts/mlx.mjs";
import { checkTools, forgetOtherPlace } from "../../scripts/native.mjs";

const linux = { lock: "linux.lock", tags: ["manylinux_2_35_x86_64"] };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mlx-js-"));
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** A program that stands for Python: it runs `body` when asked to download. */
function python(body: string): string {
  const path = join(folder, "python");
  writeFileSync(
    path,
    `#!/bin/bash
case "$*" in
  *download*) ${body} ;;
  *zipfile*) exec python3 "$@" ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}

const store = () => join(folder, ".mlx");

/** A wheel with one file in it, as a script's words. */
function wheel(): string {
  mkdirSync(join(folder, "content"));
  writeFileSync(join(folder, "content", "file"), "hello");
  const { status } = spawnSync(
    "python3",
    ["-m", "zipfile", "-c", join(folder, "a.whl"), join(folder, "content")],
    { cwd: folder },
  );
  expect(status).toBe(0);
  // The last argument but four is the folder: see install().
  return `while [ "$1" != --dest ]; do shift; done; mkdir -p "$2"; cp ${join(folder, "a.whl")} "$2"`;
}

describe("platformOf", () => {
  test("the platforms that have binaries", () => {
    expect(platformOf({ platform: "darwin", arch: "arm64", glibc: undefined }).tags).toEqual([
      "macosx_14_0_arm64",
    ]);
    expect(platformOf({ platform: "linux", arch: "arm64", glibc: "2.36" }).tags[0]).toBe(
      "manylinux_2_35_aarch64",
    );
    expect(platformOf({ platform: "linux", arch: "x64", glibc: "2.35" }).lock).toBe("linux.lock");
  });

  test.each([
    [{ platform: "win32", arch: "x64", glibc: undefined }, /no binaries for win32 x64/],
    [{ platform: "darwin", arch: "x64", glibc: undefined }, /no binaries for darwin x64/],
    [{ platform: "linux", arch: "ia32", glibc: "2.36" }, /no binaries for linux ia32/],
    [{ platform: "linux", arch: "x64", glibc: undefined }, /glibc.*musl/],
    [
      { platform: "linux", arch: "x64", glibc: "2.31" },
      /2\.35 or later, and this system has 2\.31/,
    ],
  ])("the others, %j", (host, message) => {
    expect(() => platformOf(host)).toThrow(SetupError);
    expect(() => platformOf(host)).toThrow(message);
  });
});

describe("install", () => {
  test("unpacks, and then needs nothing", () => {
    vi.stubEnv("PYTHON", python(wheel()));
    const target = install(linux, { store: store() });
    expect(existsSync(join(target, "content", "file"))).toBe(true);
    expect(readdirSync(store())).toEqual([basename(target)]);
    vi.stubEnv("PYTHON", "/nonexistent");
    vi.stubEnv("PATH", "/nonexistent");
    expect(install(linux, { store: store() })).toBe(target);
  });

  test("a changed lock is installed anew, beside the old one", () => {
    vi.stubEnv("PYTHON", python(wheel()));
    const places = { store: store(), locks: folder };
    const targets = ["content==1.0", "content==2.0"].map((lock) => {
      writeFileSync(join(folder, "linux.lock"), lock);
      return install(linux, places);
    });
    expect(new Set(targets).size).toBe(2);
    expect(readdirSync(store()).sort()).toEqual(targets.map((path) => basename(path)).sort());
  });

  test("several processes at once download once", async () => {
    const count = join(folder, "downloads");
    vi.stubEnv("PYTHON", python(`echo >> ${count}; sleep 0.5; ${wheel()}`));
    const program = `
      import { install } from ${JSON.stringify(join(__dirname, "..", "..", "scripts", "mlx.mjs"))};
      console.log(install(${JSON.stringify(linux)}, { store: ${JSON.stringify(store())} }));`;
    // Of a process that is not there any more.
    const target = basename(install(linux, { store: join(folder, "other") }));
    mkdirSync(store());
    writeFileSync(join(store(), `${target}.pid`), "4194305");
    writeFileSync(count, "");
    const run = promisify(execFile);
    const all = Array.from({ length: 3 }, () =>
      run(process.execPath, ["--input-type=module", "-e", program]),
    );
    for (const { stdout } of await Promise.all(all)) {
      expect(stdout.trim()).toBe(join(store(), target));
    }
    expect(readFileSync(count, "utf8").length).toBe(1);
    expect(readdirSync(store())).toEqual([target]);
  });

  test("a wheel that cannot be unpacked leaves nothing behind", () => {
    const copy = wheel();
    writeFileSync(join(folder, "a.whl"), "half a whee");
    vi.stubEnv("PYTHON", python(copy));
    expect(() => install(linux, { store: store() })).toThrow(/a\.whl could not be unpacked/);
    expect(readdirSync(store())).toEqual([]);
  });

  test("pip itself without a network", () => {
    // Nothing listens there.
    vi.stubEnv("PIP_INDEX_URL", "http://127.0.0.1:9/simple");
    vi.stubEnv("PIP_EXTRA_INDEX_URL", "");
    vi.stubEnv("PIP_FIND_LINKS", "");
    vi.stubEnv("PIP_RETRIES", "0");
    expect(() => install(linux, { store: store() })).toThrow(/pip reached no package index/);
  });

  test.each([
    ["a wrong hash", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", /does not match its hash/],
    ["no network", "NewConnectionError: Name or service not known", /pip reached no package index/],
    ["anything else", "ERROR: No matching distribution", /No matching distribution/],
  ])("%s leaves nothing behind", (_, output, message) => {
    vi.stubEnv("PYTHON", python(`echo "${output}" >&2; exit 1`));
    expect(() => install(linux, { store: store() })).toThrow(SetupError);
    expect(() => install(linux, { store: store() })).toThrow(message);
    expect(readdirSync(store())).toEqual([]);
  });

  test("pip itself refuses what does not match the lock", () => {
    const wrong = "0".repeat(64);
    writeFileSync(join(folder, "linux.lock"), `content==1.0 --hash=sha256:${wrong}\n`);
    const { status } = spawnSync(
      "python3",
      ["-m", "zipfile", "-c", "content-1.0-py3-none-any.whl", "linux.lock"],
      { cwd: folder },
    );
    expect(status).toBe(0);
    vi.stubEnv("PIP_NO_INDEX", "1");
    vi.stubEnv("PIP_FIND_LINKS", folder);
    const locked = () => install(linux, { store: store(), locks: folder });
    expect(locked).toThrow(/does not match its hash in scripts\/linux\.lock/);
  });

  test("no Python, no pip", () => {
    vi.stubEnv("PYTHON", undefined);
    vi.stubEnv("PATH", "/nonexistent");
    expect(() => install(linux, { store: store() })).toThrow(/Python 3 was not found/);
    const path = join(folder, "python");
    writeFileSync(path, '#!/bin/bash\n[ "$1" = -c ]\n');
    chmodSync(path, 0o755);
    vi.unstubAllEnvs();
    vi.stubEnv("PYTHON", path);
    expect(() => install(linux, { store: store() })).toThrow(/has no pip/);
  });
});

describe("definitions", () => {
  function ownMlx(): string {
    const config = join(folder, "share", "cmake", "MLX");
    mkdirSync(config, { recursive: true });
    writeFileSync(join(config, "MLXConfig.cmake"), "");
    return config;
  }

  test("an MLX of the user's own comes first, without our BLAS", () => {
    const own = ownMlx();
    vi.stubEnv("MLX_DIR", own);
    expect(definitions()).toEqual({ MLX_DIR: own, OPENBLAS_DIR: "" });
    vi.stubEnv("MLX_DIR", undefined);
    vi.stubEnv("CMAKE_PREFIX_PATH", `/nonexistent:${folder}`);
    expect(definitions()).toEqual({ MLX_DIR: own, OPENBLAS_DIR: "" });
  });

  test("MLX_DIR without an MLX is an error", () => {
    vi.stubEnv("MLX_DIR", folder);
    expect(definitions).toThrow(SetupError);
    expect(definitions).toThrow(/MLX_DIR is .*, where there is no MLXConfig\.cmake/);
  });
});

describe("checkTools", () => {
  test("no CMake", () => {
    vi.stubEnv("PATH", "/nonexistent");
    expect(checkTools).toThrow(/CMake was not found/);
  });

  test("no compiler", () => {
    vi.stubEnv("CXX", "/nonexistent/c++");
    expect(checkTools).toThrow(/No C\+\+20 compiler was found \(tried \/nonexistent\/c\+\+\)/);
  });
});

describe("forgetOtherPlace", () => {
  function cache(home: string) {
    const build = join(folder, "build");
    mkdirSync(build);
    writeFileSync(join(build, "CMakeCache.txt"), `CMAKE_HOME_DIRECTORY:INTERNAL=${home}\n`);
    return build;
  }

  test("what CMake wrote for a checkout that was moved or copied goes", () => {
    const build = cache("/somewhere/else");
    forgetOtherPlace(build, folder);
    expect(existsSync(build)).toBe(false);
    forgetOtherPlace(build, folder);
  });

  test("what it wrote for this one stays", () => {
    const build = cache(folder);
    forgetOtherPlace(build, folder);
    expect(existsSync(build)).toBe(true);
  });
});
