import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bindings, target } from "../scripts/bindings.mjs";

test("lib/core/call/bindings.ts is what the addon says of itself", () => {
  expect(readFileSync(target, "utf8")).toBe(bindings());
});

test("native/README.md has every file", () => {
  const native = join(import.meta.dirname ?? __dirname, "..", "native");
  const files = readdirSync(native, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => /\.(h|cpp)$/.test(file));
  // A cell such as `bind.h`, `.cpp` has two; `ops/*.cpp` and `exported/` have all of a folder.
  const cells = readFileSync(join(native, "README.md"), "utf8").match(/^\| `[^|]*/gm) ?? [];
  const named = cells.flatMap((cell) => {
    let stem = "";
    return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => {
      stem = name.startsWith(".") ? stem : name.replace(/\.\w+$/, "");
      return name.startsWith(".") ? stem + name : name;
    });
  });
  const isNamed = (file: string) =>
    named.some((name) =>
      name.endsWith("/") || name.includes("*")
        ? file.startsWith(name.replace(/\*.*/, ""))
        : file === name,
    );
  expect(files.filter((file) => !isNamed(file))).toEqual([]);
  const gone = named.filter((name) => /\.(h|cpp)$/.test(name) && !name.includes("*"));
  expect(gone.filter((name) => !files.includes(name))).toEqual([]);
});
