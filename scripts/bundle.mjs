// Writes dist/mlx.js, the package in one file: reading eighty takes longer than
// loading MLX. What loads the addon is in dist/addon.js, which comes first. What programs
// may do without is in files of dist/parts, which come when it is first used. Beside them, small modules
// name what is there, for `import` and for `require`: there is one implementation, so that both see the
// same arrays.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { signatures } from "./bindings.mjs";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));
const lib = join(root, "lib");
const dist = join(root, "dist");
const main = join(dist, "mlx.js");
const addon = join(dist, "addon.js");
/** What gets the content of each part, a file of lib that there is in bundles only. */
const contents = join(lib, "parts.ts");
const { version } = require(join(root, "package.json"));

/** The modules of the package, by their folders. */
const folders = ["core", "nn", "optimizers", "utils", "testing", "options"];

/**
 * What comes when it is first used: for each file of dist/parts, what of lib it begins with. Not what says why loading
 * failed: that has to work where files are missing.
 */
const late = {
  nn: ["nn/index.ts"],
  optimizers: ["optimizers/index.ts"],
  testing: ["testing/index.ts"],
  files: ["core/io/io.ts", "core/transforms/export.ts"],
  transforms: [
    "core/transforms/compile.ts",
    "core/transforms/structure.ts",
    "core/transforms/transforms.ts",
  ],
  trees: ["utils/clip.ts", "utils/tree.ts"],
  ops: [
    "core/fast.ts",
    "core/ops/convolution.ts",
    "core/ops/quantization.ts",
    "core/ops/sorting.ts",
  ],
  random: ["core/random.ts"],
  distributed: ["core/distributed.ts"],
  errors: ["core/call/describe.ts", "core/call/hints.ts"],
  more: [
    "core/custom-kernel.ts",
    "core/fft.ts",
    "core/linalg.ts",
    "core/pipeline.ts",
    "core/report.ts",
    "core/transforms/custom.ts",
  ],
};

/** @param {string} code @returns {string} it in ASCII */
function escaped(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Writes a file of all that a module needs.
 *
 * @param {string} file
 * @param {string} code The module, as a file of lib.
 * @param {(file: string) => string | undefined} [instead] What to take in place of a file of lib.
 * @param {{ banner?: string, footer?: string }} [around]
 * @returns {Promise<string[]>} the files of lib that are in it
 */
async function bundle(file, code, instead = () => undefined, around = {}) {
  const entry = join(lib, "bundle.ts");
  const nameOf = (/** @type {string} */ id) => relative(lib, id).replaceAll(sep, "/");
  /** @type {string[]} */
  const files = [];
  const builder = await rolldown({
    input: entry,
    platform: "node",
    external: [/^[^./]/, /\/(addon|parts\/\w+)\.js$/],
    transform: { define: { MLX_JS_VERSION: JSON.stringify(version) } },
    plugins: [
      {
        name: "entry",
        resolveId: (id) => [entry, contents].find((file) => join(lib, id) === file || id === file),
        load(id) {
          const text = id === entry ? code : instead(nameOf(id));
          if (text === undefined) {
            files.push(nameOf(id));
          }
          return text;
        },
        // A file without exports would be taken for CommonJS, as package.json has
        // it, and all that it imports be wrapped into functions.
        transform: (code, id) =>
          id.endsWith(".ts") ? { code: `${code}\nexport {};\n`, map: null } : undefined,
      },
    ],
  });
  await builder.write({ file, format: "cjs", comments: false, sourcemap: true, ...around });
  // V8 keeps text that is ASCII alone in half the memory, and reads it faster.
  writeFileSync(file, escaped(readFileSync(file, "utf8")));
  return files;
}

/** @typedef {{ [name: string]: unknown }} Module */

/** @param {unknown} value @returns {value is Module} */
function isModule(value) {
  return Object.prototype.toString.call(value) === "[object Module]";
}

/**
 * The source of an object with the names of a part, which comes when one of them is read.
 *
 * @param {Module} module @param {string} part
 */
function awaiting(module, part) {
  const names = Object.keys(module).join(" ");
  return `late("${names}".split(" "), parts.${part})`;
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
    const file = Object.keys(partOfFile).find((file) => exported[file] === value);
    if (file !== undefined && isModule(value)) {
      return `${name}: ${awaiting(value, String(partOfFile[file]))},\n`;
    }
    return `${name}: ${isModule(value) ? literal(value, member) : member},\n`;
  });
  return `{\n${entries.join("")}}`;
}

