// Derives lib/core/array/operations.ts, what TypeScript knows of an array's
// operations: for each entry of the table in methods.ts the function's signatures
// and its text, both without the first parameter, which is the array.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const folder = fileURLToPath(new URL("../lib/core/array/", import.meta.url));
const table = join(folder, "methods.ts");
export const target = join(folder, "operations.ts");

/**
 * @typedef {object} Source
 * @property {string} path
 * @property {ts.SourceFile} file
 * @property {Map<string, { path: string, name: string }>} imports where a name comes from
 */

/** @type {Map<string, Source>} */
const sources = new Map();

/** @param {string} path @returns {Source} */
function sourceOf(path) {
  const known = sources.get(path);
  if (known !== undefined) {
    return known;
  }
  const text = readFileSync(path, "utf8");
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  /** @type {Source["imports"]} */
  const imports = new Map();
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier)) {
      continue;
    }
    const from = join(dirname(path), statement.moduleSpecifier.text.replace(/\.js$/, ".ts"));
    const names = statement.importClause?.namedBindings;
    if (names !== undefined && ts.isNamespaceImport(names)) {
      imports.set(names.name.text, { path: from, name: "*" });
    }
    for (const element of names !== undefined && ts.isNamedImports(names) ? names.elements : []) {
      const name = (element.propertyName ?? element.name).text;
      imports.set(element.name.text, { path: from, name });
    }
  }
  const source = { path, file, imports };
  sources.set(path, source);
  return source;
}

/**
 * The declarations of an exported function that callers see: its overloads, if it has any.
 *
 * @param {Source} source @param {string} exported @returns {ts.FunctionDeclaration[]}
 */
function signaturesOf({ path, file }, exported) {
  let local = exported;
  for (const statement of file.statements) {
    const names = ts.isExportDeclaration(statement) ? statement.exportClause : undefined;
    for (const element of names !== undefined && ts.isNamedExports(names) ? names.elements : []) {
      if (element.name.text === exported) {
        local = (element.propertyName ?? element.name).text;
      }
    }
  }
  const all = file.statements
    .filter(ts.isFunctionDeclaration)
    .filter(({ name }) => name?.text === local);
  if (all.length === 0) {
    throw new Error(`${relative(folder, path)} has no function ${exported}`);
  }
  const overloads = all.filter(({ body }) => body === undefined);
  return overloads.length > 0 ? overloads : all;
}

/**
 * An example of a function as one of the method: `mx.sum(x, 0)` becomes `x.sum(0)`
 * where `x` is an array for certain.
 *
 * @param {string} code @param {string} name
 */
function asMethod(code, name) {
  const file = ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true);
  /** @type {{ start: number, end: number, text: string }[]} */
  const edits = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isCallExpression(node) && node.expression.getText() === `mx.${name}`) {
      const [first, ...rest] = node.arguments;
      const isArray =
        first !== undefined &&
        (ts.isIdentifier(first) ||
          (ts.isCallExpression(first) && first.expression.getText().startsWith("mx.")));
      if (isArray) {
        const passed = rest.map((argument) => argument.getText()).join(", ");
        const text = `${first.getText()}.${name}(${passed})`;
        edits.push({ start: node.getStart(), end: node.getEnd(), text });
        return;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits.reduceRight(
    (text, { start, end, text: edit }) => text.slice(0, start) + edit + text.slice(end),
    code,
  );
}

/**
 * A function's comment as that of the method.
 *
 * @param {ts.FunctionDeclaration} declaration @param {string} name
 */
function commentOf(declaration, name) {
  const comment = ts.getJSDocCommentsAndTags(declaration).find(ts.isJSDoc)?.getText();
  if (comment === undefined) {
    throw new Error(`${name} has no comment`);
  }
  const body = comment.replace(/^\/\*\*|\*\/$/g, "").replace(/^[ \t]*\* ?/gm, "");
  const first = declaration.parameters[0]?.name.getText();
  const parts = body
    .trim()
    .split(/^(?=@)/m)
    .filter((part) => !new RegExp(`^@param ${first}\\b`).test(part))
    .map((part) => (part.startsWith("@example") ? asMethod(part, name) : part));
  const lines = parts.join("").trimEnd().split("\n");
  return lines.length === 1
    ? `    /** ${lines[0]} */`
    : `    /**\n${lines.map((line) => `     * ${line}`.trimEnd()).join("\n")}\n     */`;
}

/** @typedef {Map<string, Set<string>>} Imports the types that are named, by file */

/**
 * Notes where the types come from that a signature names.
 *
 * @param {ts.Node} node @param {Source} source @param {Imports} imports
 */
function noteTypes(node, source, imports) {
  if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) {
    const name = node.typeName.text;
    const isLocal = source.file.statements.some(
      (statement) =>
        (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) &&
        statement.name.text === name,
    );
    const from = isLocal ? { path: source.path, name } : source.imports.get(name);
    if (from !== undefined && from.name === name) {
      const path = from.path.replace(/\.ts$/, ".js");
      const names = imports.get(path) ?? new Set();
      imports.set(path, names.add(name));
    }
  }
  ts.forEachChild(node, (child) => noteTypes(child, source, imports));
}

