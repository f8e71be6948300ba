// Builds the addon for macOS on Linux, against the real libmlx with Metal.
// What this proves: the headers fit, every symbol is there, the rpath and the
// architecture are right. It does not run anything.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const metal = install({ lock: "macos.lock", tags: ["macosx_14_0_arm64"] });
const tools = install(
  { lock: "zig.lock", tags: ["manylinux_2_12_x86_64"] },
  { store: join(root, ".tools") },
);
const zig = join(tools, "ziglang", "zig");
chmodSync(zig, 0o755);

const sources = readFileSync(join(root, "CMakeLists.txt"), "utf8").match(/native\/\S+\.cpp/g) ?? [];
const out = join(root, "build", "macos-arm64");
mkdirSync(out, { recursive: true });
const compile = ["c++", "-target", "aarch64-macos.14.0", "-std=c++20", "-O2"];
const flags = [
  ...["-fvisibility=hidden", "-DNODE_ADDON_API_CPP_EXCEPTIONS", "-DNAPI_VERSION=2147483647"],
  ...["-DNAPI_EXPERIMENTAL", "-DNODE_API_EXPERIMENTAL_NO_WARNING"],
  `-I${join(metal, "mlx", "include")}`,
  `-I${require("node-api-headers").include_dir}`,
  `-I${require("node-addon-api").include_dir}`,
];

/** @param {string[]} args */
function run(args) {
  const { status } = spawnSync(zig, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    process.exit(1);
  }
}

const objects = [...new Set(sources)]
  .filter((source) => !source.startsWith("native/linux/"))
  .map((source) => {
    const object = join(out, `${source.replaceAll("/", "-")}.o`);
    run([...compile, ...flags, "-c", source, "-o", object]);
    return object;
  });
const addon = join(out, "mlx.node");
run([
  ...[...compile, "-shared", "-undefined", "dynamic_lookup", ...objects, "-o", addon],
  ...[`-L${join(metal, "mlx", "lib")}`, "-lmlx", "-Wl,-rpath,@loader_path"],
]);
console.log(addon);
