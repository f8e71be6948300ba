// Publishes what `npm run package` made: the platforms' packages first, since
// mlx-js names their exact versions, and mlx-js-lm after it. What the registry has already is passed
// over, so that a run that was interrupted can be repeated.
// usage: publish.mjs [--yes] [options of npm publish: --tag next, --registry URL]
//   Without --yes it says what it would do.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runScript, SetupError } from "./mlx.mjs";
import { platforms, shortName } from "./package/platforms.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** @param {string[]} args */
function npm(args) {
  return spawnSync("npm", args, { cwd: root, encoding: "utf8" });
}

/** @param {string[]} args */
function main(args) {
  const yes = args.includes("--yes");
  const options = args.filter((arg) => arg !== "--yes");
  const at = options.indexOf("--registry");
  const registry = at < 0 ? [] : options.slice(at, at + 2);
  const names = [...platforms.map(({ name }) => name), "mlx-js", "mlx-js-lm"];
  const tarballs = names.map((name) => ({
    name,
    path: join(root, "dist-packages", `${shortName(name)}.tgz`),
  }));
  const missing = tarballs.filter(({ path }) => !existsSync(path));
  if (missing.length > 0) {
    const list = missing.map(({ name }) => name).join(", ");
    throw new SetupError(`There is no tarball of ${list}. Run npm run package.`);
  }
  const unfit = names.filter((name) => {
    const manifest = join(root, "dist-packages", "stage", shortName(name), "package.json");
    return JSON.parse(readFileSync(manifest, "utf8")).private === true;
  });
  if (unfit.length > 0) {
    const text = `${unfit.join(", ")}: made by a cross-compiler, to be looked at only. Make them on a Mac.`;
    if (yes) {
      throw new SetupError(text);
    }
    console.log(text);
  }
  for (const { name, path } of tarballs) {
    const { stdout } = npm(["view", `${name}@${version}`, "version", ...registry]);
    if (stdout.trim() === version) {
      console.log(`${name}@${version} is published already`);
      continue;
    }
    console.log(`${yes ? "publishing" : "would publish"} ${name}@${version}`);
    if (yes) {
      const { status, stderr } = npm(["publish", path, "--ignore-scripts", ...options]);
      if (status !== 0) {
        throw new SetupError(`${name} was not published, nor what comes after it:\n${stderr}`);
      }
    }
  }
}

await runScript(() => main(process.argv.slice(2)));
