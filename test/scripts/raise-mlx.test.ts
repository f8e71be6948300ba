import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changes } from "../../scripts/raise-mlx.mjs";

const root = join(import.meta.dirname ?? __dirname, "..", "..");
const read = (...path: string[]) => readFileSync(join(root, ...path), "utf8");

test("the locks and test/upstream/api.json are of one version of MLX", () => {
  const locks = [
    read("scripts", "linux.lock"),
    read("scripts", "macos.lock"),
    read("reference", "requirements.txt"),
  ].join("\n");
  const versions = [...locks.matchAll(/^(mlx[\w-]*)==(\S+)/gm)].map(([, name, version]) => [
    name,
    version,
  ]);
  expect(versions.map(([name]) => name)).toEqual([
    "mlx-cpu",
    "mlx-metal",
    "mlx",
    "mlx-cpu",
    "mlx-metal",
  ]);
  expect(new Set(versions.map(([, version]) => version))).toEqual(
    new Set([JSON.parse(read("test", "upstream", "api.json")).mlx]),
  );
});

test("what changes between two versions", () => {
  const before = {
    "core.a": ["(x)"],
    "core.b": ["(x)", "(x, y)"],
    "core.c": "class",
    "core.d": "value",
  };
  const after = {
    "core.a": ["(x)"],
    "core.b": ["(x)", "(x, z)"],
    "core.c": "class",
    "core.e": ["()"],
  };
  expect(changes(before, after)).toEqual([
    "changed  core.b: (x) or (x, y) is now (x) or (x, z)",
    "removed  core.d",
    "new      core.e: ()",
  ]);
});

test.each([[], ["latest"], ["1.0; rm"]])(
  "without a version it changes nothing: %j",
  (...args: string[]) => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, "scripts", "raise-mlx.mjs"), ...args],
      {
        encoding: "utf8",
      },
    );
    expect(status).toBe(1);
    expect(stderr).toContain("usage: npm run raise-mlx -- VERSION");
  },
);
