// What the site shows is complete: each file that exports something has a page,
// and each formula is of something that exists.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mx, nn, optim } from "mlx-js";
import { expect, test } from "vitest";
import { familyOf, groups } from "../site/families.mjs";
import { formulas } from "../site/formulas.mjs";
import { examples, groups as guideGroups } from "../site/guides.mjs";

const root = join(import.meta.dirname ?? __dirname, "..");

test("each file that an entry point exports from has a page", () => {
  const lost = ["core", "nn", "optimizers", "utils", "testing"].flatMap((entry) => {
    const text = readFileSync(join(root, "lib", entry, "index.ts"), "utf8");
    const files = [...text.matchAll(/^export[^;]*? from "\.\/(.*)\.js";/gm)];
    return files
      .map(([, file]) => `${entry}/${file}.ts`)
      .filter((file) => familyOf(file) === undefined);
  });
  expect(lost).toEqual([]);
  expect(familyOf("core/nowhere.ts")).toBe(undefined);
});

test("pages have names of their own", () => {
  const slugs = groups.flatMap(({ families }) => families.map(({ slug }) => slug));
  expect(new Set(slugs).size).toBe(slugs.length);
});

test("each formula is of a function or a class", () => {
  const roots: Record<string, unknown> = { mx, nn, optim };
  const lost = Object.keys(formulas).filter((name) => {
    const [first = "", ...path] = name.split(".");
    const value = path.reduce(
      (x, key) => (x === undefined ? x : Reflect.get(x as object, key)),
      roots[first],
    );
    return typeof value !== "function";
  });
  expect(lost).toEqual([]);
});

test("each guide in the sidebar exists, once", () => {
  const files = readdirSync(join(root, "docs"));
  const listed = guideGroups.flatMap(({ guides }) => guides);
  expect(listed.filter((name) => !files.includes(`${name}.md`))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
});

test("each example is in the gallery, and has a picture", () => {
  const folder = join(root, "examples");
  const folders = readdirSync(folder, { withFileTypes: true }).filter((x) => x.isDirectory());
  expect([...examples].sort()).toEqual(folders.map(({ name }) => name).sort());
  const bare = examples.filter((name) => {
    const readme = readFileSync(join(folder, name, "README.md"), "utf8");
    return !/^!\[[^\]]+\]\([^)]+\)/m.test(readme);
  });
  expect(bare).toEqual([]);
});