/**
 * The members that one entry of the table makes.
 *
 * @param {string} name @param {ts.Expression} value @param {Imports} imports
 * @returns {string[]}
 */
function members(name, value, imports) {
  // `variadic(f)` takes a list also as so many arguments.
  const isVariadic = ts.isCallExpression(value);
  const operation = isVariadic ? value.arguments[0] : value;
  if (operation === undefined || !ts.isPropertyAccessExpression(operation)) {
    throw new Error(`methods.ts, ${name}: expected a function of a family`);
  }
  const family = sourceOf(table).imports.get(operation.expression.getText());
  if (family === undefined) {
    throw new Error(`methods.ts, ${name}: its family is not imported`);
  }
  const source = sourceOf(family.path);
  return signaturesOf(source, operation.name.text).flatMap((declaration) => {
    const comment = commentOf(declaration, name);
    const [, ...parameters] = declaration.parameters;
    const types = declaration.typeParameters?.map((type) => type.getText()).join(", ");
    for (const part of [...parameters, declaration.type]) {
      if (part !== undefined) {
        noteTypes(part, source, imports);
      }
    }
    const result = declaration.type?.getText();
    const taken = parameters.map((parameter) => {
      const isOptional = parameter.questionToken !== undefined || parameter.initializer;
      const rest = parameter.dotDotDotToken === undefined ? "" : "...";
      // A parameter without a type has a default, and is a number.
      const type = parameter.type?.getText() ?? "number";
      return `${rest}${parameter.name.getText()}${isOptional ? "?" : ""}: ${type}`;
    });
    const all = [`${taken.join(", ")}`];
    if (isVariadic) {
      all.push(`...${parameters[0]?.name.getText()}: number[]`);
    }
    const generics = types === undefined ? "" : `<${types}>`;
    return all.map((list) => `${comment}\n    ${name}${generics}(${list}): ${result};`);
  });
}

/** @returns {string} the text of lib/core/array/operations.ts */
export function operations() {
  /** @type {ts.ObjectLiteralExpression | undefined} */
  let entries;
  ts.forEachChild(sourceOf(table).file, function find(node) {
    if (
      ts.isVariableDeclaration(node) &&
      node.name.getText() === "operations" &&
      node.initializer !== undefined &&
      ts.isObjectLiteralExpression(node.initializer)
    ) {
      entries = node.initializer;
    }
    ts.forEachChild(node, find);
  });
  if (entries === undefined) {
    throw new Error("methods.ts has no table of operations");
  }
  /** @type {Imports} */
  const imports = new Map();
  const all = entries.properties.flatMap((property) => {
    if (!ts.isPropertyAssignment(property)) {
      throw new Error(`methods.ts: expected name: function, received ${property.getText()}`);
    }
    return members(property.name.getText(), property.initializer, imports);
  });
  imports.delete(join(folder, "array.js"));
  const lines = [...imports].sort().map(([path, names]) => {
    const from = relative(folder, path).replaceAll("\\", "/");
    return `import type { ${[...names].sort().join(", ")} } from "${from.startsWith(".") ? from : `./${from}`}";`;
  });
  return [
    "// Derived from the functions by scripts/methods.mjs; not edited by hand.",
    ...lines,
    "",
    'declare module "./array.js" {',
    "  interface array {",
    all.join("\n"),
    "  }",
    "}",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, operations());
}
