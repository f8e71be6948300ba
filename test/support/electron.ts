/** What test/electron names: Electron's types, its archives, and what drives a browser. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const tools = join(__dirname, "..", "electron");
export const requireTool = createRequire(join(tools, "package.json"));

const versionOf = (name: string): string | undefined => {
  try {
    const path = join(tools, "node_modules", name, "package.json");
    return JSON.parse(readFileSync(path, "utf8")).version;
  } catch {
    return undefined;
  }
};

/** Before all tests: installs what is not there, or not in the right version. */
export function setup(): void {
  const { dependencies } = JSON.parse(readFileSync(join(tools, "package.json"), "utf8"));
  const isWrong = ([name, version]: [string, unknown]) => versionOf(name) !== version;
  if (Object.entries(dependencies).some(isWrong)) {
    console.log("Installing what the tests of the app for Electron need ...");
    const flags = [
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
      "--loglevel=error",
    ];
    spawnSync("npm", ["ci", ...flags], { cwd: tools, stdio: ["ignore", "inherit", "inherit"] });
    if (Object.entries(dependencies).some(isWrong)) {
      console.error("Tests of Electron will fail: npm ci failed in test/electron.");
    }
  }
}
