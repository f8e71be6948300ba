// What the package offers, read from lib/ by TypeScript: names and calls from the
// types, options and their defaults from the tables that calls are read with.
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** @typedef {import("./calls.mjs").Call} Call */
/** @typedef {import("./calls.mjs").Parameter} Parameter */
/** @typedef {Map<string, string>} Values what identifiers or options stand for */

const root = fileURLToPath(new URL("../..", import.meta.url));
const lib = join(root, "lib");

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const lm = join(root, "packages", "lm", "src");
const program = ts.createProgram([...fileNames, join(lm, "index.ts")], {
  ...options,
  // What stands in packages/lm is read beside lib itself, and not beside what is built of it.
  paths: { "mlx-js": [join(lib, "index.ts")], "mlx-js/*": [join(lib, "*", "index.ts")] },
});
const checker = program.getTypeChecker();

/** @param {ts.Symbol} symbol */
function resolved(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** @param {ts.Symbol} symbol */
function exportsOf(symbol) {
  return new Map(checker.getExportsOfModule(symbol).map((x) => [x.name, resolved(x)]));
}

const index = /** @type {ts.SourceFile} */ (program.getSourceFile(join(lib, "index.ts")));
const top = exportsOf(/** @type {ts.Symbol} */ (checker.getSymbolAtLocation(index)));

/**
 * @param {readonly string[]} path
 * @returns {ts.Symbol | undefined}
 */
function find(path) {
  /** @type {ts.Symbol | undefined} */
  let symbol;
  let names = top;
  for (const name of path) {
    symbol = names.get(name);
    // Types alone are nothing to call.
    if (
      symbol === undefined ||
      !(symbol.flags & (ts.SymbolFlags.Value | ts.SymbolFlags.ValueModule))
    ) {
      return undefined;
    }
    names = symbol.flags & ts.SymbolFlags.ValueModule ? exportsOf(symbol) : new Map();
  }
  return symbol;
}

// Defaults.

/**
 * A value that stands in the source, as JSON or as a name.
 *
 * @param {ts.Expression | undefined} node
 * @returns {string | undefined}
 */
function constant(node) {
  if (node === undefined) {
    return undefined;
  }
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) {
    return constant(node.expression);
  }
  if (ts.isNumericLiteral(node)) {
    return String(Number(node.text));
  }
  if (ts.isStringLiteral(node)) {
    return JSON.stringify(node.text);
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = constant(node.operand);
    return value === undefined ? undefined : `-${value}`;
  }
  if (ts.isArrayLiteralExpression(node)) {
    const all = node.elements.map(constant);
    return all.includes(undefined) ? undefined : `[${all.join(", ")}]`;
  }
  if (ts.isPropertyAccessExpression(node)) {
    return /^(mx|dtype)$/.test(node.expression.getText()) ? node.name.text : undefined;
  }
  if (ts.isIdentifier(node)) {
    const value = initializerOf(node);
    // A dtype is called what it is called in Python.
    return (
      (value === node ? undefined : constant(value)) ?? /^(b?float|u?int)\d+$/.exec(node.text)?.[0]
    );
  }
  const words = new Map([
    [ts.SyntaxKind.TrueKeyword, "true"],
    [ts.SyntaxKind.FalseKeyword, "false"],
    [ts.SyntaxKind.NullKeyword, "null"],
  ]);
  return words.get(node.kind);
}

// Tables of options.

/**
 * @typedef {object} OptionTable a call of `optionsOf`
 * @property {string} name what the function is called in errors
 * @property {string} folder where it stands: `core`, `nn` … `lm`
 * @property {ts.Type | undefined} type that of the options
 * @property {Values} defaults of each option, by its name; "" for none
 * @property {Map<string, string>} texts of the options in their interface
 * @property {Map<string, Set<string>>} types what `typeof` says of each option's values, or "null" or "list"
 */

/**
 * What an identifier stands for.
 *
 * @param {ts.Expression | undefined} node
 * @returns {ts.Expression | undefined}
 */
function initializerOf(node) {
  if (node === undefined || !ts.isIdentifier(node)) {
    return node;
  }
  const symbol = checker.getSymbolAtLocation(node);
  const shorthand =
    symbol && checker.getShorthandAssignmentValueSymbol(symbol.valueDeclaration ?? node);
  const declaration = (shorthand ?? symbol)?.valueDeclaration;
  return declaration && ts.isVariableDeclaration(declaration)
    ? initializerOf(declaration.initializer)
    : undefined;
}

/**
 * The default in a kind of options: `number(1)`, `oneOf([…], "none")`.
 *
 * @param {ts.Expression | undefined} node
 * @returns {string}
 */
