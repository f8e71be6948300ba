// Builds the addon for other platforms than this one, on Linux x64: for 64-bit
// Arm Linux with g++'s cross compiler, for macOS with zig. Both link against
// MLX's real binaries. Nothing of it runs here.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, platformOf, runScript, SetupError } from "./mlx.mjs";
import { forgetOtherPlace } from "./native.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error !== undefined || status !== 0) {
    throw new SetupError(
      `${command} failed${error ? `: ${error.message}` : "; the messages above say why"}.`,
    );
  }
}

/** @returns {string} the addon for Linux arm64 */
export function linuxArm64() {
  const compiler = "aarch64-linux-gnu-g++";
  if (spawnSync(compiler, ["--version"]).status !== 0) {
    throw new SetupError(
      `${compiler} was not found; it builds for Linux arm64. Install it ` +
        "(apt install g++-aarch64-linux-gnu).",
    );
  }
  const mlx = install(platformOf({ platform: "linux", arch: "arm64", glibc: "2.35" }));
  const out = join(root, "build", "linux-arm64");
  forgetOtherPlace(out);
  run("cmake", [
    ...["-S", root, "-B", out, "--log-level=ERROR", "-DCMAKE_BUILD_TYPE=Release"],
    ...["-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64"],
    `-DCMAKE_CXX_COMPILER=${compiler}`,
    // It would tell of each pair of numbers.
    "-DCMAKE_CXX_FLAGS=-Wno-psabi",
    `-DMLX_JS_OUTPUT=${out}`,
    `-DMLX_DIR=${join(mlx, "mlx", "share", "cmake", "MLX")}`,
    `-DOPENBLAS_DIR=${join(mlx, "scipy_openblas32", "lib")}`,
  ]);
  run("cmake", ["--build", out, "--target", "addon-package", "--parallel", String(cpus().length)]);
  return join(out, "package", "mlx.node");
}

/**
 * @param {number} [version] of macOS, whose MLX is linked against
 * @returns {string} the addon for macOS, of which version 14 is the oldest it runs on
 */
export function macosArm64(version = 14) {
  const metal = install({ lock: "macos.lock", tags: [`macosx_${version}_0_arm64`] });
  const tools = install(
    { lock: "zig.lock", tags: ["manylinux_2_12_x86_64"] },
    { store: join(root, ".tools") },
  );
  const zig = join(tools, "ziglang", "zig");
  chmodSync(zig, 0o755);
  const text = readFileSync(join(root, "CMakeLists.txt"), "utf8");
  const sources = new Set(text.match(/native\/\S+\.cpp/g) ?? []);
  const out = join(root, "build", "macos-arm64");
  mkdirSync(out, { recursive: true });
  const compile = ["c++", "-target", "aarch64-macos.14.0", "-std=c++20", "-O2"];
  const flags = [
    ...["-fvisibility=hidden", "-DNODE_ADDON_API_CPP_EXCEPTIONS", "-DNAPI_VERSION=2147483647"],
    ...["-DNAPI_EXPERIMENTAL", "-DNODE_API_EXPERIMENTAL_NO_WARNING"],
    "-DNODE_ADDON_API_DISABLE_DEPRECATED",
    `-I${join(metal, "mlx", "include")}`,
    `-I${require("node-api-headers").include_dir}`,
    `-I${require("node-addon-api").include_dir}`,
  ];
  // zig keeps what it compiled, and looks itself whether that is still right.
  const objects = [...sources]
    .filter((source) => !source.startsWith("native/linux/"))
    .map((source) => {
      const object = join(out, `${source.replaceAll("/", "-")}.o`);
      run(zig, [...compile, ...flags, "-c", source, "-o", object]);
      return object;
    });
  const addon = join(out, "mlx.node");
  run(zig, [
    ...[...compile, "-shared", "-undefined", "dynamic_lookup", ...objects, "-o", addon, "-s"],
    ...[`-L${join(metal, "mlx", "lib")}`, "-lmlx", "-Wl,-rpath,@loader_path"],
  ]);
  return addon;
}

const targets = { "linux-arm64": linuxArm64, "darwin-arm64": macosArm64 };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => {
    for (const name of process.argv.slice(2)) {
      const build = targets[/** @type {keyof typeof targets} */ (name)];
      if (build === undefined) {
        throw new SetupError(`usage: cross.mjs ${Object.keys(targets).join(" | ")}`);
      }
      console.log(build());
    }
  });
}
