/** The runtimes of test/runtimes, each as its platform's own package. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Runtime {
  name: string;
  path: string;
}

const folder = join(__dirname, "..", "runtimes");
const platform = `${process.platform}-${process.arch}`;
const names = ["node20", "node22", "node24", "node26", "bun"];

/** `MLX_TEST_RUNTIMES` names some of them, or is `none`: then the one that runs the tests. */
const wanted = process.env["MLX_TEST_RUNTIMES"]?.split(",") ?? names;

export const runtimes: Runtime[] = wanted.includes("none")
  ? [{ name: `node ${process.version}`, path: process.execPath }]
  : wanted.map((name) => ({
      name,
      path: join(packageFolder(name), "bin", name.startsWith("node") ? "node" : name),
    }));

function packageFolder(name: string): string {
  return join(folder, "node_modules", `${name}-${platform}`);
}

/** Why a runtime cannot be used, if so. */
function fault(name: string): string | undefined {
  const manifest = (path: string) => JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  const spec: string | undefined = manifest(folder).optionalDependencies[`${name}-${platform}`];
  if (spec === undefined) {
    return `there is no package of it for ${platform}`;
  }
  const version = spec.slice(spec.lastIndexOf("@") + 1);
  try {
    const found: string = manifest(packageFolder(name)).version;
    return found === version ? undefined : `it is ${found}, not ${version}`;
  } catch {
    return "it could not be fetched";
  }
}

/** Before all tests: installs what is not there, or not in the right version. */
export function setup(): void {
  if (wanted.includes("none") || !wanted.some(fault)) {
    return;
  }
  console.log("Installing the runtimes that the tests run on ...");
  const flags = ["--include=optional", "--ignore-scripts", "--no-audit", "--no-fund"];
  const { error } = spawnSync("npm", ["ci", ...flags], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const faults = wanted.flatMap((name) => {
    const why = fault(name);
    return why === undefined ? [] : [`  ${name}: ${why}`];
  });
  if (faults.length > 0) {
    const cause = error === undefined ? "" : `\n  npm: ${error.message}`;
    console.error(
      `Tests will fail, for lack of runtimes (npm ci in test/runtimes):\n${faults.join("\n")}${cause}\n` +
        "MLX_TEST_RUNTIMES=none npm test runs them on this Node alone.",
    );
  }
}