/** @template T @param {Iterable<T>} things @param {(thing: T, i: number) => string} line */
function lines(things, line) {
  return Array.from(things, line).join("\n");
}

// What is in the package can be asked of the package: so all of it is bundled once,
// to learn what each file of lib exports.
rmSync(join(dist, "parts"), { recursive: true, force: true });
const sources = readdirSync(lib, { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll(sep, "/"))
  .filter((file) => file.endsWith(".ts"));
await bundle(
  main,
  `${lines(sources, (file, i) => `import * as file${i} from "./${file}";`)}
export const files = { ${lines(sources, (file, i) => `"${file}": file${i},`)} };`,
);
/** @type {Record<string, Module>} */
const exported = require(main).files;
const all = exported["index.ts"] ?? {};
const modules = Object.fromEntries(
  folders.map((folder) => [folder, exported[`${folder}/index.ts`] ?? {}]),
);

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

/** The parts that files begin, by these. @type {Record<string, string>} */
const partOfFile = {};
for (const [part, begins] of Object.entries(late)) {
  for (const file of part in modules ? [] : begins) {
    partOfFile[file] = part;
  }
}

/**
 * Where something else that a file exports comes from, which does not come late.
 *
 * @param {string} file @param {string} name
 */
function homeOf(file, name) {
  const value = exported[file]?.[name];
  const home = sources.find(
    (other) =>
      !other.endsWith("index.ts") && !(other in partOfFile) && exported[other]?.[name] === value,
  );
  if (home === undefined) {
    throw new Error(`lib/${file} comes late, and must make functions only, not ${name}`);
  }
  return home;
}

/**
 * Functions that get what they do from a part.
 *
 * @param {string} part @param {string} file
 */
function standIns(part, file) {
  const functions = Object.entries(exported[file] ?? {}).map(([name, value]) => {
    if (typeof value !== "function" || /^class\b/.test(String(value))) {
      const home = JSON.stringify(join(lib, homeOf(file, name)));
      return `export { ${name} } from ${home};`;
    }
    const parameters = [..."abcdefgh"].slice(0, value.length).join(", ");
    return `export function ${name}(${parameters}) { return content().${name}.apply(undefined, arguments); }`;
  });
  return `import { ${part} as content } from ${JSON.stringify(contents)};
${functions.join("\n")}`;
}

/** What stands in the main file for files that come late. @type {Record<string, string>} */
const stubs = {};
for (const [file, part] of Object.entries(partOfFile)) {
  stubs[file] = standIns(part, file);
}

// What loads the addon. A few lines of it are in the main file, too.
const first = await bundle(addon, 'export * from "./core/call/open.ts";');
const shared = ["core/call/codes.ts"];
await bundle(
  addon,
  lines(first, (file) => `export * from "./${file}";`),
);
for (const file of first.filter((file) => !shared.includes(file))) {
  const names = Object.keys(exported[file] ?? {});
  stubs[file] = `const addon = require("${posix.relative(posix.dirname(file), "addon.js")}");
${lines(names, (name) => `export const ${name} = addon.${name};`)}`;
}

/** The addon's functions that come late, by their families, which have the names of files. */
const { "": _, ...families } = signatures();
const familiesOf = (/** @type {readonly string[]} */ begins) =>
  begins.map((file) => posix.basename(file, ".ts")).filter((name) => name in families);

// One for each part: its text makes everything in it anew whenever it is called.
stubs["parts.ts"] = `import { part } from "./core/call/late.ts";
${lines(Object.entries(late), ([part, begins]) => {
  const names = familiesOf(begins).map((name) => `, "${name}"`);
  return `export const ${part} = part(() => require("./parts/${part}.js")${names.join("")});`;
})}`;

/**
 * Refuses a file that calls a function of the addon's which need not be there.
 *
 * @param {string} path @param {readonly string[]} own the families that come with the file
 */
function checkFamilies(path, own) {
  const text = readFileSync(path, "utf8");
  for (const [family, functions] of Object.entries(families)) {
    const name = Object.keys(functions).find((name) =>
      new RegExp(`\\bnative(?:\\$\\d+)?\\.${name}\\b`).test(text),
    );
    if (name !== undefined && !own.includes(family)) {
      throw new Error(`${path} calls ${name}, which comes with the part of ${family}.ts`);
    }
  }
}

/** @type {Map<string, unknown[]>} What there is of each name, as far as parts might need it. */
const values = new Map();

/**
 * The name of something that parts need: its own, unless something else has it, too.
 *
 * @param {string} file @param {string} name
 */
function keyOf(file, name) {
  const others = values.get(name) ?? [];
  const value = exported[file]?.[name];
  const place = others.includes(value) ? others.indexOf(value) : others.push(value) - 1;
  values.set(name, others);
  return place === 0 ? name : `${name}${place}`;
}

/** @typedef {Map<string, { file: string, name: string }>} Shared what parts need of the main file, by keys */

/** Files of lib that several parts need. */
const common = ["core/lifetime/names.ts"];

/**
 * Bundles the main file.
 *
 * @param {Shared} shared
 */
function bundleMain(shared) {
  const early = folders.filter((folder) => !(folder in late));
  const objects = folders.map((folder) => {
    const content = early.includes(folder)
      ? literal(modules[folder] ?? {}, folder)
      : awaiting(modules[folder] ?? {}, folder);
    return `const ${folder}Object = ${content};`;
  });
  const objectsOf = (/** @type {Module} */ names) =>
    lines(Object.entries(names), ([name, module]) => `${name}: ${partOf(module)}Object,`);
  const code = `
${lines(common, (file) => `import "./${file}";`)}
${lines(early, (folder) => `import * as ${folder} from "./${folder}/index.ts";`)}
${lines(shared.values(), ({ file, name }, i) => `import { ${name} as shared${i} } from "./${file}";`)}
import { late, share } from "./core/call/late.ts";
import * as parts from "./parts.ts";
import { load } from "./core/call/native.ts";
share(() => ({ ${lines(shared.keys(), (key, i) => `${key}: shared${i},`)} }));
${objects.join("\n")}
const all = { ${objectsOf(named)}
default: { ${objectsOf(/** @type {Module} */ (byDefault))} } };
export { ${lines(folders, (folder) => `${folder}Object as ${folder},`)} all, load };`;
  // In strict code, `arguments` is passed on without a list being made of it.
  return bundle(main, code, (file) => stubs[file], { banner: '"use strict";' });
}

// Modules of lib that only gather others are taken as they are.
const isOwn = (/** @type {string} */ file) => !file.endsWith("index.ts");

/**
 * Bundles a part.
 *
 * @param {string} part
 * @param {readonly string[]} begins
 * @param {ReadonlySet<string>} early what is in the main file
 * @param {Shared} shared gets what the part needs of that
 */
async function bundlePart(part, begins, early, shared) {
  /** @type {Shared} */
  const keys = new Map();
  const fromMain = (/** @type {string} */ file) =>
    lines(Object.keys(exported[file] ?? {}), (name, i) => {
      const key = keyOf(file, name);
      keys.set(key, { file, name });
      return `const from${i} = /* @__PURE__ */ outside("${key}"); export { from${i} as ${name} };`;
    });
  const names = begins.flatMap((file) => Object.keys(exported[file] ?? {}));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new Error(`two files that part ${part} begins with export ${twice}`);
  }
  // The texts and errors of layers and optimizers have the names of their exports.
  const code = `${lines(begins, (file, i) => `import * as all${i} from "./${file}";`)}
import { withNames } from "./core/lifetime/names.ts";
export const content = withNames(Object.assign(
${lines(begins, (file, i) => `${literal(exported[file] ?? {}, `all${i}`)},`)}
));`;
  const path = join(dist, "parts", `${part}.js`);
  const files = await bundle(
    path,
    code,
    (file) => (early.has(file) && !begins.includes(file) ? fromMain(file) : undefined),
    // In parentheses, it is compiled at once.
    { banner: "module.exports = (function (outside, exports) {", footer: "return exports;\n});" },
  );
  for (const [, key = ""] of readFileSync(path, "utf8").matchAll(/ outside\("(\w+)"\)/g)) {
    shared.set(key, /** @type {{ file: string, name: string }} */ (keys.get(key)));
  }
  return files.filter(isOwn);
}

