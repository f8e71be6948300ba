// What the packages hold beside our own code, and under which licenses: scripts/licenses/components.json
// says so, and here it is held against what is there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../licenses", import.meta.url));

/**
 * @typedef {object} Component what others made
 * @property {string} name
 * @property {string[]} in the files that hold it; `*` stands for a part of a name, `**` for any
 * @property {string} [only] how the names of the packages begin where they do
 * @property {string[]} [parts] what its symbols in binaries begin with
 * @property {string} copyright
 * @property {string[]} licenses names of texts
 * @property {string} [note]
 */

/** @type {Component[]} */
export const components = JSON.parse(readFileSync(join(source, "components.json"), "utf8"));

// Files, and a namespace, that are ours.
const own = /^(LICENSE|README\.md|index\.(js|d\.ts)|package\.json|prepare\.js|licenses\/.*)$/;
const ownPart = "mlxjs::";
/** Of it some names are hidden, and CMakeLists.txt says what it is made of. */
const addon = "mlx/lib/mlx.node";

/** @param {string} pattern @param {string} path */
function fits(pattern, path) {
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    const any = { "*": "[^/]*", "**": ".*" }[part];
    return any ?? part.replace(/[.+]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`).test(path);
}

/** @param {Component} component @param {string} path */
const isIn = (component, path) => component.in.some((pattern) => fits(pattern, path));

/** The components of a package. @param {string} name @param {string[]} files */
export function heldBy(name, files) {
  return components.filter(
    (component) =>
      name.startsWith(component.only ?? "") && files.some((path) => isIn(component, path)),
  );
}

/** Where a package has a component: files, and folders whole. @param {Component} component @param {string[]} files */
function placesOf(component, files) {
  return component.in.flatMap((pattern) => {
    const found = files.filter((path) => fits(pattern, path));
    return pattern.endsWith("/**") && found.length > 0 ? [pattern.slice(0, -3)] : found;
  });
}

/** What goes into the folder `licenses` of a package. @param {string} name @param {string[]} paths its files */
export function licenseFiles(name, paths) {
  const held = heldBy(name, paths);
  /** @type {Record<string, string>} */
  const files = {};
  for (const license of held.flatMap(({ licenses }) => licenses)) {
    const path = join(source, `${license}.txt`);
    // That of OpenBLAS comes with it.
    if (existsSync(path)) {
      files[`${license}.txt`] = readFileSync(path, "utf8");
    }
  }
  const entries = held.map((component) =>
    [
      component.name,
      `In: ${placesOf(component, paths).join(", ")}`,
      ...component.copyright.split("; "),
      ...(component.licenses.length > 0
        ? [`Licenses: ${component.licenses.map((license) => `${license}.txt`).join(", ")}`]
        : []),
      ...(component.note ? [component.note] : []),
    ].join("\n"),
  );
  files["README.txt"] =
    "What this package holds beside mlx-js itself, which is under the license in LICENSE. The\n" +
    `texts of the licenses lie here.\n\n${entries.join("\n\n")}\n`;
  return files;
}

/** The first word of each holder that a header names. @param {string} text */
function holders(text) {
  const line =
    /copyright\s*(?:\(c\)|©|@|(?=\(?\d{4}))\s*\(?(?:\d{4}[\d\s,–-]*)?\)?[^A-Za-z\n]*(?:the )?([A-Z][\w-]*)/gi;
  return new Set([...text.matchAll(line)].map(([, holder = ""]) => holder));
}

/**
 * What of a package no component accounts for, and components that account for nothing.
 *
 * @param {string} name
 * @param {string[]} files
 * @param {Record<string, { parts?: string[] }>} binaries
 * @returns {string[]}
 */
export function unclaimed(name, files, binaries) {
  const held = heldBy(name, files);
  const list = "scripts/licenses/components.json";
  const texts = new Set(held.flatMap(({ licenses }) => licenses.map((text) => `${text}.txt`)));
  return [
    ...files
      .filter((path) => !own.test(path) && !held.some((component) => isIn(component, path)))
      .map((path) => `${name}: ${list} says of nothing that it is in ${path}`),
    ...Object.entries(binaries).flatMap(([path, { parts = [] }]) =>
      parts
        .filter((part) => part !== ownPart)
        .filter((part) => !held.some((one) => isIn(one, path) && one.parts?.includes(part)))
        .map((part) => `${name} ${path}: ${list} does not say whose ${part} is`),
    ),
    ...held
      .filter(
        ({ in: places, parts }) =>
          parts &&
          !places.includes(addon) &&
          !Object.values(binaries).some((one) => parts.some((x) => one.parts?.includes(x))),
      )
      .map((component) => `${name}: nothing is there of ${component.name}, which ${list} names`),
    ...[...texts]
      .filter((text) => !files.includes(`licenses/${text}`))
      .map((text) => `${name}: licenses/${text} is not there`),
    ...files
      .filter((path) => path.startsWith("licenses/") && path !== "licenses/README.txt")
      .filter((path) => !texts.has(path.slice("licenses/".length)))
      .map((path) => `${name}: nothing is under ${path}`),
  ];
}

/**
 * Holders of a copyright whom headers name, and whom the package does not.
 *
 * @param {string} name
 * @param {string} folder
 * @param {string[]} files
 * @returns {string[]}
 */
export function unnamed(name, folder, files) {
  const all = heldBy(name, files).map(({ copyright }) => copyright.toLowerCase());
  return files
    .filter((path) => path.startsWith("mlx/include/"))
    .flatMap((path) =>
      [...holders(readFileSync(join(folder, path), "utf8"))]
        .filter((holder) => !all.some((text) => text.includes(holder.toLowerCase())))
        .map((holder) => `${name} ${path}: no component has a copyright of ${holder}`),
    );
}
