import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";
import ts from "typescript";
import { expect, test } from "vitest";
import { placeOf } from "../scripts/parity/calls.mjs";
import { upstream } from "../scripts/parity.mjs";

const root = join(import.meta.dirname ?? __dirname, "..");
const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(fileNames, options);
const checker = program.getTypeChecker();

/** What each declaration that users reach is called in errors: `sum`, `random.normal`. */
const published = new Map<ts.Node, string[]>();

function publish(module: ts.Symbol, prefix: string): void {
  for (const found of checker.getExportsOfModule(module)) {
    const alias = found.flags & ts.SymbolFlags.Alias;
    const symbol = alias ? checker.getAliasedSymbol(found) : found;
    if (symbol.flags & ts.SymbolFlags.ValueModule) {
      publish(symbol, `${prefix}${found.name}.`);
      continue;
    }
    for (const declaration of symbol.declarations ?? []) {
      const names = published.get(declaration) ?? [];
      published.set(declaration, [...names, `${prefix}${found.name}`]);
    }
  }
}

for (const part of ["core", "nn", "optimizers", "utils"]) {
  const file = program.getSourceFile(join(root, "lib", part, "index.ts")) as ts.SourceFile;
  publish(checker.getSymbolAtLocation(file) as ts.Symbol, "");
}

// What users call to get objects of these classes.
const makers: Record<string, string> = {
  ArrayAt: "at",
  ArrayIterator: "iterator",
  StreamContext: "stream",
};

/**
 * What may stand for a function in its errors: its name; `Class` in a
 * constructor; `method` or `Class.method` in a method.
 */
function namesOf(node: ts.Node): readonly string[] | undefined {
  if (ts.isFunctionDeclaration(node)) {
    return published.get(node);
  }
  const classes = published.get(node.parent)?.map((name) => makers[name] ?? name);
  if (classes === undefined || !ts.isClassElement(node)) {
    return undefined;
  }
  const method = node.name?.getText();
  return method === undefined || ts.isPropertyDeclaration(node)
    ? classes
    : [method, ...classes, ...classes.map((name) => `${name}.${method}`)];
}

test("what functions call themselves in errors is their name", () => {
  let count = 0;
  // How often a function writes its name out: from three times on, `const fn` says it once.
  const times = new Map<readonly string[], number>();
  for (const file of program.getSourceFiles()) {
    const check = (name: ts.Expression | undefined, names: readonly string[] | undefined): void => {
      if (names !== undefined && name !== undefined && ts.isStringLiteral(name)) {
        const { line } = file.getLineAndCharacterOfPosition(name.getStart());
        const place = `${file.fileName}:${line + 1}`;
        expect(names, place).toContain(name.text);
        times.set(names, (times.get(names) ?? 0) + 1);
        expect(times.get(names), `${place}: write const fn = "${name.text}"`).toBeLessThan(3);
        count++;
      }
    };
    const visit = (node: ts.Node, around: readonly string[] | undefined): void => {
      const names = namesOf(node) ?? around;
      if (names !== undefined && ts.isParameter(node) && node.name.getText() === "fn") {
        times.set(names, Number.NEGATIVE_INFINITY); // users know its parameter by that name
      }
      if (ts.isCallExpression(node) && names !== undefined) {
        const parameters = checker.getResolvedSignature(node)?.getParameters() ?? [];
        node.arguments.forEach((argument, i) => {
          if (parameters[i]?.name === "fn") {
            check(argument, names);
          }
        });
      } else if (ts.isVariableDeclaration(node) && node.name.getText() === "fn") {
        check(node.initializer, names);
      }
      ts.forEachChild(node, (child) => visit(child, names));
    };
    if (file.fileName.startsWith(join(root, "lib"))) {
      visit(file, undefined);
    }
  }
  expect(count).toBeGreaterThan(300);
});

// What JavaScript adds. All else that can be reached has a name of MLX's.
const additions = {
  mx: "FormatError Owner Slice dispose keep memory pipeline report setTracebacks tidy".split(" "),
  nn: [],
  optim: [],
  utils: [],
};

test.each(Object.entries({ mx, nn, optim, utils }))(
  "nothing of %s is public by accident",
  (part, all) => {
    const places = Object.keys(upstream.api).map((name) => placeOf(name, upstream.api).path);
    const theirs = places.map(([root, name]) => (root === part ? name : ""));
    const ours = Object.keys(all).filter((name) => !theirs.includes(name));
    expect(ours.sort()).toEqual(additions[part as keyof typeof additions]);
  },
);
