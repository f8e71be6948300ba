// Writes the ES modules beside the compiled CommonJS ones. There is one
// implementation, so that `import` and `require` see the same arrays; an ES
// module only names what is in it.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const dist = fileURLToPath(new URL("../dist/", import.meta.url));

for (const folder of ["", "core/", "nn/", "optimizers/", "utils/"]) {
  const names = Object.keys(require(`${dist}${folder}index.js`));
  const named = names.filter((name) => name !== "default");
  // Node learns the names from the text of a module, not by running it, and
  // cannot see through `namespace`: so they stand there, where nothing runs.
  const hint = `\n0 && (${named.map((name) => `exports.${name} = `).join("")}0);\n`;
  const compiled = `${dist}${folder}index.js`;
  if (folder !== "" && !readFileSync(compiled, "utf8").endsWith(hint)) {
    appendFileSync(compiled, hint);
  }
  // By name, since `export *` would also pass on what Node adds (__esModule).
  const code = [`export {\n${named.map((name) => `  ${name},\n`).join("")}} from "./index.js";`];
  const types = ['export * from "./index.js";'];
  if (named.length < names.length) {
    code.push(
      'import module from "./index.js";',
      "// Node and bundlers give all exports as the default one, Bun their `default`.",
      "export default module.default ?? module;",
    );
    types.push('declare const all: typeof import("./index.js").default;', "export default all;");
  }
  writeFileSync(`${dist}${folder}index.mjs`, `${code.join("\n")}\n`);
  writeFileSync(`${dist}${folder}index.d.mts`, `${types.join("\n")}\n`);
}
