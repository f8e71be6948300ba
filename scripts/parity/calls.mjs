// How each of MLX's names is called from TypeScript: the rules of naming and
// calling, applied to test/upstream/api.json.

/**
 * @typedef {object} Parameter
 * @property {string} name
 * @property {boolean} optional
 * @property {string | undefined} value the default, as JSON or a name; undefined if there is none or it is not known
 * @property {boolean} [variadic] whether Python takes any number of arguments for it
 */

/**
 * @typedef {object} Call
 * @property {Parameter[]} positional
 * @property {Parameter[]} options
 * @property {string[]} [accepted] the options that are known at run time
 * @property {boolean} rest whether the last positional one takes any number of arguments
 */

/**
 * @typedef {object} Place
 * @property {string[]} path where the package has it, from the names that a user imports
 * @property {string} [member] the member of a class
 */

/** @typedef {{ mlx: string, api: Record<string, string | string[]> }} Upstream */

// Optional ones that stay positional, while all before them do.
const positional = new Set(
  "axis axes dtype shape start stop step num k n s decimals low high p ord argnums".split(" "),
);
const restParameters = new Set(["core.eval", "core.async_eval"]);

/** The members for which Python has a syntax of its own. */
const members = new Map(
  Object.entries({
    __init__: "constructor",
    __getitem__: "get",
    __setitem__: "set",
    __len__: "length",
    __iter__: "[Symbol.iterator]",
    __next__: "next",
    __repr__: "toString",
    __exit__: "[Symbol.dispose]",
    __abs__: "abs",
    __add__: "add",
    __sub__: "subtract",
    __mul__: "multiply",
    __truediv__: "divide",
    __div__: "divide",
    __floordiv__: "floorDivide",
    __mod__: "remainder",
    __pow__: "power",
    __matmul__: "matmul",
    __neg__: "negative",
    __eq__: "equal",
    __ne__: "notEqual",
    __lt__: "less",
    __le__: "lessEqual",
    __gt__: "greater",
    __ge__: "greaterEqual",
    __and__: "bitwiseAnd",
    __or__: "bitwiseOr",
    __xor__: "bitwiseXor",
    __invert__: "bitwiseInvert",
    __lshift__: "leftShift",
    __rshift__: "rightShift",
  }),
);

/** @param {string} name */
export function camel(name) {
  const [head = "", ...tail] = name.replace(/^_+|_+$/g, "").split("_");
  return head + tail.map((part) => part.slice(0, 1).toUpperCase() + part.slice(1)).join("");
}

const roots = new Map([
  ["core", "mx"],
  ["nn", "nn"],
  ["optimizers", "optim"],
  ["utils", "utils"],
]);

/**
 * @param {string} name MLX's name, from below `mlx.`
 * @param {Upstream["api"]} api
 * @returns {Place}
 */
export function placeOf(name, api) {
  const parts = name.split(".");
  const last = /** @type {string} */ (parts.pop());
  const owner = parts.join(".");
  if (api[owner] === "class") {
    const member =
      last === "__call__"
        ? "forward"
        : (members.get(last) ?? (last.startsWith("__") ? last : camel(last)));
    return { path: placeOf(owner, api).path, member };
  }
  const [root = "", ...modules] = parts;
  const inner = modules[0] === "layers" || modules[0] === "utils" ? [] : modules;
  return { path: [roots.get(root) ?? root, ...inner, camel(last)] };
}

/**
 * Splits at the commas that no bracket or string encloses.
 *
 * @param {string} text
 */
export function split(text) {
  const parts = [""];
  let depth = 0;
  let quote = "";
  for (const c of text) {
    if (quote !== "") {
      quote = c === quote ? "" : quote;
    } else if (c === "'" || c === '"') {
      quote = c;
    } else if ("([{".includes(c)) {
      depth++;
    } else if (")]}".includes(c)) {
      depth--;
    } else if (c === "," && depth === 0) {
      parts.push("");
      continue;
    }
    parts[parts.length - 1] += c;
  }
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

/**
 * A default of Python in JavaScript's words.
 *
 * @param {string} text
 * @returns {string}
 */
export function defaultOf(text) {
  const words = new Map([
    ["None", "null"],
    ["True", "true"],
    ["False", "false"],
  ]);
  const word = words.get(text);
  if (word !== undefined) {
    return word;
  }
  if (/^[([]/.test(text)) {
    return `[${split(text.slice(1, -1)).map(defaultOf).join(", ")}]`;
  }
  if (/^['"]/.test(text)) {
    return JSON.stringify(text.slice(1, -1));
  }
  const number = Number(text);
  return Number.isNaN(number) ? (text.split(".").at(-1) ?? "") : String(number);
}

/**
 * @param {string} name
 * @param {string} signature in Python's notation
 * @param {Upstream["api"]} api
 * @returns {Call}
 */
export function callOf(name, signature, api) {
  const owner = name.slice(0, name.lastIndexOf("."));
  const method = api[owner] === "class";
  const core = name.startsWith("core.");
  /** @type {Call} */
  const call = { positional: [], options: [], rest: false };
  /** @type {Parameter | undefined} */
  let variadic;
  let open = core;
  let keyword = false;
  const parts = split(signature.slice(1, -1)).filter((part) => part !== "/");
  for (const [i, part] of parts.entries()) {
    const [, stars = "", python = "", , text] = /^(\**)(\w*)(=(.*))?$/s.exec(part) ?? [];
    if (method && i === 0 && /^(self|cls|_)$/.test(python)) {
      continue;
    }
    if (stars !== "") {
      keyword = true;
      if (stars === "*" && python !== "") {
        variadic = { name: camel(python), optional: false, value: undefined, variadic: true };
      }
      continue;
    }
    // A name of parameters is for keyword arguments, which JavaScript lacks.
    if (python === "argnames") {
      continue;
    }
    const optional = text !== undefined;
    const parameter = {
      name: camel(python),
      optional,
      value: optional ? defaultOf(text) : undefined,
    };
    if (python === "stream" && core && (i > 0 || keyword)) {
      call.options.push({ ...parameter, optional: true });
    } else if (
      !keyword &&
      (!optional || (open && positional.has(python)) || (core && python === "stream"))
    ) {
      call.positional.push(parameter);
    } else {
      open = false;
      call.options.push({ ...parameter, optional });
    }
  }
  if (variadic !== undefined) {
    call.rest = restParameters.has(name);
    call.positional.push(variadic);
  }
  return call;
}

/** @param {Parameter} parameter */
function parameterText({ name, optional, value }) {
  return value !== undefined && value !== "null"
    ? `${name} = ${value}`
    : `${name}${optional ? "?" : ""}`;
}

/**
 * A call in the notation of the table beside Python.
 *
 * @param {Call} call
 */
export function callText({ positional, options, rest }) {
  const parts = positional.map((parameter, i) =>
    rest && i === positional.length - 1 ? `...${parameter.name}` : parameterText(parameter),
  );
  if (options.length > 0) {
    // Options are optional unless they say otherwise.
    const texts = options.map((o) =>
      o.value !== undefined && o.value !== "null"
        ? `${o.name} = ${o.value}`
        : o.name + (o.optional ? "" : "!"),
    );
    parts.push(`{ ${texts.join(", ")} }`);
  }
  return `(${parts.join(", ")})`;
}
