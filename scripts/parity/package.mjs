// What the package offers, read from lib/ by TypeScript: names, calls and, from
// the bodies of functions, defaults.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** @typedef {import("./calls.mjs").Call} Call */
/** @typedef {import("./calls.mjs").Parameter} Parameter */
/** @typedef {Map<string, string>} Values what identifiers or options stand for */

const root = fileURLToPath(new URL("../..", import.meta.url));
const lib = join(root, "lib");

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, root);
const program = ts.createProgram(fileNames, options);
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
 * @param {ts.Expression} node
 * @param {Values} values
 * @returns {string | undefined}
 */
function constant(node, values) {
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) {
    return constant(node.expression, values);
  }
  if (ts.isNumericLiteral(node)) {
    return String(Number(node.text));
  }
  if (ts.isStringLiteral(node)) {
    return JSON.stringify(node.text);
  }
  if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
    const value = constant(node.operand, values);
    return value === undefined ? undefined : `-${value}`;
  }
  if (ts.isArrayLiteralExpression(node)) {
    const all = node.elements.map((x) => constant(x, values));
    return all.includes(undefined) ? undefined : `[${all.join(", ")}]`;
  }
  if (ts.isPropertyAccessExpression(node)) {
    return /^(mx|dtype)$/.test(node.expression.getText()) ? node.name.text : undefined;
  }
  if (ts.isIdentifier(node)) {
    const { text } = node;
    if (text === "undefined" || values.has(text)) {
      return values.get(text) ?? "null";
    }
    const declaration = checker.getSymbolAtLocation(node)?.valueDeclaration;
    return declaration && ts.isVariableDeclaration(declaration) && declaration.initializer
      ? constant(declaration.initializer, values)
      : // A dtype is called what it is called in Python.
        /^(b?float|u?int)\d+$/.exec(text)?.[0];
  }
  const words = new Map([
    [ts.SyntaxKind.TrueKeyword, "true"],
    [ts.SyntaxKind.FalseKeyword, "false"],
    [ts.SyntaxKind.NullKeyword, "null"],
  ]);
  return words.get(node.kind);
}

/**
 * The name of the option or parameter that an expression reads.
 *
 * @param {ts.Node} node
 * @param {Values} [names] the options that parameters are, in a function that is given them
 * @returns {string | undefined}
 */
function read(node, names) {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return node.name.text;
  }
  if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression)) {
    return node.argumentExpression.text;
  }
  if (
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken
  ) {
    // `x ?? undefined`
    return read(node.left, names);
  }
  if (ts.isIdentifier(node)) {
    return names === undefined ? node.text : names.get(node.text);
  }
  return undefined;
}

/**
 * The function that a call goes to, if this package has it.
 *
 * @param {ts.CallExpression} call
 * @returns {ts.SignatureDeclaration | undefined}
 */
function calleeOf(call) {
  const declaration = checker.getResolvedSignature(call)?.declaration;
  if (declaration === undefined || !declaration.getSourceFile().fileName.startsWith(lib)) {
    return undefined;
  }
  return /** @type {ts.SignatureDeclaration} */ (declaration);
}

/**
 * The declaration with a body, of one of the declarations of a function.
 *
 * @param {ts.Node | undefined} node
 * @returns {ts.FunctionLikeDeclaration | undefined}
 */
function implementation(node) {
  if (node === undefined) {
    return undefined;
  }
  if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined) {
    return /** @type {ts.FunctionLikeDeclaration} */ (node);
  }
  if (ts.isConstructorDeclaration(node)) {
    return /** @type {ts.FunctionLikeDeclaration | undefined} */ (
      node.parent.members.find((x) => ts.isConstructorDeclaration(x) && x.body !== undefined)
    );
  }
  const symbol = checker.getSymbolAtLocation(/** @type {any} */ (node).name ?? node);
  return /** @type {ts.FunctionLikeDeclaration | undefined} */ (
    symbol?.declarations?.find((x) => ts.isFunctionLike(x) && "body" in x && x.body !== undefined)
  );
}

/**
 * The names in a list of options that a function knows.
 *
 * @param {ts.Expression} list
 * @param {Values} values
 * @returns {string[]}
 */
