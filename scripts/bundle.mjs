// Writes dist/mlx.js, the package in one file: reading eighty takes longer than
// loading MLX. Beside it, small modules name what is in it, for `import` and for
// `require`: there is one implementation, so that both see the same arrays.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

const file = join(dist, "mlx.js");
const parts = ["core", "nn", "optimizers", "utils", "testing"];
const imports =
  parts.map((part) => `import * as ${part} from "./${part}/index.ts";\n`).join("") +
  'import * as all from "./index.ts";\nimport { load } from "./core/call/native.ts";\n' +
  'import { withNames } from "./core/lifetime/names.ts";\n';
const { version } = require(join(root, "package.json"));

/** @param {string} code @returns {string} it in ASCII */
function escaped(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** @param {string} code What the file exports. */
async function bundle(code) {
  const entry = join(root, "lib", "bundle.ts");
  const builder = await rolldown({
    input: entry,
    platform: "node",
    external: [/^[^./]/],
    transform: { define: { MLX_JS_VERSION: JSON.stringify(version) } },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) => (id === entry ? imports + code : undefined),
        // A file without exports would be taken for CommonJS, as package.json has
        // it, and all that it imports be wrapped into functions.
        transform: (code, id) =>
          id.endsWith(".ts") ? { code: `${code}\nexport {};\n`, map: null } : undefined,
      },
    ],
  });
  await builder.write({ file, format: "cjs", comments: false, sourcemap: true });
  // V8 keeps text that is ASCII alone in half the memory, and reads it faster.
  writeFileSync(file, escaped(readFileSync(file, "utf8")));
}

/** @typedef {{ [name: string]: unknown }} Module */

/** @param {unknown} value @returns {value is Module} */
function isModule(value) {
  return Object.prototype.toString.call(value) === "[object Module]";
}

/**
 * The source of an object with all that a module exports.
 *
 * @param {Module} module
 * @param {string} path
 * @returns {string}
 */
function literal(module, path) {
  const entries = Object.entries(module).map(([name, value]) => {
    const member = `${path}.${name}`;
    return `${name}: ${isModule(value) ? literal(value, member) : member},\n`;
  });
  return `{\n${entries.join("")}}`;
}

// Bundlers give each name of a module a getter, which is a function to compile
// when the package is loaded and to call whenever the name is used. So a first
// bundle tells the names, and the second has them in plain objects.
await bundle(`export { ${parts.join(", ")}, all, load };`);
/** @type {Record<string, Module>} */
const { all = {}, load: _, ...modules } = require(file);
/** @param {string} part @returns {string} */
function object(part) {
  const value = literal(modules[part] ?? {}, part);
  // The texts and errors of layers and optimizers have them.
  const named = part === "nn" || part === "optimizers" ? `withNames(${value})` : value;
  return `const ${part}Object = ${named};\n`;
}

await bundle(
  parts.map(object).join("") +
    `export { ${parts.map((part) => `${part}Object as ${part}`).join(", ")}, load };`,
);

/**
 * Node learns the names of a CommonJS module from its text, not by running it.
 *
 * @param {string} folder
 * @param {string} code
 * @param {string[]} names
 * @param {{ code: string, types: string }} [byDefault]
 */
function write(folder, code, names, byDefault = { code: "", types: "" }) {
  mkdirSync(join(dist, folder), { recursive: true });
  const path = (/** @type {string} */ extension) => join(dist, folder, `index.${extension}`);
  writeFileSync(path("js"), `"use strict";\n${code}`);
  const list = names.map((name) => `  ${name},\n`).join("");
  writeFileSync(path("mjs"), `export {\n${list}} from "./index.js";\n${byDefault.code}`);
  writeFileSync(path("d.mts"), `export * from "./index.js";\n${byDefault.types}`);
}

for (const [part, module] of Object.entries(modules)) {
  const names = Object.keys(module);
  const hint = `0 && (${names.map((name) => `exports.${name} = `).join("")}0);\n`;
  // Whoever loads this one wants it done.
  const done = part === "testing" ? "module.exports.install();\n" : "";
  // Trees are of JavaScript alone.
  const load = part === "utils" ? "" : 'require("../mlx.js").load();\n';
  const code = `${load}module.exports = require("../mlx.js").${part};\n${done}${hint}`;
  write(part, code, names);
}

/** @param {unknown} module @returns {string} the name of the part that it is */
function partOf(module) {
  const [part] = Object.entries(modules).find(([, other]) => other === module) ?? [];
  if (part === undefined) {
    throw new Error("lib/index.ts exports what is no part of the package");
  }
  return part;
}

// The package itself: the parts under the names of lib/index.ts.
const { default: byDefault, ...named } = all;
const inDefault = Object.entries(/** @type {Module} */ (byDefault));
write(
  "",
  `Object.defineProperty(exports, "__esModule", { value: true });
const parts = require("./mlx.js");
parts.load();
${Object.entries(named)
  .map(([name, module]) => `exports.${name} = parts.${partOf(module)};\n`)
  .join("")}exports.default = {
${inDefault.map(([name, module]) => `  ${name}: parts.${partOf(module)},\n`).join("")}};
`,
  Object.keys(named),
  {
    code: `import module from "./index.js";
// Node and bundlers give all exports as the default one, Bun their \`default\`.
export default module.default ?? module;
`,
    types: `declare const all: typeof import("./index.js").default;
export default all;
`,
  },
);
