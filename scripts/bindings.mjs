// Derives lib/core/call/bindings.ts from the addon, which knows its own types.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const addon = fileURLToPath(new URL("../build/Release/mlx.node", import.meta.url));
export const target = fileURLToPath(new URL("../lib/core/call/bindings.ts", import.meta.url));

/**
 * How a function's results are read: nothing for those that make arrays.
 *
 * @param {string} signature
 */
function reading(signature) {
  const type = signature.split(" => ").at(-1) ?? "";
  if (["Result", "Slots", "Slots | undefined"].includes(type)) {
    return undefined;
  }
  if (type === "Promise<void>") {
    return "promises";
  }
  const plain = ["void", "number", "DtypeId", "boolean", "string", "object | undefined"];
  return plain.includes(type) ? "values" : "objects";
}

/**
 * The addon's functions and their types, by the families that come late; the others are under "".
 *
 * @returns {Record<string, Record<string, string>>}
 */
export function signatures() {
  return require(addon).signatures();
}

/** @returns {string} the text of lib/core/call/bindings.ts */
export function bindings() {
  const rows = Object.values(signatures())
    .flatMap((family) => Object.entries(family))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const wire = rows
    .flatMap(([, signature]) => signature.match(/\b[A-Z]\w*/g) ?? [])
    .filter((name) => !["ArrayBufferView", "Promise"].includes(name));
  const names = [...new Set(wire)].sort();
  const read = (/** @type {string} */ as) =>
    rows.flatMap(([name, signature]) => (reading(signature) === as ? [`    "${name}",\n`] : []));
  return [
    "// Derived from native/ by scripts/bindings.mjs; not edited by hand.",
    `import type {\n${names.map((name) => `  ${name},\n`).join("")}} from "./wire.js";`,
    "",
    "/** The addon's functions, under the names that MLX has in C++. */",
    "export interface Bindings {",
    "  readonly scratch: Float64Array;",
    "  family(name: string): object;",
    ...rows.map(([name, signature]) => `  ${name}: ${signature};`),
    "}",
    "",
    "/** The functions that do not make arrays, by how their results are read. */",
    "export const results = {",
    ...["promises", "values", "objects"].map((as) => `  ${as}: [\n${read(as).join("")}  ],`),
    "} as const;",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(target, bindings());
}
