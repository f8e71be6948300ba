import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const lib = join(import.meta.dirname ?? __dirname, "..", "lib");

/** The files that a file imports values from; imports of types vanish. */
function importsOf(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(lib, file), "utf8"), {
    languageVersion: ts.ScriptTarget.Latest,
  });
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) {
      return [];
    }
    const { moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) {
      return [];
    }
    const names = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : statement.exportClause;
    const onlyTypes = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : statement.isTypeOnly;
    const eachType =
      names !== undefined &&
      (ts.isNamedImports(names) || ts.isNamedExports(names)) &&
      names.elements.length > 0 &&
      names.elements.every(({ isTypeOnly }) => isTypeOnly);
    if (onlyTypes || eachType || !moduleSpecifier.text.startsWith(".")) {
      return [];
    }
    const path = posix.join(posix.dirname(file), moduleSpecifier.text);
    return [path.replace(/\.js$/, ".ts")];
  });
}

const files = readdirSync(lib, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

test("no file of lib imports itself by way of others", () => {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    expect(path.indexOf(file), [...path, file].join(" imports ")).toBe(-1);
    if (!done.has(file)) {
      for (const other of imports.get(file) ?? []) {
        expect(imports.has(other), `${file} imports ${other}`).toBe(true);
        visit(other, [...path, file]);
      }
      done.add(file);
    }
  };
  for (const file of files) {
    visit(file, []);
  }
  expect(done.size).toBe(files.length);
});

// What stands on what; CONTRIBUTING.md says it in words. The first that a path
// matches is its place, and it may import from the places that are named there.
const ground = ["native", "ground"];
const places: readonly (readonly [name: string, path: RegExp, from: readonly string[]])[] = [
  ["native", /^core\/call\/(native|wire|bindings)\.ts$/, ground],
  ["whole", /^core\/(index|array\/methods)\.ts$/, [...ground, "ops", "core", "whole"]],
  [
    "ground",
    /^core\/((call|array|lifetime)\/|(dtype|device|transforms\/(structure|tree))\.ts)/,
    ground,
  ],
  ["ops", /^core\/ops\//, [...ground, "ops"]],
  ["core", /^core\//, [...ground, "ops", "core"]],
  ["utils", /^utils\//, ["ground", "whole", "utils"]],
  ["nn", /^nn\//, ["ground", "whole", "utils", "nn"]],
  ["optimizers", /^optimizers\//, ["ground", "whole", "utils", "optimizers"]],
  ["testing", /^testing\//, ["ground", "ops", "core", "whole", "utils"]],
  ["options", /^options\//, ["ground"]],
  ["package", /^\w+\.ts$/, ["whole", "utils", "nn", "optimizers", "package"]],
];

function placeOf(file: string) {
  const place = places.find(([, path]) => path.test(file));
  if (place === undefined) {
    throw new Error(`lib/${file} has no place`);
  }
  return place;
}

test.each(files)("lib/%s imports from what is below it", (file) => {
  const [, , from] = placeOf(file);
  for (const other of imports.get(file) ?? []) {
    expect(from, `${file} imports ${other}`).toContain(placeOf(other)[0]);
  }
});

test("each file of layers has a test of its name", () => {
  const index = readFileSync(join(lib, "nn", "index.ts"), "utf8");
  const layers = [...index.matchAll(/^(?:export \*|\}) from "\.\/layers\/(.+)\.js"/gm)];
  const tests = readdirSync(join(lib, "..", "test", "nn", "layers"));
  expect(layers.length).toBeGreaterThan(10);
  for (const [, name] of layers) {
    expect(tests).toContain(`${name}.test.ts`);
  }
});