/** Bundles the main file and all parts; whether no file of lib is in two of them. */
async function bundleAll() {
  const early = new Set([...(await bundleMain(new Map())).filter(isOwn), ...Object.keys(stubs)]);
  /** @type {Shared} */
  const shared = new Map();
  const done = new Set();
  let once = true;
  for (const [part, begins] of Object.entries(late)) {
    for (const file of await bundlePart(part, begins, early, shared)) {
      if (done.has(file)) {
        common.push(file);
        once = false;
      }
      done.add(file);
    }
  }
  await bundleMain(shared);
  return once;
}

while (!(await bundleAll())) {
  // What several parts need is in the main file now.
}
checkFamilies(main, []);
for (const [part, begins] of Object.entries(late)) {
  checkFamilies(join(dist, "parts", `${part}.js`), familiesOf(begins));
}

/**
 * Writes the modules of a folder.
 *
 * @param {string} folder
 * @param {string} code has `parts`, which the main file exports
 * @param {string} content Where what is exported is in that.
 * @param {string[]} names
 * @param {{ mjs: string, js: string, bundled: string, types: string }} [byDefault]
 */
function write(
  folder,
  code,
  content,
  names,
  byDefault = { mjs: "", js: "", bundled: "", types: "" },
) {
  mkdirSync(join(dist, folder), { recursive: true });
  const path = (/** @type {string} */ extension) => join(dist, folder, `index.${extension}`);
  const list = (/** @type {(name: string, i: number) => string} */ entry) =>
    `{\n${names.map((name, i) => `  ${entry(name, i)},\n`).join("")}}`;
  // Node learns the names of a CommonJS module from its text, not by running it.
  const hint = `0 && (${names.map((name) => `exports.${name} = `).join("")}0);\n`;
  writeFileSync(
    path("js"),
    `"use strict";\n${code}${byDefault.js || `module.exports = ${content};\n`}${hint}`,
  );
  // `import` of CommonJS has Node read the names from the text, with a parser that it loads for
  // that: a tenth of the time that the package takes to load.
  writeFileSync(
    path("mjs"),
    `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
${code}const ${list((name, i) => `${name}: _${i}`)} = ${content};
export ${list((name, i) => `_${i} as ${name}`)};
${byDefault.mjs}`,
  );
  // Bundlers follow imports alone, and this one by the condition `module` of package.json.
  writeFileSync(
    join(dist, folder, "bundled.mjs"),
    `export ${list((name) => name)} from "./index.js";\n${byDefault.bundled}`,
  );
  writeFileSync(path("d.mts"), `export * from "./index.js";\n${byDefault.types}`);
}

for (const [part, module] of Object.entries(modules)) {
  const names = Object.keys(module);
  const main = 'require("../mlx.js")';
  const code = [
    // Trees are of JavaScript alone.
    `const parts = ${part === "utils" ? main : `require("../addon.js").opened(() => ${main})`};\n`,
    // Who asks for a module by itself wants it at once: `import` would take an error that comes
    // while it reads the names for values that are undefined.
    part in late ? `void parts.${part}.${names[0]};\n` : "",
    // Whoever loads this one wants it done.
    part === "testing" ? "parts.testing.install();\n" : "",
  ];
  write(part, code.join(""), `parts.${part}`, names);
}

write(
  "",
  'const parts = require("./addon.js").opened(() => require("./mlx.js"));\n',
  "parts.all",
  Object.keys(named),
  {
    mjs: "export default parts.all.default;\n",
    js: `Object.defineProperty(exports, "__esModule", { value: true });
exports.default = parts.all.default;
Object.assign(exports, parts.all);
`,
    bundled: `import module from "./index.js";
// Most bundlers give all exports as the default one, others their \`default\`.
export default module.default ?? module;
`,
    types: `declare const all: typeof import("./index.js").default;
export default all;
`,
  },
);
