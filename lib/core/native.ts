/** Loads the addon. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Bindings } from "./bindings.js";

const root = join(__dirname, "..", "..");
const candidates = [
  join(root, "build", "Release", "mlx.node"),
  join(root, "build", "Debug", "mlx.node"),
];

function load(): Bindings {
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new Error(
      `mlx-js has no addon for ${process.platform}-${process.arch} ` +
        `(Node ${process.versions.node}): looked for ${candidates.join(", ")}. ` +
        "Build it with `npm run build:native`.",
    );
  }
  try {
    return require(path) as Bindings;
  } catch (cause) {
    throw new Error(
      `mlx-js could not load its addon for ${process.platform}-${process.arch} ` +
        `(Node ${process.versions.node}) from ${path}: ` +
        `${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Build it again with `npm run build:native`.",
      { cause },
    );
  }
}

export const native: Bindings = load();
