/** What to say when the addon cannot be loaded: what was tried, and what mends it. */
import { join } from "node:path";
import { type Attempt, type Host, packagesFor, rootOf, Unavailable } from "./host.js";

const oldestNode = 20;
const oldestGlibc = "2.35";
const oldestDarwin = 23;

function older(version: string, than: string): boolean {
  const [a = [], b = []] = [version, than].map((text) => text.split(".").map(Number));
  const i = a.findIndex((part, i) => part !== b[i]);
  return i >= 0 && (a[i] ?? 0) < (b[i] ?? 0);
}

export function runtimeOf({ versions }: Host): string {
  const name = ["electron", "bun", "deno"].find((name) => versions[name] !== undefined);
  const node = `Node ${versions["node"]}`;
  return name === undefined
    ? node
    : `${name.replace(/^./, (letter) => letter.toUpperCase())} ${versions[name]} (${node})`;
}

export function systemOf({ platform, arch, glibc, release }: Host): string {
  const library = glibc === undefined ? "no glibc" : `glibc ${glibc}`;
  return `${platform} ${arch}, ${platform === "linux" ? library : `kernel ${release}`}`;
}

/** What is wrong with the system itself; no package can help there. */
function unsupported(host: Host): string | undefined {
  const { platform, arch, glibc, release, versions } = host;
  const node = Number.parseInt(versions["node"] ?? "", 10);
  if (node < oldestNode && versions["bun"] === undefined && versions["deno"] === undefined) {
    return (
      `mlx-js needs Node ${oldestNode} or later. Install a current one from https://nodejs.org, ` +
      "or with your version manager: nvm install --lts"
    );
  }
  if (platform === "win32") {
    return (
      "MLX has no packages for Node on Windows yet. Use the Windows Subsystem for Linux, and " +
      "install there:\n  wsl --install\n  npm install mlx-js"
    );
  }
  if (platform === "darwin" && arch !== "arm64") {
    return (
      "MLX needs a Mac with Apple silicon. On such a Mac, this is a Node for Intel that runs in " +
      "Rosetta: install the one for arm64 from https://nodejs.org, then install again:\n" +
      "  npm install mlx-js\nOn a Mac with an Intel processor, use mlx-js in a container for Linux."
    );
  }
  if (platform === "darwin" && Number.parseInt(release, 10) < oldestDarwin) {
    return "MLX needs macOS 14 or later. Update macOS.";
  }
  if (!["linux", "darwin"].includes(platform) || !["x64", "arm64"].includes(arch)) {
    return (
      "mlx-js has packages for macOS 14 or later with Apple silicon, and for Linux with glibc " +
      `${oldestGlibc} or later on x64 and arm64. Elsewhere, build it from source.`
    );
  }
  if (platform === "linux" && glibc === undefined) {
    return (
      "MLX's binaries need glibc, and this system has another C library (musl, as in Alpine " +
      "Linux). Use an image that has glibc:\n  FROM node:22-bookworm-slim"
    );
  }
  if (platform === "linux" && glibc !== undefined && older(glibc, oldestGlibc)) {
    return (
      `MLX's binaries need glibc ${oldestGlibc} or later. Use a newer system: Debian 12, Ubuntu ` +
      "22.04, Fedora 36, or an image of one:\n  FROM node:22-bookworm-slim"
    );
  }
  return undefined;
}

const outside = `Leave mlx-js outside of the bundle, and install it where the bundle runs:
  esbuild   --external:mlx-js --external:mlx-js/*
  webpack   externals: [/^mlx-js/]
  Vite      ssr: { external: ["mlx-js"] }
  Rollup    external: [/^mlx-js/]
  Next.js   serverExternalPackages: ["mlx-js"]`;

/** The package manager that made this installation, as its folders tell. */
function manager(host: Host): keyof typeof commands {
  const agent = host.env["npm_config_user_agent"] ?? "";
  const file = host.file ?? "";
  if (file.includes(".pnpm") || agent.startsWith("pnpm")) {
    return "pnpm";
  }
  if (/\.yarn|__virtual__/.test(file) || host.versions["pnp"] || agent.startsWith("yarn")) {
    return "yarn";
  }
  return host.versions["bun"] === undefined ? "npm" : "bun";
}

// What adds an optional package, and what installs all of them.
const commands = {
  npm: ["npm install --save-optional", "npm install --include=optional"],
  pnpm: ["pnpm add --save-optional", "pnpm install"],
  yarn: ["yarn add --optional", "yarn install"],
  bun: ["bun add --optional", "bun install"],
} as const;

