// That each package names what it holds of others. The lists of what is in them are those of
// scripts/package/contents.json, which are compared with the packages where these are made.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { components, heldBy, unclaimed, unnamed } from "../scripts/package/licenses.mjs";
import { platforms } from "../scripts/package/platforms.mjs";

const scripts = join(__dirname, "..", "scripts");
const contents = JSON.parse(readFileSync(join(scripts, "package", "contents.json"), "utf8"));

interface Content {
  files: string[];
  binaries: Record<string, { parts?: string[] }>;
}

const packages = platforms.map(({ name }) => ({ name, ...(contents[name] as Content) }));
const [{ name, files, binaries } = { name: "", files: [], binaries: {} }] = packages;

test.each(packages)("$name", ({ name, files, binaries }) => {
  expect(unclaimed(name, files, binaries)).toEqual([]);
});

test("each component is in a package, and each text belongs to one", () => {
  const held = packages.flatMap(({ name, files }) => heldBy(name, files));
  expect(components.filter((component) => !held.includes(component))).toEqual([]);
  const texts = readdirSync(join(scripts, "licenses")).filter((file) => file.endsWith(".txt"));
  const licenses = components.flatMap(({ licenses }) => licenses.map((name) => `${name}.txt`));
  expect(texts.filter((text) => !licenses.includes(text))).toEqual([]);
});

describe("is told", () => {
  const library = "mlx/lib/libmlx.so";

  test.each(["mlx/lib/libnew.so", "mlx_cpu.libs/libnew-12.so", "mlx/include/new/**/*.h", "new.js"])(
    "a new file, %s",
    (file) => {
      expect(unclaimed(name, [...files, file], binaries)).toEqual([
        `${name}: scripts/licenses/components.json says of nothing that it is in ${file}`,
      ]);
    },
  );

  test.each(["boost::", "zlib*"])("a library that is compiled in, %s", (part) => {
    const parts = [...(binaries[library]?.parts ?? []), part];
    expect(unclaimed(name, files, { ...binaries, [library]: { parts } })).toEqual([
      `${name} ${library}: scripts/licenses/components.json does not say whose ${part} is`,
    ]);
  });

  test("a library that is compiled in no longer", () => {
    const parts = binaries[library]?.parts?.filter((part) => part !== "fmt::") ?? [];
    expect(unclaimed(name, files, { ...binaries, [library]: { parts } })).toEqual([
      expect.stringMatching(/nothing is there of \{fmt\}/),
    ]);
  });

  test("a license without its text, and a text without a license", () => {
    const without = files.filter((file) => file !== "licenses/LAPACK.txt");
    expect(unclaimed(name, [...without, "licenses/Other.txt"], binaries)).toEqual([
      `${name}: licenses/LAPACK.txt is not there`,
      `${name}: nothing is under licenses/Other.txt`,
    ]);
  });

  test("a header of somebody who is not named", () => {
    const folder = mkdtempSync(join(tmpdir(), "mlx-js-headers-"));
    const header = "mlx/include/mlx/new.h";
    mkdirSync(join(folder, "mlx", "include", "mlx"), { recursive: true });
    writeFileSync(
      join(folder, header),
      [
        "// Copyright © 2025 Apple Inc.",
        "// Copyright (c) 2012 Jakob Progsch, Václav Zeman",
        " * Copyright (C) 2003, 2007-14 Matteo Frigo",
        "// Copyright 2020-2022, Somebody and others",
        "//       Copyright (2022) Elsewhere, LLC",
        "// Copyright (c) Anyone. All rights reserved.",
        "// THE COPYRIGHT HOLDERS OR CONTRIBUTORS BE LIABLE; the above copyright notice",
      ].join("\n"),
    );
    expect(unnamed(name, folder, [header, library])).toEqual(
      ["Somebody", "Elsewhere", "Anyone"].map(
        (holder) => `${name} ${header}: no component has a copyright of ${holder}`,
      ),
    );
    rmSync(folder, { recursive: true });
  });
});
