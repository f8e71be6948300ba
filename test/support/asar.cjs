// Runs a program that lies in an archive, as Electron's Node does: `require` and
// `fs` see into archives, the system's loader does not.
// usage: asar.cjs PATH   /somewhere/app.asar/main.js
"use strict";
const fs = require("node:fs");
const Module = require("node:module");
const { dirname, extname, isAbsolute, join } = require("node:path");
const tools = Module.createRequire(join(__dirname, "..", "electron", "package.json"));
/** @typedef {{ files?: Record<string, Entry> }} Entry */
/** @type {{ getRawHeader(archive: string): { header: Entry }, extractFile(archive: string, path: string): Buffer }} */
const asar = tools("@electron/asar");

/** The archive and the path in it. @param {unknown} path */
function placeOf(path) {
  const [, archive, name] = /^(.*?\.asar)[\\/](.+)$/.exec(String(path)) ?? [];
  return archive === undefined || name === undefined ? undefined : { archive, name };
}

/** What an archive says of its entries, by the archive. @type {Map<string, Entry>} */
const headers = new Map();

/**
 * What the archive says of it; its own files and those beside it are the same here.
 * asar.statFile finds a folder where there is none.
 *
 * @param {string} path
 */
function entryOf(path) {
  const { archive = "", name = "" } = placeOf(path) ?? {};
  const header = headers.get(archive) ?? asar.getRawHeader(archive).header;
  headers.set(archive, header);
  /** @type {Entry | undefined} */
  let entry = header;
  for (const part of name.split(/[\\/]/)) {
    entry = entry?.files?.[part];
  }
  return entry;
}

const { existsSync, readFileSync } = fs;
/** @param {import("node:fs").PathLike} path */
fs.existsSync = (path) => (placeOf(path) ? entryOf(String(path)) !== undefined : existsSync(path));

/** @type {any} */
const patched = fs;
patched.readFileSync = (/** @type {any} */ path, /** @type {any} */ options) => {
  const place = placeOf(path);
  if (place === undefined) {
    return readFileSync(path, options);
  }
  const bytes = asar.extractFile(place.archive, place.name);
  const encoding = typeof options === "string" ? options : options?.encoding;
  return encoding ? bytes.toString(encoding) : bytes;
};

/** @param {string} path */
const isFile = (path) => {
  const entry = entryOf(path);
  return entry !== undefined && !("files" in entry);
};

/** The first target whose conditions hold. @param {unknown} target @returns {string | undefined} */
function choose(target) {
  if (typeof target !== "object" || target === null) {
    return typeof target === "string" ? target : undefined;
  }
  const [, chosen] =
    Object.entries(target).find(([name]) => ["node", "require", "default"].includes(name)) ?? [];
  return choose(chosen);
}

/** @param {string} request @param {string} from a file in an archive */
function resolve(request, from) {
  const found = (/** @type {string} */ path) =>
    ["", ".js", ".json", "/index.js"].map((end) => `${path}${end}`).find(isFile);
  if (isAbsolute(request) || request.startsWith(".")) {
    return found(isAbsolute(request) ? request : join(dirname(from), request));
  }
  const [, name = "", rest = ""] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(request) ?? [];
  for (let folder = dirname(from); placeOf(join(folder, "x")); folder = dirname(folder)) {
    const root = join(folder, "node_modules", name);
    if (isFile(join(root, "package.json"))) {
      const { exports, main } = JSON.parse(fs.readFileSync(join(root, "package.json"), "utf8"));
      return found(join(root, choose(exports?.[`.${rest}`]) ?? (rest || main || "index.js")));
    }
  }
  return undefined;
}

/** @type {any} */
const internals = Module;
const { _resolveFilename } = internals;
internals._resolveFilename = (
  /** @type {string} */ request,
  /** @type {{ filename?: string } | undefined} */ parent,
  /** @type {unknown[]} */ ...rest
) => {
  const from = isAbsolute(request) ? request : parent?.filename;
  if (from === undefined || !placeOf(from) || Module.isBuiltin(request)) {
    return _resolveFilename(request, parent, ...rest);
  }
  const path = resolve(request, from);
  if (path === undefined) {
    const error = new Error(`Cannot find module '${request}'`);
    throw Object.assign(error, { code: "MODULE_NOT_FOUND" });
  }
  return path;
};
const ordinary = internals._extensions[".js"];
internals._extensions[".js"] = (/** @type {any} */ module, /** @type {string} */ path) => {
  if (placeOf(path) && extname(path) === ".js") {
    module._compile(fs.readFileSync(path, "utf8"), path);
  } else {
    ordinary(module, path);
  }
};

require(process.argv[2] ?? "");