function fallbackIn(node) {
  const kind = initializerOf(node);
  if (kind === undefined || !ts.isCallExpression(kind)) {
    return "";
  }
  const parameters = checker.getResolvedSignature(kind)?.parameters ?? [];
  const fallback = kind.arguments[parameters.findIndex((x) => x.name === "fallback")];
  return (
    constant(fallback) ??
    (fallback && functionIn(fallback)) ??
    // A kind of a kind, as `nullable(number(1))`.
    kind.arguments.map(fallbackIn).find((x) => x !== "") ??
    ""
  );
}

/**
 * A function of another file, which is called what it is called in Python.
 *
 * @param {ts.Expression} node
 */
function functionIn(node) {
  const symbol = checker.getSymbolAtLocation(node);
  const imported =
    symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : undefined;
  return imported && imported.flags & ts.SymbolFlags.Function ? imported.name : undefined;
}

/**
 * A part of a table, which may stand in another file.
 *
 * @param {ts.Expression} node
 * @returns {ts.Expression | undefined}
 */
function tableIn(node) {
  const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined;
  const declaration = symbol && resolved(symbol).valueDeclaration;
  return declaration && ts.isVariableDeclaration(declaration) ? declaration.initializer : node;
}

/**
 * @param {ts.Expression | undefined} node
 * @returns {Values}
 */
function optionsIn(node) {
  const table = initializerOf(node);
  /** @type {Values} */
  const out = new Map();
  for (const member of table && ts.isObjectLiteralExpression(table) ? table.properties : []) {
    if (ts.isSpreadAssignment(member)) {
      for (const [name, value] of optionsIn(tableIn(member.expression))) {
        out.set(name, value);
      }
    } else if (ts.isPropertyAssignment(member)) {
      out.set(member.name.getText(), fallbackIn(member.initializer));
    } else if (ts.isShorthandPropertyAssignment(member)) {
      out.set(member.name.text, fallbackIn(member.name));
    }
  }
  return out;
}

/** @param {ts.Symbol} option */
function typesOf(option) {
  const type = checker.getTypeOfSymbol(option);
  return new Set(
    (type.isUnion() ? type.types : [type]).map((x) => {
      if (x.flags & ts.TypeFlags.NumberLike) {
        return "number";
      }
      if (x.flags & ts.TypeFlags.StringLike) {
        return "string";
      }
      if (x.flags & ts.TypeFlags.BigIntLike) {
        return "bigint";
      }
      if (x.flags & ts.TypeFlags.BooleanLike) {
        return "boolean";
      }
      if (x.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined)) {
        return x.flags & ts.TypeFlags.Null ? "null" : "undefined";
      }
      if (checker.isArrayLikeType(x)) {
        return "list";
      }
      return x.getCallSignatures().length > 0 ? "function" : "object";
    }),
  );
}

/** @param {string} file */
function folderOf(file) {
  const name = relative(lib, file).split(sep)[0] ?? "";
  return name === ".." ? "lm" : name;
}

/** @type {OptionTable[]} */
export const tables = [];

/**
 * The defaults of parameters that have a text of their own.
 *
 * @type {{ name: string, value: string, text: string }[]}
 */
export const parameters = [];

/** @param {ts.Node} node */
function collect(node) {
  if (
    ts.isCallExpression(node) &&
    ts.isCallExpression(node.expression) &&
    /^(optionsOf|opOptions)$/.test(node.expression.expression.getText()) &&
    // What `opOptions` itself is made of has no name.
    node.arguments[0]?.getText() !== "name"
  ) {
    const [name, table] = node.arguments;
    const [type] = node.expression.typeArguments ?? [];
    const options = type && checker.getTypeFromTypeNode(type);
    const isOp = node.expression.expression.getText() === "opOptions";
    tables.push({
      name: name && ts.isStringLiteral(name) ? name.text : "",
      folder: folderOf(node.getSourceFile().fileName),
      type: options,
      defaults: isOp ? optionsIn(table).set("stream", "") : optionsIn(table),
      texts: new Map(
        options &&
          checker
            .getPropertiesOfType(options)
            .map((x) => [x.name, ts.displayPartsToString(x.getDocumentationComment(checker))]),
      ),
      types: new Map(
        options && checker.getPropertiesOfType(options).map((x) => [x.name, typesOf(x)]),
      ),
    });
  }
  if (ts.isFunctionDeclaration(node)) {
    for (const { name, initializer } of node.parameters) {
      const value = constant(initializer);
      const symbol = checker.getSymbolAtLocation(name);
      const text = ts.displayPartsToString(symbol?.getDocumentationComment(checker));
      if (value !== undefined && text !== "") {
        parameters.push({ name: `${node.name?.text}.${name.getText()}`, value, text });
      }
    }
  }
  ts.forEachChild(node, collect);
}

for (const file of program.getSourceFiles()) {
  if (file.fileName.startsWith(lib) || file.fileName.startsWith(lm)) {
    collect(file);
  }
}

