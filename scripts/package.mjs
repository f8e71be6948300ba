// Builds and packs what is published, into dist-packages/: mlx-js, mlx-js-lm, and a
// package for each platform. scripts/package/contents.json says what is in each.
// usage: package.mjs [--write] [NAME ...]
//   NAME      mlx-js, mlx-js-lm, linux-x64 ...; by default all that can be built here
//   --write   writes contents.json anew, to be looked at and committed
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, SetupError } from "./mlx.mjs";
import { check } from "./package/check.mjs";
import { licenseFiles } from "./package/licenses.mjs";
import { filesBelow, platforms, shortName } from "./package/platforms.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
export const output = join(root, "dist-packages");

/** @typedef {import("./package/platforms.mjs").Package} Package */

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/**
 * @param {string} folder
 * @param {string} path
 * @param {string} text
 */
function write(folder, path, text) {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** @param {unknown} value */
function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/**
 * What all manifests have.
 *
 * @param {string} name
 * @param {string} description
 */
function common(name, description) {
  const { version, keywords, license, engines } = manifest;
  return {
    ...{ name, version, description, keywords, license, engines },
    publishConfig: { access: "public", provenance: true },
  };
}

/**
 * @param {string} folder
 * @param {Package} platform
 */
function stagePlatform(folder, platform) {
  const { name, title, fits } = platform;
  const files = platform.files();
  for (const [path, source] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(source, join(folder, path));
    chmodSync(join(folder, path), 0o644);
  }
  for (const [path, text] of Object.entries(licenseFiles(name, Object.keys(files)))) {
    write(folder, join("licenses", path), text);
  }
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  write(
    folder,
    "README.md",
    `# ${name}\n\nThe native library of [mlx-js](https://www.npmjs.com/package/mlx-js) for ${title}. ` +
      `${platform.optional ? "npm installs it with mlx-js." : "mlx-js uses it where it is installed."}\n`,
  );
  // What is loaded, and the headers that kernels are compiled with.
  const pieces = Object.keys(files).filter((path) =>
    /\.(node|so[.\d]*|dylib|metallib)$/.test(path),
  );
  const prepare =
    "prepare.js" in files ? '\nexports.prepare = () => require("./prepare.js")();' : "";
  write(
    folder,
    "index.js",
    `"use strict";
// What mlx-js wants to know before it loads the first of these files.
exports.version = ${JSON.stringify(manifest.version)};
exports.folder = __dirname;
exports.files = ${JSON.stringify(pieces, null, 2)};${prepare}
`,
  );
  write(
    folder,
    "index.d.ts",
    `/** Of this package and of the mlx-js that it belongs to. */
export declare const version: string;
export declare const folder: string;
/** Relative to the folder; the addon comes first. */
export declare const files: readonly string[];
`,
  );
  write(
    folder,
    "package.json",
    json({
      ...common(name, `The native library of mlx-js for ${title}.`),
      ...fits,
      type: "commonjs",
      main: "./index.js",
      types: "./index.d.ts",
      // Yarn: the system loads these files by their paths.
      preferUnplugged: true,
      // zig links a C++ library of its own, and errors may not pass between that
      // and the system's: such an addon is looked at, and npm refuses to publish it.
      ...(fits.os.includes("darwin") && process.platform !== "darwin" ? { private: true } : {}),
      files: filesBelow(folder).filter((path) => !/^(README\.md|LICENSE)$/.test(path)),
    }),
  );
}

/** @param {string} folder */
function stageMain(folder) {
  const { type, main, types, exports, dependencies, description } = manifest;
  const built = filesBelow(join(root, "dist"))
    .filter((path) => /\.(js|mjs|d\.ts|d\.mts)$/.test(path))
    .map((path) => join("dist", path));
  for (const path of [...built, "README.md", "LICENSE", join("docs", "install.md")]) {
    const text = readFileSync(join(root, path), "utf8");
    // Maps point to sources that are not published.
    write(folder, path, text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  }
  const optional = platforms.filter(({ optional }) => optional);
  write(
    folder,
    "package.json",
    json({
      ...common("mlx-js", description),
      ...{ type, main, types, exports, dependencies },
      optionalDependencies: Object.fromEntries(
        optional.map(({ name }) => [name, manifest.version]),
      ),
      sideEffects: ["./dist/testing/*"],
      files: ["dist", "docs"],
      gypfile: false,
    }),
  );
}

/** @param {string} folder */
function stageLm(folder) {
  const source = join(root, "packages", "lm");
  const own = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const { name, description, keywords, type, exports, bin, files, dependencies } = own;
  const { peerDependencies, peerDependenciesMeta } = own;
  for (const path of filesBelow(join(source, "dist")).filter((path) =>
    /\.(js|d\.ts)$/.test(path),
  )) {
    const text = readFileSync(join(source, "dist", path), "utf8");
    write(folder, join("dist", path), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  }
  copyFileSync(join(source, "README.md"), join(folder, "README.md"));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  write(
    folder,
    "package.json",
    json({
      ...common(name, description),
      ...{ keywords, type, exports, bin, files, dependencies },
      peerDependencies: { ...peerDependencies, "mlx-js": manifest.version },
      peerDependenciesMeta,
    }),
  );
}

/**
 * Stages and packs one package.
 *
 * @param {string} name
 * @returns {string} the tarball
 */
export function pack(name) {
  const folder = join(output, "stage", shortName(name));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const platform = platforms.find((platform) => platform.name === name);
  if (platform !== undefined) {
    stagePlatform(folder, platform);
  } else if (name === "mlx-js-lm") {
    stageLm(folder);
  } else {
    stageMain(folder);
  }
  const args = ["pack", folder, "--json", "--ignore-scripts", "--pack-destination", output];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: output,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (error !== undefined || status !== 0) {
    throw new SetupError(`npm could not pack ${name}:\n${stderr ?? error}`);
  }
  const packed = JSON.parse(stdout);
  // npm 12 gives a record by names.
  const { filename } = Array.isArray(packed) ? packed[0] : packed[name];
  const tarball = join(output, `${shortName(name)}.tgz`);
  renameSync(join(output, filename.replace("@", "").replace("/", "-")), tarball);
  return tarball;
}

/** @param {string[]} args */
function main(args) {
  const names = args.filter((arg) => arg !== "--write");
  const all = ["mlx-js", "mlx-js-lm", ...platforms.map(({ name }) => name)];
  const chosen =
    names.length === 0 ? all : all.filter((name) => names.includes(name.replace("@mlx-js/", "")));
  if (names.length > chosen.length) {
    throw new SetupError(`usage: package.mjs [--write] [NAME ...], of ${all.join(", ")}`);
  }
  const tarballs = chosen.map((name) => ({ name, tarball: pack(name) }));
  const differences = check(tarballs, { write: args.includes("--write") });
  if (differences.length > 0) {
    throw new SetupError(
      `${differences.join("\n")}\nIf that is meant: npm run package -- --write, and commit it.`,
    );
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => main(process.argv.slice(2)));
}
