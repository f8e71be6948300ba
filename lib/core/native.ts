/** Loads the addon. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Bindings } from "./bindings.js";

// From the built file.
const root = join(__dirname, "..");
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

/** How the addon says that a call failed: it never throws itself. */
export interface Failure {
  readonly failure: unknown;
}

export function isFailure(result: unknown): result is Failure {
  return typeof result === "object" && result !== null && "failure" in result;
}

// What makes arrays is left as it is: `make` and `makeAll` look at its result,
// and the path of most calls stays short.
function throwing(addon: Bindings): Bindings {
  const signatures = addon.signatures();
  const entries = Object.entries(addon).map(([name, value]: [string, unknown]) => {
    if (
      typeof value !== "function" ||
      /=> (Result|Slots)( \| undefined)?$/.test(signatures[name] ?? "")
    ) {
      return [name, value];
    }
    const checked = (...args: unknown[]) => {
      const result: unknown = value(...args);
      if (isFailure(result)) {
        throw result.failure;
      }
      return result;
    };
    return [name, checked];
  });
  return Object.fromEntries(entries) as Bindings;
}

export const native: Bindings = throwing(load());