function namesIn(list, values) {
  if (ts.isArrayLiteralExpression(list)) {
    return list.elements.flatMap((x) => {
      const text = ts.isSpreadElement(x) ? undefined : constant(x, values);
      return ts.isSpreadElement(x) ? namesIn(x.expression, values) : text ? [JSON.parse(text)] : [];
    });
  }
  const declaration = checker.getSymbolAtLocation(list)?.valueDeclaration;
  if (declaration && ts.isVariableDeclaration(declaration) && declaration.initializer) {
    return namesIn(declaration.initializer, values);
  }
  if (ts.isAsExpression(list) || ts.isSatisfiesExpression(list)) {
    return namesIn(list.expression, values);
  }
  const type = checker.getTypeAtLocation(list).getNumberIndexType();
  const types = type?.isUnion() ? type.types : [type];
  return types.flatMap((x) => (x?.isStringLiteral() ? [x.value] : []));
}

/**
 * The defaults that a function's body gives to parameters and options.
 *
 * @param {ts.FunctionLikeDeclaration | undefined} fn
 * @param {Values} [values] what its parameters are known to be
 * @param {Values | undefined} [names] and which options they are
 * @param {Values} [found]
 * @param {Set<string>} [known] gets the options that are accepted at run time
 * @param {number} [depth]
 * @returns {Values}
 */
function defaultsIn(
  fn,
  values = new Map(),
  names = undefined,
  found = new Map(),
  known = new Set(),
  depth = 0,
) {
  /** @type {(name: string | undefined, value: ts.Expression | undefined) => void} */
  const note = (name, value) => {
    const text = value === undefined ? undefined : constant(value, values);
    // `x ?? undefined` gives null no default.
    if (name !== undefined && text !== undefined && text !== "null" && !found.has(name)) {
      found.set(name, text);
    }
  };
  for (const { name, initializer } of fn?.parameters ?? []) {
    if (ts.isIdentifier(name)) {
      note(names === undefined ? name.text : names.get(name.text), initializer);
    } else {
      for (const element of name.elements) {
        if (ts.isBindingElement(element)) {
          note(element.propertyName?.getText() ?? element.name.getText(), element.initializer);
        }
      }
    }
  }
  const parameters = new Set(fn?.parameters.map(({ name }) => name.getText()));
  // What options that were taken apart are called from then on.
  /** @type {Values} */
  const parts = new Map();
  /** @type {(x: ts.Expression) => string | undefined} */
  const nameOf = (x) => (ts.isIdentifier(x) ? parts.get(x.text) : undefined) ?? read(x, names);
  /** @param {ts.Expression} x */
  const isGiven = (x) =>
    /^(options|o|rest)\b/.test(x.getText()) ||
    (ts.isIdentifier(x) &&
      (parts.has(x.text) || (names === undefined ? parameters.has(x.text) : names.has(x.text))));
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken
    ) {
      note(nameOf(node.left), node.right);
    } else if (ts.isBindingElement(node)) {
      const name = node.propertyName?.getText() ?? node.name.getText();
      note(name, node.initializer);
      names?.set(node.name.getText(), name);
      parts.set(node.name.getText(), name);
    } else if (
      ts.isConditionalExpression(node) &&
      ts.isBinaryExpression(node.condition) &&
      node.condition.operatorToken.kind === ts.SyntaxKind.EqualsEqualsEqualsToken &&
      node.condition.right.getText() === "undefined"
    ) {
      note(nameOf(node.condition.left), node.whenTrue);
    } else if (ts.isCallExpression(node)) {
      const [first, second, third] = node.arguments;
      if (second !== undefined && /^(read|check)Options$/.test(node.expression.getText())) {
        for (const name of namesIn(second, values)) {
          known.add(name);
        }
      }
      // flag(o.keepdims, false, …) and only(options, "alpha", 1, …)
      const fallback = calleeOf(node)?.parameters[1]?.name.getText() === "fallback";
      if (first !== undefined && fallback) {
        note(nameOf(first), second);
      }
      if (second !== undefined && ts.isStringLiteral(second) && third !== undefined) {
        const name = calleeOf(node)?.parameters[2]?.name.getText();
        if (name === "fallback") {
          note(second.text, third);
        }
      }
      // What a function does with the options is done by those it gives them to.
      const follows = node.arguments.some((x) => isGiven(x));
      const callee = follows && depth < 3 ? implementation(calleeOf(node)) : undefined;
      if (callee !== undefined) {
        /** @type {Values} */
        const given = new Map();
        /** @type {Values} */
        const options = new Map();
        for (const [i, parameter] of callee.parameters.entries()) {
          const argument = node.arguments[i];
          const value = argument ?? parameter.initializer;
          const text = value === undefined ? undefined : constant(value, values);
          if (text !== undefined) {
            given.set(parameter.name.getText(), text);
          }
          const option = argument === undefined ? undefined : nameOf(argument);
          if (option !== undefined) {
            options.set(parameter.name.getText(), option);
          }
        }
        defaultsIn(callee, given, options, found, known, depth + 1);
      }
    }
    ts.forEachChild(node, visit);
  };
  if (fn?.body) {
    visit(fn.body);
  }
  return found;
}

