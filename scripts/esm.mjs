// Writes the ES modules beside the compiled CommonJS ones. There is one
// implementation, so that `import` and `require` see the same arrays; an ES
// module only names what is in it.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const dist = fileURLToPath(new URL("../dist/", import.meta.url));

for (const folder of ["", "core/", "nn/", "optimizers/", "utils/"]) {
  const names = Object.keys(require(`${dist}${folder}index.js`));
  const named = names.filter((name) => name !== "default");
  const hasDefault = named.length < names.length;
  // Through other names: some, such as `eval` and `var`, are reserved.
  writeFileSync(
    `${dist}${folder}index.mjs`,
    [
      'import module from "./index.js";',
      ...named.map((name, i) => `const v${i} = module.${name};`),
      `export {\n${named.map((name, i) => `  v${i} as ${name},\n`).join("")}};`,
      ...(hasDefault ? ["export default module.default;"] : []),
      "",
    ].join("\n"),
  );
  writeFileSync(
    `${dist}${folder}index.d.mts`,
    [
      'export * from "./index.js";',
      ...(hasDefault
        ? [
            'import module from "./index.js";',
            "declare const all: typeof module.default;",
            "export default all;",
          ]
        : []),
      "",
    ].join("\n"),
  );
}