/**
 * The table of a function's options: that of their interface or, where several
 * functions have the same one or it has no name, the function's own.
 *
 * @param {ts.Type} type
 * @param {string} fn
 */
function tableOf(type, fn) {
  const types = type.isIntersection() ? type.types : [type];
  /** @param {(table: OptionTable) => boolean} fits */
  const only = (fits) => {
    const found = tables.filter(fits);
    return found.length === 1 ? found[0] : found.find(({ name }) => name === fn);
  };
  return (
    only((table) => table.type === type) ??
    only((table) => types.some((x) => x.symbol === table.type?.symbol)) ??
    only(({ name }) => name === fn)
  );
}

// Calls.

/**
 * The defaults of a function's parameters, which stand where it has its body.
 *
 * @param {ts.Signature} signature
 * @returns {Map<string, ts.Expression | undefined>}
 */
function initializersOf({ declaration }) {
  // An array's method is the function of its name.
  const symbol =
    declaration !== undefined && ts.isMethodSignature(declaration)
      ? find(["mx", declaration.name.getText()])
      : declaration && /** @type {{ symbol?: ts.Symbol }} */ (declaration).symbol;
  return new Map(
    symbol?.declarations?.flatMap((x) =>
      ts.isFunctionLike(x)
        ? x.parameters.flatMap(({ name, initializer }) =>
            initializer ? [/** @type {const} */ ([name.getText(), initializer])] : [],
          )
        : [],
    ),
  );
}

/**
 * @param {ts.Signature} signature
 * @param {string} fn what it is called in errors
 * @returns {Call}
 */
function callOf(signature, fn) {
  const initializers = initializersOf(signature);
  const parameters = signature.parameters.map((symbol) => {
    const node = /** @type {ts.ParameterDeclaration | undefined} */ (symbol.valueDeclaration);
    return {
      symbol,
      optional: node !== undefined && checker.isOptionalParameter(node),
      rest: node?.dotDotDotToken !== undefined,
    };
  });
  const record = parameters.at(-1)?.symbol.name === "options" ? parameters.pop() : undefined;
  const type = record && checker.getNonNullableType(checker.getTypeOfSymbol(record.symbol));
  const table = type && tableOf(type, fn);
  return {
    positional: parameters.map(({ symbol: { name }, optional }) => ({
      // An underscore says that it is not used.
      name: name.replace(/^_/, ""),
      optional,
      value: optional ? constant(initializers.get(name)) : undefined,
    })),
    options: (type ? checker.getPropertiesOfType(type) : []).map(({ name, flags }) => ({
      name,
      optional: (flags & ts.SymbolFlags.Optional) !== 0,
      value: table?.defaults.get(name) || undefined,
    })),
    accepted: [...(table?.defaults.keys() ?? [])],
    rest: parameters.at(-1)?.rest ?? false,
  };
}

/**
 * @param {ts.Type} type
 * @param {"call" | "construct"} kind
 * @param {string} fn
 * @returns {Call[]}
 */
function callsOf(type, kind, fn) {
  const which = kind === "call" ? ts.SignatureKind.Call : ts.SignatureKind.Construct;
  return checker.getSignaturesOfType(type, which).map((x) => callOf(x, fn));
}

/**
 * @typedef {object} Found
 * @property {Call[]} calls those of a function or method; none for other values
 */

/**
 * What the package has in a place, or undefined.
 *
 * @param {import("./calls.mjs").Place} place
 * @returns {Found | undefined}
 */
export function offered({ path, member }) {
  const symbol = find(path);
  if (symbol === undefined) {
    return undefined;
  }
  const type = checker.getTypeOfSymbol(symbol);
  const name = path.slice(1).join(".");
  if (member === undefined) {
    return { calls: callsOf(type, "call", name) };
  }
  if (member === "constructor") {
    // Some are made without `new`.
    const calls = [...callsOf(type, "construct", name), ...callsOf(type, "call", name)];
    return calls.length === 0 ? undefined : { calls };
  }
  const prototype = type.getProperty("prototype");
  const instance =
    [...type.getConstructSignatures(), ...type.getCallSignatures()][0]?.getReturnType() ??
    (prototype && checker.getTypeOfSymbol(prototype));
  const owners = [instance, type].filter((x) => x !== undefined);
  for (const owner of owners) {
    const known = /^\[Symbol\.(\w+)\]$/.exec(member)?.[1];
    const property = checker
      .getPropertiesOfType(owner)
      .find((x) => x.name === member || (known !== undefined && x.name.startsWith(`__@${known}@`)));
    if (property !== undefined) {
      const calls = callsOf(checker.getTypeOfSymbol(property), "call", `${name}.${member}`);
      return { calls };
    }
  }
  return undefined;
}