function add(host: Host, names: readonly string[]): string {
  const packages = names.map((name) => `${name}@${host.version}`).join(" ");
  return `  ${commands[manager(host)][0]} ${packages}`;
}

function again(host: Host): string {
  return `  rm -rf node_modules && ${commands[manager(host)][1]}`;
}

/** A package of another platform, which tells that `node_modules` was brought from there. */
function stranger(host: Host, fitting: readonly string[]): string | undefined {
  return Object.keys(host.packages)
    .filter((name) => !name.startsWith(fitting[0] ?? ""))
    .find((name) => !(host.packages[name]?.() instanceof Unavailable));
}

function advice(host: Host, attempts: readonly Attempt[]): string {
  const is = (kind: Attempt["kind"]) => attempts.find((attempt) => attempt.kind === kind);
  const forced = host.env["MLX_JS_BACKEND"];
  const setting = attempts.find(({ name }) => name.startsWith("MLX_JS_"));
  if (setting !== undefined) {
    const value = setting.name === "MLX_JS_METALLIB" ? "the path of mlx.metallib" : "one of these";
    return `Unset ${setting.name}, or set it to ${value}.`;
  }
  const root = rootOf(host);
  const isCheckout = root !== undefined && host.exists(join(root, "CMakeLists.txt"));
  const system = unsupported(host);
  if (system !== undefined) {
    return system;
  }
  if (isCheckout && (forced === undefined || forced === "local")) {
    return "This is a checkout of mlx-js. Build it:\n  npm install && npm run build";
  }
  if (forced === "local") {
    return (
      "MLX_JS_BACKEND=local takes a library that was built in a checkout of mlx-js, and this is an " +
      "installed package. Unset MLX_JS_BACKEND."
    );
  }
  const unprepared = is("unprepared");
  if (unprepared !== undefined && forced === "cuda") {
    return "Put that right, or compute on the CPU: unset MLX_JS_BACKEND.";
  }
  if (is("foreign") || root === undefined) {
    return `mlx-js has become part of a bundle, where it cannot find its native library. ${outside}`;
  }
  const incomplete = is("incomplete");
  if (incomplete !== undefined) {
    return incomplete.reason.includes(".asar.unpacked")
      ? "A library inside of an archive cannot be loaded. Let electron-builder (or Forge's " +
          'packager) unpack the whole package:\n  "asarUnpack": ["node_modules/@mlx-js/**"]\n' +
          "and keep the folder app.asar.unpacked beside the archive."
      : `Parts of ${incomplete.name} are missing or damaged. Install it again:\n${again(host)}`;
  }
  const unreadable = is("unreadable");
  if (unreadable !== undefined) {
    return (
      `This process may not read ${unreadable.name}. Let all users do so:\n` +
      `  chmod -R a+rX node_modules/${unreadable.name}`
    );
  }
  if (is("version")) {
    return (
      "mlx-js and its platform's package are released together, and their versions have to be " +
      `the same. Install both again:\n${again(host)}`
    );
  }
  const failed = is("failed");
  if (failed !== undefined) {
    if (/GLIBCXX_|CXXABI_/.test(failed.reason)) {
      return (
        "The C++ library of this system is too old. Install one of GCC 12 or later:\n" +
        "  apt install libstdc++6"
      );
    }
    if (failed.reason.includes("different Team IDs")) {
      return (
        "The app takes only libraries that are signed as it is. Sign those of " +
        `${failed.name} with the app's identity, too, as electron-builder does.`
      );
    }
    return `The package is there, but the system refuses it. Install it again:\n${again(host)}`;
  }
  const fitting =
    forced === "cuda" ? attempts.map(({ name }) => name) : packagesFor(host).slice(-1);
  const other = stranger(host, packagesFor(host));
  if (other !== undefined) {
    return (
      `node_modules holds ${other}: it was installed on another system, and copied. Install on ` +
      `this one:\n${again(host)}`
    );
  }
  return (
    `${fitting.join(", ")} comes with mlx-js as an optional dependency, which this installation ` +
    `left out (--omit=optional, a lockfile of another system). Install again:\n${again(host)}\n` +
    `or add it by itself:\n${add(host, fitting)}`
  );
}

export function diagnosis(host: Host, attempts: readonly Attempt[]): string {
  const tried = attempts.map(({ name, reason }) => `  ${name}: ${reason}\n`).join("");
  return `mlx-js ${host.version} could not load its native library.

System: ${systemOf(host)}, ${runtimeOf(host)}
Tried:
${tried || "  nothing\n"}
${advice(host, attempts)}

More: https://www.npmjs.com/package/mlx-js#install`;
}