// Tables of options.

/**
 * @typedef {object} OptionTable a call of `optionsOf`
 * @property {string} name what the function is called in errors
 * @property {ts.Type | undefined} type that of the options
 * @property {Values} defaults of each option, by its name; "" for none
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
 */
function fallbackIn(node) {
  const kind = initializerOf(node);
  if (kind === undefined || !ts.isCallExpression(kind)) {
    return "";
  }
  const parameters = checker.getResolvedSignature(kind)?.parameters ?? [];
  const fallback = kind.arguments[parameters.findIndex((x) => x.name === "fallback")];
  return (fallback && (constant(fallback, new Map()) ?? functionIn(fallback))) ?? "";
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
 * @param {ts.Expression | undefined} node
 * @returns {Values}
 */
function optionsIn(node) {
  const table = initializerOf(node);
  /** @type {Values} */
  const out = new Map();
  for (const member of table && ts.isObjectLiteralExpression(table) ? table.properties : []) {
    if (ts.isSpreadAssignment(member)) {
      for (const [name, value] of optionsIn(member.expression)) {
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

/** @type {OptionTable[]} */
export const tables = [];

/** @param {ts.Node} node */
function collectTables(node) {
  if (
    ts.isCallExpression(node) &&
    ts.isCallExpression(node.expression) &&
    node.expression.expression.getText() === "optionsOf"
  ) {
    const [name, table] = node.arguments;
    const [type] = node.expression.typeArguments ?? [];
    const options = type && checker.getTypeFromTypeNode(type);
    tables.push({
      name: name && ts.isStringLiteral(name) ? name.text : "",
      type: options,
      defaults: optionsIn(table),
      types: new Map(
        options && checker.getPropertiesOfType(options).map((x) => [x.name, typesOf(x)]),
      ),
    });
  }
  ts.forEachChild(node, collectTables);
}

for (const file of program.getSourceFiles()) {
  if (file.fileName.startsWith(lib)) {
    collectTables(file);
  }
}

/**
 * The table of a function's options: that of their type or, where several
 * functions have the same one, the function's own.
 *
 * @param {ts.Type} type
 * @param {string} fn
 */
function tableOf(type, fn) {
  const found = tables.filter((table) => table.type === type);
  return found.length === 1 ? found[0] : found.find(({ name }) => name === fn);
}

// Calls.

/**
 * @param {ts.Symbol} symbol
 * @param {Values} defaults
 * @returns {Parameter}
 */
function option(symbol, defaults) {
  return {
    name: symbol.name,
    optional: (symbol.flags & ts.SymbolFlags.Optional) !== 0,
    value: defaults.get(symbol.name),
  };
}

/**
 * @param {ts.Signature} signature
 * @param {string} fn what it is called in errors
 * @returns {Call}
 */
function callOf(signature, fn) {
  let parameters = signature.parameters.map((symbol) => {
    const node = /** @type {ts.ParameterDeclaration | undefined} */ (symbol.valueDeclaration);
    return {
      name: symbol.name,
      type: checker.getTypeOfSymbol(symbol),
      optional: node !== undefined && checker.isOptionalParameter(node),
      rest: node?.dotDotDotToken !== undefined,
    };
  });
  const { declaration } = signature;
  // An array's method is the function of its name.
  const body =
    declaration !== undefined && ts.isMethodSignature(declaration)
      ? find(["mx", declaration.name.getText()])?.valueDeclaration
      : declaration;
  /** @type {Set<string>} */
  const known = new Set();
  const defaults = defaultsIn(implementation(body), undefined, undefined, undefined, known);
  const last = parameters.at(-1);
  /** @type {Parameter[]} */
  let options = [];
  // Options may be taken apart where they are declared.
  if (last !== undefined && /^(options$|__)/.test(last.name)) {
    parameters = parameters.slice(0, -1);
    const type = checker.getNonNullableType(last.type);
    const table = tableOf(type, fn);
    if (table !== undefined) {
      for (const [name, value] of table.defaults) {
        known.add(name);
        defaults.delete(name);
        if (value !== "") {
          defaults.set(name, value);
        }
      }
    }
    options = checker.getPropertiesOfType(type).map((symbol) => option(symbol, defaults));
  }
  return {
    positional: parameters.map(({ name, optional }) => ({
      // An underscore says that it is not used.
      name: name.replace(/^_/, ""),
      optional,
      value: optional ? defaults.get(name) : undefined,
    })),
    options,
    accepted: [...known],
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
