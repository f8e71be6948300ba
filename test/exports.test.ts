// Users can name what they write and what they are given: the records that public
// declarations mention can be imported, too.
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const root = join(import.meta.dirname ?? __dirname, "..");

/** Interfaces that public declarations mention and nothing exports, and where they are mentioned first. */
function hidden(entries: readonly string[], folders: readonly string[]): Map<string, string> {
  const program = ts.createProgram([...entries], {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    skipLibCheck: true,
  });
  const checker = program.getTypeChecker();
  const resolved = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;

  const published = new Map<ts.Symbol, string>();
  const publish = (module: ts.Symbol) => {
    for (const found of checker.getExportsOfModule(module)) {
      const symbol = resolved(found);
      if (!published.has(symbol)) {
        published.set(symbol, found.name);
        if (symbol.flags & ts.SymbolFlags.ValueModule) {
          publish(symbol);
        }
      }
    }
  };
  for (const entry of entries) {
    publish(
      checker.getSymbolAtLocation(program.getSourceFile(entry) as ts.SourceFile) as ts.Symbol,
    );
  }

  const isOurs = (node: ts.Node) =>
    folders.some((folder) => node.getSourceFile().fileName.startsWith(folder));
  const names = new Set(published.values());
  const lost = new Map<string, string>();
  const visit = (node: ts.Node, place: string): void => {
    // What a class extends is no type that one writes.
    if (ts.isHeritageClause(node)) {
      return;
    }
    const name = ts.isTypeReferenceNode(node)
      ? node.typeName
      : ts.isImportTypeNode(node)
        ? node.qualifier
        : undefined;
    const found = name && checker.getSymbolAtLocation(name);
    if (name !== undefined && found !== undefined) {
      const symbol = resolved(found);
      const own = symbol.declarations?.some((x) => isOurs(x) && ts.isInterfaceDeclaration(x));
      // `array` is exported as a type that has another one's name.
      if (own && !published.has(symbol) && !names.has(symbol.name)) {
        lost.set(symbol.name, place);
      }
    }
    ts.forEachChild(node, (child) => visit(child, place));
  };
  for (const [symbol, name] of published) {
    for (const declaration of symbol.declarations ?? []) {
      if (isOurs(declaration) && !ts.isSourceFile(declaration)) {
        visit(declaration, name);
      }
    }
  }
  expect(published.size).toBeGreaterThan(50);
  return lost;
}

const dist = (path: string) => join(root, path, "index.d.ts");
const parts = ["", "/core", "/nn", "/optimizers", "/utils", "/testing"];
const library = parts.map((part) => dist(`dist${part}`));

test("public declarations mention only records that are exported", () => {
  expect([...hidden(library, [join(root, "dist/")])]).toEqual([]);
});

test("so do those of mlx-js-lm", () => {
  expect([...hidden([dist("packages/lm/dist")], [join(root, "packages/lm/dist/")])]).toEqual([]);
});
