// The calls of test/golden as texts, by what is called.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import mlx from "mlx-js";
import { goldenCases } from "./hostile.mjs";

/** @typedef {import("./hostile.mjs").Any} Any */

const mx = mlx.core;

/**
 * A chain of calls: `new nn.Linear` with its arguments, `.forward` with others. An
 * argument is text, or a list or record of arguments.
 * @typedef {string | Any[] | Map<string, Any>} Node
 * @typedef {{ head: string, args: Node[] }} Segment
 */

/** @param {Any} json @returns {Node} */
function nodeOf(json) {
  if (Array.isArray(json)) {
    return json.map(nodeOf);
  }
  if (typeof json !== "object" || json === null) {
    return JSON.stringify(json);
  }
  const { $array } = json;
  if ($array) {
    const values = $array.data.flat().slice(0, 64);
    const x = `known(${JSON.stringify($array.dtype)}, ${JSON.stringify($array.shape)}, ${JSON.stringify(values)})`;
    if (json.transpose) {
      return `mx.transpose(${x}, ${JSON.stringify(json.transpose)})`;
    }
    return json.slice ? `${x}.get(...${JSON.stringify(json.slice)})` : x;
  }
  if (json.$dtype ?? json.$category) {
    return `mx.${json.$dtype ?? json.$category}`;
  }
  if (json.$slice) {
    return `new mx.Slice(${json.$slice.map((/** @type {Any} */ x) => x ?? undefined)})`;
  }
  if (json.$complex) {
    return `{ re: ${Number(json.$complex[0])}, im: ${Number(json.$complex[1])} }`;
  }
  if (json.$bigint) {
    return `${json.$bigint}n`;
  }
  if (json.$number) {
    return String(Number(json.$number));
  }
  if (json.$undefined) {
    return "undefined";
  }
  if (json.$call) {
    return chain([{ head: nameOf(json.$call), args: argumentsOf(json) }]);
  }
  return new Map(Object.entries(json).map(([key, value]) => [key, nodeOf(value)]));
}

/** @param {string} name */
function nameOf(name) {
  const [root] = name.split(".");
  return root === "nn" ? name : root === "optimizers" ? `optim${name.slice(10)}` : `mx.${name}`;
}

/** @param {{ args?: Any[], options?: Any }} c @returns {Node[]} */
function argumentsOf({ args = [], options }) {
  return [...args, ...(options && Object.keys(options).length > 0 ? [options] : [])].map(nodeOf);
}

/** @param {Node} node @returns {string} */
export function show(node) {
  if (typeof node === "string") {
    return node;
  }
  if (Array.isArray(node)) {
    return `[${list(node)}]`;
  }
  const entries = [...node].map(([key, value]) => `${JSON.stringify(key)}: ${show(value)}`);
  return `{ ${entries.filter((entry) => !entry.endsWith(": ")).join(", ")} }`;
}

/** @param {Node[]} nodes */
export function list(nodes) {
  return nodes
    .map(show)
    .filter((text) => text !== "")
    .join(", ");
}

/** @param {Segment[]} segments */
export function chain(segments) {
  return segments.map(({ head, args }) => `${head}(${list(args)})`).join("");
}

/** @type {Map<string, Segment[][]>} */
export const cases = new Map();
const golden = fileURLToPath(new URL("../../golden", import.meta.url));
for (const file of readdirSync(golden, { recursive: true, encoding: "utf8" }).sort()) {
  if (!file.endsWith(".json")) {
    continue;
  }
  for (const c of goldenCases(file.replace(".json", ""))) {
    /** @param {string} name @param {Segment[]} segments */
    const add = (name, segments) => {
      if (!cases.has(name)) {
        cases.set(name, []);
      }
      cases.get(name)?.push(segments);
    };
    const args = argumentsOf(c);
    const inputs = [...(c.inputs ?? []), ...(c.forwardOptions ? [c.forwardOptions] : [])].map(
      nodeOf,
    );
    if (c.layer) {
      const made = { head: `new nn.${c.layer}`, args };
      add(`nn.${c.layer}`, [made]);
      add(`nn.${c.layer}.forward`, [made, { head: `.${c.method ?? "forward"}`, args: inputs }]);
    } else if (c.optimizer) {
      const made = { head: `new optim.${c.optimizer}`, args };
      const step = [c.gradients[0], c.parameters].map(nodeOf);
      add(`optim.${c.optimizer}`, [made]);
      add(`optim.${c.optimizer}.applyGradients`, [made, { head: ".applyGradients", args: step }]);
    } else if (c.index) {
      const x = nodeOf(c.array);
      const indices = c.indices.map(nodeOf);
      const value = nodeOf(c.value ?? null);
      const at = { head: 'method("at")', args: [x, ...indices] };
      if (c.index === "get") {
        add("array.get", [{ head: 'method("get")', args: [x, ...indices] }]);
      } else if (c.index === "set") {
        add("array.set", [{ head: 'method("set")', args: [x, indices, value] }]);
      } else {
        add("array.at", [at]);
        add(`mx.ArrayAt.${c.index}`, [at, { head: `.${c.index}`, args: [value] }]);
      }
    } else if (c.name && !c.transform) {
      const name = nameOf(c.name);
      const call = { head: name, args };
      add(name, c.then ? [call, { head: "", args: c.then.map(nodeOf) }] : [call]);
      if (Object.hasOwn(mx.array.prototype, c.name)) {
        add(`array.${c.name}`, [{ head: `method("${c.name}")`, args }]);
      }
    }
  }
}

/**
 * Calls with other arguments.
 * @param {Segment[]} segments
 * @param {{ place: number, text: string | ((before: string) => string) }[]} edits
 */
export function edited(segments, edits) {
  let copy = segments;
  for (const { place, text } of edits) {
    /** @param {Node} node @returns {number} */
    const count = (node) =>
      1 + (typeof node === "string" ? 0 : [...node.values()].reduce((n, x) => n + count(x), 0));
    const total = copy.flatMap(({ args }) => args).reduce((n, x) => n + count(x), 0);
    let at = total === 0 ? -1 : place % total;
    /** @param {Node} node @returns {Node} */
    const walk = (node) => {
      if (at-- === 0) {
        return typeof text === "string" ? text : text(show(node));
      }
      if (typeof node === "string") {
        return node;
      }
      return Array.isArray(node)
        ? node.map(walk)
        : new Map([...node].map(([key, child]) => [key, walk(child)]));
    };
    copy = copy.map(({ head, args }) => ({ head, args: args.map(walk) }));
  }
  return chain(copy);
}
