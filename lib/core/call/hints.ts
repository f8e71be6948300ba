/** What to write instead, where an argument shows which habit it comes from. */
import { isProxy } from "node:util/types";
import { isRecord, lookUp } from "./objects.js";

/** Parameters that are given by position although they may be left out. */
const byPosition: ReadonlySet<string> = new Set(
  "axis axes dtype shape start stop step num k n s decimals low high p ord argnums".split(" "),
);

const dtypeName = /^(?:\w+\.)?(bool|bfloat16|float(?:16|32|64)|u?int(?:8|16|32|64)|complex64)$/;

/**
 * The end of an error's text for a parameter that got something else, or nothing:
 * Python's `sum(x, axis=0)` becomes `sum(x, 0)`, not `sum(x, { axis: 0 })`.
 */
export function hint(param: string, value: unknown): string {
  if ((param === "dtype" || param === "options") && Number.isInteger(value)) {
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
  if (typeof value !== "object" || value === null) {
    return "";
  }
  if ((param === "fun" || param === "f") && typeof lookUp(value, "forward") === "function") {
    // A module, which Python would call.
    return "; write (x) => model.forward(x)";
  }
  if (isProxy(value) || !isRecord(value)) {
    return "";
  }
  if (Object.hasOwn(value, param)) {
    return `; write the value of ${param} in its place, without its name, and options after it`;
  }
  const name = Object.keys(value)[0];
  return byPosition.has(param) && name !== undefined
    ? `; options such as ${name.slice(0, 64)} come after ${param}, for which undefined may stand`
    : "";
}
