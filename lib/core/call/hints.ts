/** Guesses at what users meant by an argument of a wrong kind, or by a misspelt name. */
import { isProxy, isTypedArray } from "node:util/types";
import { isRecord, lookUp } from "./objects.js";

/** Parameters that are given by position although they may be left out. */
const byPosition: ReadonlySet<string> = new Set(
  "axis axes dtype shape start stop step num k n s decimals low high p ord argnums".split(" "),
);

/** What PyTorch calls parameters that are given by position. */
const inTorch: Readonly<Record<string, string>> = { axis: "dim", learningRate: "lr" };

const dtypeName = /^(?:\w+\.)?(bool|bfloat16|float(?:16|32|64)|u?int(?:8|16|32|64)|complex64)$/;

/**
 * The end of an error's text for a parameter that got something else, or nothing:
 * Python's `sum(x, axis=0)` becomes `sum(x, 0)`, not `sum(x, { axis: 0 })`.
 */
export function hint(param: string, value: unknown, expected: string, fn: string): string {
  // To look at it could run code.
  if (isProxy(value)) {
    return "";
  }
  if (param === "dtype" && (Array.isArray(value) || (fn === "view" && typeof value === "number"))) {
    return "; x.reshape gives an array another shape";
  }
  if (expected === "a list of indices") {
    return "; each goes in a list, as in x.set([0], value)";
  }
  if (typeof value === "string" && param.startsWith("indices") && value.includes(",")) {
    return '; each axis has its own, as in x.get("1:3", 0)';
  }
  if (expected === "a layer or a function" && typeof value === "function") {
    return "; make one with new";
  }
  if (param.startsWith('arrays["') && (Array.isArray(value) || isRecord(value))) {
    return "; utils.treeFlatten(tree, { destination: {} }) gives a tree's arrays by their names";
  }
  if (/\ban array\b/.test(expected) && (Array.isArray(value) || isTypedArray(value))) {
    return `; mx.array makes an array of a ${Array.isArray(value) ? "list" : "typed array"}`;
  }
  // A message such as "expected { keepdims: true }" has said already where the value belongs.
  const noOption = param === "options" && !expected.startsWith("{");
  if ((param === "dtype" || noOption) && Number.isInteger(value)) {
    return "; several numbers go in one list, such as [2, 3]";
  }
  if (param === "dtype" && typeof value === "string") {
    const name = dtypeName.exec(value)?.[1];
    return name === undefined ? "" : `; write mx.${name}`;
  }
  if (/^(device|deviceType|d|stream|type)$/.test(param) && typeof value === "string") {
    const name = /^(?:mx\.)?(cpu|gpu|cuda|metal|mps)\b/i.exec(value)?.[1]?.toLowerCase();
    return name === undefined ? "" : `; write mx.${name === "cpu" ? "cpu" : "gpu"}`;
  }
  if ((param === "format" || param === "fileOrWeights") && typeof value === "string") {
    return /^(?:.*\.)?(?:pt|pth|bin|ckpt)$/.test(value)
      ? "; in Python, safetensors.torch.save_file(model.state_dict(), file) makes one of PyTorch's"
      : "";
  }
  if (typeof value !== "object" || value === null) {
    return "";
  }
  if (param === "gradients" && Array.isArray(value)) {
    return "; nn.valueAndGrad gives [value, gradients]";
  }
  if (param === "layers[0]" && Array.isArray(value)) {
    return "; layers are given one by one, as in new nn.Sequential(...layers)";
  }
  if ((param === "fun" || param === "f") && typeof lookUp(value, "forward") === "function") {
    // A module, which Python would call.
    return "; write (x) => model.forward(x)";
  }
  if (!isRecord(value)) {
    const isOne = expected.startsWith("a list of arrays") && !Array.isArray(value);
    return isOne ? "; several arrays go in one list, such as [a, b]" : "";
  }
  if (fn === "save") {
    return "; mx.saveSafetensors and mx.savez write several";
  }
  if (param === "fileOrWeights") {
    return "; utils.treeFlatten makes a list of a tree";
  }
  // `shape` in any record: no function has an option of that name.
  const byName = [param, "shape", inTorch[param] ?? param].find((name) =>
    Object.hasOwn(value, name),
  );
  if (byName !== undefined) {
    return `; write the value of ${byName} in its place, without its name, and options after it`;
  }
  const name = Object.keys(value)[0];
  if (name === undefined) {
    return "";
  }
  if (byPosition.has(param)) {
    return `; options such as ${name.slice(0, 64)} come after ${param}, for which undefined may stand`;
  }
  const isNamed = /^(an integer|a number|an array or a scalar)\b/.test(expected);
  return isNamed && /^[a-z]/i.test(name) && typeof lookUp(value, name) === "number"
    ? "; write its value in its place, without a name"
    : "";
}

/** What options have other names for elsewhere. */
const synonyms: Readonly<Record<string, string>> = {
  dim: "axis",
  unbiased: "ddof",
  value: "constantValues",
  elementwiseaffine: "affine",
  approximate: "approx",
  rate: "p",
  h0: "hidden",
  c0: "cell",
  temp: "temperature",
  maxnewtokens: "maxTokens",
};

/** A name as habits of other languages would not change it: `group_size` is `groupsize`. */
function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** How many letters have to be changed, put in, left out or swapped to make one word another. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const changed = (row[j] as number) + (a[i] === b[j] ? 0 : 1);
      const isSwap = a[i] === b[j - 1] && a[i - 1] === b[j];
      const swapped = isSwap ? (before[j - 1] as number) + 1 : changed;
      next.push(Math.min(changed, swapped, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}

/** The name that is most like another, if one is alike enough to be meant. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > 64) {
    return undefined;
  }
  const word = plain(name);
  let found: string | undefined;
  // Three changes leave little of a short name.
  let least = Math.min(3, Math.floor(word.length / 3) + 1);
  for (const candidate of names) {
    const d = distance(word, plain(candidate));
    if (d < least) {
      found = candidate;
      least = d;
    }
  }
  const synonym = Object.hasOwn(synonyms, word) ? synonyms[word] : undefined;
  return found ?? names.find((candidate) => candidate === synonym);
}
