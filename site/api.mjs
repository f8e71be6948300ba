// The pages of the API: TypeDoc reads the sources and their comments, and for each family
// a page of Markdown is written. TypeDoc's own themes give every parameter and
// every option of every function a heading; here one function is one heading,
// with the options where they are used.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import katex from "katex";
import { Application, ReflectionKind } from "typedoc";
import ts from "typescript";
import { familyOf, groups } from "./families.mjs";
import { formulas, setApart } from "./formulas.mjs";
import { withOutput } from "./output.mjs";

/** @typedef {import("typedoc").DeclarationReflection} Declaration */
/** @typedef {import("typedoc").SignatureReflection} Signature */
/** @typedef {import("typedoc").Comment} Comment */
/** @typedef {import("typedoc").SomeType} Type */

/**
 * @typedef {object} Entry what has one heading: a value and a type may share a name
 * @property {string} name as users write it
 * @property {string} id
 * @property {string} slug
 * @property {number[]} rank
 * @property {Declaration[]} parts
 */

const root = fileURLToPath(new URL("../", import.meta.url));
/** Where each entry point is, and what users write before its names. @type {Record<string, string>} */
const entryPoints = {
  "lib/core": "mx.",
  "lib/nn": "nn.",
  "lib/optimizers": "optim.",
  "lib/utils": "utils.",
  "lib/testing": "",
  "packages/lm/src": "",
};

async function read() {
  const app = await Application.bootstrap({
    tsconfig: `${root}site/tsconfig.api.json`,
    entryPoints: Object.keys(entryPoints).map((name) => `${root}${name}/index.ts`),
    disableSources: false,
    disableGit: true,
    sourceLinkTemplate: "{path}",
    readme: "none",
    excludePrivate: true,
    excludeInternal: true,
    excludeProtected: true,
    sort: ["source-order"],
    // Types that are not exported are spelled out where they are used.
    validation: { notExported: false, invalidLink: true, notDocumented: true },
    requiredToBeDocumented: ["Variable", "Class", "Interface", "TypeAlias"],
    logLevel: "Warn",
  });
  const project = await app.convert();
  if (project === undefined) {
    throw new Error("TypeDoc could not read lib/");
  }
  // TypeDoc writes the type of a function without the dots of its last parameter.
  for (const signature of project.getReflectionsByKind(ReflectionKind.CallSignature)) {
    if (signature.isSignature() && signature.parent.kindOf(ReflectionKind.TypeLiteral)) {
      for (const parameter of signature.parameters ?? []) {
        parameter.name = `${parameter.flags.isRest ? "..." : ""}${parameter.name}`;
      }
    }
  }
  nameParameters(project);
  app.validate(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error("TypeDoc found what is said above");
  }
  return project;
}

/**
 * A parameter that is taken apart in the signature has no name, and readers see TypeDoc's own. Those of
 * JavaScript's iterators, which are rest parameters, are values; others are to be named.
 *
 * @param {import("typedoc").ProjectReflection} project
 */
function nameParameters(project) {
  for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter)) {
    if (parameter.name.endsWith("__namedParameters")) {
      if (!parameter.flags.isRest) {
        throw new Error(`${parameter.getFullName()}: a parameter needs a name`);
      }
      parameter.name = "value";
    }
  }
}

/**
 * A type without `Accepts<…>`, which only makes errors of TypeScript's.
 *
 * @param {string} text
 */
function withoutChecks(text) {
  const start = text.indexOf(" & Accepts<");
  if (start < 0) {
    return text;
  }
  let depth = 0;
  const end = [...text].findIndex((letter, i) => {
    depth += i < start ? 0 : letter === "<" ? 1 : letter === ">" && text[i - 1] !== "=" ? -1 : 0;
    return i > start && letter === ">" && depth === 0;
  });
  return withoutChecks(text.slice(0, start) + text.slice(end + 1));
}

/** @param {string} text */
const html = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {string} text */
const prose = (text) =>
  text
    .replaceAll("<", "&lt;")
    .replaceAll("{{", "&#123;&#123;")
    .replace(/\barXiv[: ](\d{4}\.\d{4,5})/g, "[arXiv $1](https://arxiv.org/abs/$1)");

/** A formula, which is scrolled where it is wider than the page. @param {string} tex */
const rendered = (tex) =>
  `<div class="formula" v-pre tabindex="0">${katex.renderToString(tex, { displayMode: true, strict: "error" })}</div>\n`;

/** Equations in code that are a paragraph or a list of their own. */
const equations = /(?<=\n\n)(?:(?:- )?`[^`\n]+ = [^`\n]+`[^`\n]*\n)+/;

/** @type {Map<string, ts.SourceFile>} */
const sources = new Map();

/** @param {string} file */
function sourceOf(file) {
  const source =
    sources.get(file) ??
    ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
  sources.set(file, source);
  return source;
}

/**
 * What a type parameter extends, as the source has it: TypeDoc spells some aliases out.
 *
 * @param {Signature} signature @param {string} name
 */
function boundText(signature, name) {
  const { fullFileName, line } = signature.sources?.[0] ?? {};
  if (fullFileName === undefined || line === undefined) {
    return undefined;
  }
  const source = sourceOf(fullFileName);
  /** @type {(node: ts.Node) => string | undefined} */
  const find = (node) => {
    const at = ts.isFunctionLike(node) ? (node.name ?? node).getStart() : undefined;
    return at !== undefined && source.getLineAndCharacterOfPosition(at).line + 1 === line
      ? /** @type {ts.SignatureDeclaration} */ (node).typeParameters
          ?.find((x) => x.name.text === name)
          ?.constraint?.getText()
          .replace(/\s+/g, " ")
      : ts.forEachChild(node, find);
  };
  return find(source);
}

/**
 * What a type that is not exported stands for, such as `number | number[]` for `Axes`.
 *
 * @param {string} file @param {string} name
 */
function aliasText(file, name) {
  const alias = aliasOf(file, name);
  return alias?.typeParameters === undefined ? alias?.type.getText() : undefined;
}

/** @param {string} file @param {string} name */
function aliasOf(file, name) {
  return sourceOf(file)
    .statements.filter(ts.isTypeAliasDeclaration)
    .find((alias) => alias.name.text === name);
}

/**
 * @typedef {object} Python
 * @property {string} name
 * @property {string} note why it differs, if it does
 */

/**
 * @param {Map<string, Python>} python by our names
 * @returns {Promise<{ pages: Map<string, string>, links: Map<string, string> }>} the pages by
 * their slugs, and where names such as `mx.sum` stand
 */
export async function api(python) {
  const project = await read();
  const entries = entriesOf(project);
  /** @type {Map<number, string>} */
  const places = new Map();
  /** @type {Map<string, string>} */
  const links = new Map();
  /** @type {Map<string, string>} */
  const typeLinks = new Map();
  for (const { name, id, slug, parts } of entries) {
    links.set(name, `${slug}.html#${id}`);
    for (const part of parts) {
      places.set(part.id, `${slug}.html#${id}`);
      for (const child of part.children ?? []) {
        places.set(child.id, `${slug}.html#${id}-${child.name}`);
        if (shown(child)) {
          links.set(`${name}.${child.name}`, `${slug}.html#${id}-${child.name}`);
        }
      }
      if (!part.kindOf([ReflectionKind.Function, ReflectionKind.Variable])) {
        const short = /** @type {string} */ (name.split(".").at(-1));
        typeLinks.set(short, typeLinks.get(short) ?? `${slug}.html#${id}`);
      }
    }
  }
  // Options are shown where they are used, and need no place of their own.
  /** @type {Set<number>} */
  const used = new Set();
  const write = writer(places, typeLinks, python, used);
  for (const entry of entries) {
    write(entry);
  }
  const isUsed = (/** @type {Entry} */ { parts }) => parts.every(({ id }) => used.has(id));
  for (const { name, parts } of entries.filter(isUsed)) {
    for (const { id } of parts) {
      places.delete(id);
    }
    typeLinks.delete(/** @type {string} */ (name.split(".").at(-1)));
  }
  /** @type {Map<string, string[]>} */
  const bodies = new Map();
  /** @type {Map<string, Entry[]>} */
  const members = new Map();
  for (const entry of entries.filter((entry) => !isUsed(entry))) {
    bodies.set(entry.slug, [...(bodies.get(entry.slug) ?? []), write(entry)]);
    members.set(entry.slug, [...(members.get(entry.slug) ?? []), entry]);
  }
  const unknown = Object.keys(formulas).filter((name) => !links.has(name));
  if (unknown.length > 0) {
    throw new Error(`site/formulas.mjs has formulas of what does not exist: ${unknown.join(", ")}`);
  }
  const pages = new Map();
  for (const { slug, title, about } of groups.flatMap(({ families }) => families)) {
    const entries = members.get(slug) ?? [];
    const list = (/** @type {[string, string][]} */ all, /** @type {string} */ label) =>
      [
        `<nav class="names" aria-label="${label}">`,
        ...all.map(([name, id]) => `<a href="#${id}">${name}</a>`),
        "</nav>\n",
      ].join("\n");
    const methods = (entries.find(({ name }) => name === "mx.array")?.parts ?? [])
      .flatMap(({ children }) => children ?? [])
      .filter((child) => shown(child) && !child.name.startsWith("["));
    pages.set(
      slug,
      [
        `---\noutline: ${slug === "array" ? "[2, 3]" : 2}\npageClass: api\n---\n`,
        `# ${title} {#top}\n`,
        `${about}\n`,
        list(
          entries.map(({ name, id }) => [name.slice(shared(entries)), id]),
          "Names on this page",
        ),
        ...(methods.length === 0
          ? []
          : [
              "What an array has:\n",
              list(
                methods.map(({ name }) => [`x.${name}`, `array-${name}`]),
                "Methods of an array",
              ),
            ]),
        ...(bodies.get(slug) ?? []),
      ].join("\n"),
    );
  }
  return { pages, links };
}

/** How long the namespace is that all names begin with. @param {Entry[]} entries */
function shared(entries) {
  const [first = ""] = entries.map(({ name }) => name);
  const prefix = first.slice(0, first.lastIndexOf(".") + 1);
  return entries.every(({ name }) => name.startsWith(prefix)) ? prefix.length : 0;
}

/** @param {import("typedoc").ProjectReflection} project @returns {Entry[]} */
function entriesOf(project) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  /** @type {(owner: Declaration, prefix: string) => void} */
  const visit = (owner, prefix) => {
    for (const [i, child] of (owner.children ?? []).entries()) {
      const name = `${prefix}${child.name}`;
      if (child.kindOf(ReflectionKind.Namespace)) {
        visit(child, `${name}.`);
        continue;
      }
      const target = child.isReference() ? child.getTargetReflection() : child;
      const file = child.sources?.[0]?.fileName.replace(/^.*?lib\//, "") ?? "";
      const family = familyOf(file);
      if (family === undefined) {
        throw new Error(`site/families.mjs has no page for ${name} of ${file}`);
      }
      const known = entries.get(name);
      if (known !== undefined) {
        known.parts.push(child);
        continue;
      }
      const [slug, rank] = family;
      const id = name
        .split(".")
        .slice(name.split(".").length > 2 ? 1 : -1)
        .join("-");
      const line = child.sources?.[0]?.line ?? i;
      const parts = [/** @type {Declaration} */ (target)];
      entries.set(name, { name, id, slug, rank: [rank, line], parts });
    }
  };
  for (const module of project.children ?? []) {
    const prefix = entryPoints[module.name.replace(/\/index$/, "")];
    if (prefix === undefined) {
      throw new Error(`an entry point without a name for users: ${module.name}`);
    }
    visit(module, prefix);
  }
  // What is called first, then the types, each in the order of the source.
  const late = (/** @type {Entry} */ { name, parts }) =>
    name === "mx.array"
      ? -1
      : Number(parts.every((x) => x.kindOf([ReflectionKind.Interface, ReflectionKind.TypeAlias])));
  const order = (/** @type {Entry} */ entry) => [late(entry), ...entry.rank];
  return [...entries.values()].sort((a, b) => {
    const [x, y] = [order(a), order(b)];
    const at = x.findIndex((value, i) => value !== y[i]);
    return at === -1 ? 0 : /** @type {number} */ (x[at]) - /** @type {number} */ (y[at]);
  });
}

/**
 * Whether a member of a class has text of its own there: what it inherits has it elsewhere, but
 * for what an array and a layer of one function are called for.
 *
 * @param {Declaration} member
 */
function shown(member) {
  return (
    !member.flags.isPrivate &&
    !member.flags.isProtected &&
    member.name !== "constructor" &&
    !member.name.startsWith("__") &&
    (member.inheritedFrom === undefined ||
      member.parent?.name === "array" ||
      member.inheritedFrom.name === "UnaryLayer.forward")
  );
}

/**
 * @param {Map<number, string>} places
 * @param {Map<string, string>} typeLinks
 * @param {Map<string, Python>} python
 * @param {Set<number>} used
 */
function writer(places, typeLinks, python, used) {
  /** @param {Type | undefined} type */
  const typeText = (type) => {
    const text = type?.toString() ?? "void";
    return withoutChecks(text)
      .replace(/ \| undefined$/, "")
      .replace(/^undefined \| /, "");
  };

  /** HTML of a type, with links. @param {string} text */
  const linked = (text) =>
    text
      .split(/(\b[A-Za-z]\w*\b)/)
      .map((piece) => {
        const place = typeLinks.get(piece);
        return place === undefined ? html(piece) : `<a href="${place}">${piece}</a>`;
      })
      .join("");

  /** @param {Comment["summary"]} parts */
  const markdown = (parts) =>
    parts
      .map((part) => {
        if (part.kind === "inline-tag") {
          const target = part.target;
          const place =
            typeof target === "object" && "id" in target ? places.get(target.id) : undefined;
          return place === undefined
            ? `\`${part.text}\``
            : `[\`${part.text}\`](${place.replace(".html", ".md")})`;
        }
        return part.kind === "code" ? part.text : prose(part.text);
      })
      .join("");

  /** @param {Comment | undefined} comment @param {string} tag */
  const tags = (comment, tag) =>
    (comment?.blockTags ?? [])
      .filter((block) => block.tag === tag)
      .map((block) => markdown(block.content).trim());

  /**
   * @param {string} name
   * @param {Signature} signature
   * @param {{ member?: boolean, returns?: boolean }} [options]
   */
  const call = (name, signature, { returns = true } = {}) => {
    const parameters = (signature.parameters ?? []).map((parameter) => {
      const rest = parameter.flags.isRest ? "..." : "";
      const optional = parameter.flags.isOptional || parameter.defaultValue !== undefined;
      return `${rest}${parameter.name}${optional ? "?" : ""}: ${linked(typeText(parameter.type))}`;
    });
    const generics = (signature.typeParameters ?? []).map(
      (x) =>
        x.name +
        (x.type === undefined
          ? ""
          : ` extends ${linked(boundText(signature, x.name) ?? typeText(x.type))}`) +
        (x.default === undefined ? "" : ` = ${linked(typeText(x.default))}`),
    );
    const before = `<b>${name}</b>${generics.length > 0 ? `&lt;${generics.join(", ")}&gt;` : ""}`;
    const after = returns ? `: ${linked(typeText(signature.type))}` : "";
    const plain = `${before}(${parameters.join(", ")})${after}`.replace(/<[^>]+>|&\w+;/g, "");
    return plain.length <= 76
      ? `${before}(${parameters.join(", ")})${after}`
      : `${before}(\n${parameters.map((x) => `  ${x},\n`).join("")})${after}`;
  };

  /** @param {string[]} calls */
  const signatures = (calls) =>
    `<pre class="signature" v-pre tabindex="0"><code>${calls.join("\n")}</code></pre>\n`;

  /** What types that have no page stand for. @param {readonly Signature[]} all */
  const aliases = (all) => {
    /** @type {Map<string, string>} */
    const found = new Map();
    /** @param {Type | undefined} type */
    const look = (type) => {
      if (type === undefined) return;
      if (type.type === "reference") {
        const id = type.reflection === undefined ? type.symbolId : undefined;
        const file = id?.fileName ?? "";
        if (id !== undefined && file.includes("/lib/") && !typeLinks.has(type.name)) {
          const text = aliasText(file, id.qualifiedName);
          if (text !== undefined) found.set(type.name, text);
        }
        for (const argument of type.typeArguments ?? []) look(argument);
      } else if (type.type === "union") {
        for (const one of type.types) look(one);
      } else if (type.type === "array") {
        look(type.elementType);
      }
    };
    for (const signature of all) {
      for (const { type } of signature.parameters ?? []) look(type);
      look(signature.type);
    }
    return [...found].map(([name, text]) => {
      const one = text
        .replace(/\s+/g, " ")
        .replace(/^\| /, "")
        .replace(/ \| undefined$/, "")
        .replaceAll("readonly ", "");
      return `<p class="alias"><code>${name}</code> is <code v-pre>${html(one)}</code></p>\n`;
    });
  };

  /** @param {readonly Declaration[]} fields @param {string} [of] the id of their class */
  const list = (fields, of) =>
    fields.length === 0
      ? []
      : [
          `<dl class="options">`,
          ...fields.flatMap((field) => {
            const accessor = field.getSignature;
            const method = field.signatures?.[0];
            const type = method === undefined ? linked(typeText(field.type ?? accessor?.type)) : "";
            const name =
              method === undefined
                ? `<code>${field.name}${field.flags.isOptional ? "?" : ""}</code>`
                : `<code>${call(field.name, method)}</code>`;
            const comment = field.comment ?? accessor?.comment ?? method?.comment;
            const text = comment === undefined ? "" : markdown(comment.summary).trim();
            return [
              `<dt${of === undefined ? "" : ` id="${of}-${field.name}"`}>${name}${type === "" ? "" : ` <span class="type" v-pre>${type}</span>`}</dt>`,
              `<dd>\n\n${text}\n\n</dd>`,
            ];
          }),
          `</dl>\n`,
        ];

  /** The fields of a class: those with a text, and the others in a line. @type {typeof list} */
  const fields = (all, of) => {
    const explained = (/** @type {Declaration} */ x) =>
      (x.comment ?? x.getSignature?.comment) !== undefined;
    const others = all.filter((x) => !explained(x));
    const line = others.map((x) => `<code id="${of}-${x.name}">${x.name}</code>`);
    return [
      ...(others.length === 0 ? [] : [`<p class="fields">Fields: ${line.join(", ")}</p>\n`]),
      ...list(all.filter(explained), of),
    ];
  };

  /** Parameters that have a text, in Markdown. @param {readonly Signature[]} all */
  const parameters = (all) => {
    /** @type {Map<string, string>} */
    const texts = new Map();
    for (const signature of all) {
      for (const { name, comment } of signature.parameters ?? []) {
        if (comment !== undefined && comment.summary.length > 0) {
          texts.set(name, markdown(comment.summary).trim());
        }
      }
    }
    return texts.size === 0
      ? []
      : [
          `<dl class="options">`,
          ...[...texts].map(
            ([name, text]) => `<dt><code>${name}</code></dt>\n<dd>\n\n${text}\n\n</dd>`,
          ),
          `</dl>\n`,
        ];
  };

  /** The options of a function, where it is called. @param {readonly Signature[]} all */
  const options = (all) => {
    /** @type {Map<string, Declaration>} */
    const fields = new Map();
    for (const { parameters } of all) {
      for (const { type } of parameters ?? []) {
        for (const part of type?.type === "union" ? type.types : [type]) {
          const target =
            part?.type === "reference"
              ? /** @type {Declaration | undefined} */ (part.reflection)
              : undefined;
          if (target?.kindOf(ReflectionKind.Interface) && target.name.endsWith("Options")) {
            if (target.name !== "StreamOptions") {
              used.add(target.id);
            }
            for (const field of target.children ?? []) {
              // Every operation has it.
              if (field.name !== "stream") {
                fields.set(field.name, field);
              }
            }
          }
        }
      }
    }
    return list([...fields.values()]);
  };

  /** @param {Comment | undefined} comment */
  const text = (comment) =>
    comment === undefined ? [] : [`${markdown(comment.summary).trim()}\n`];

  /** @param {Comment | undefined} comment */
  const after = (comment) => [
    ...tags(comment, "@returns").map((x) => `**Returns** ${x}\n`),
    ...tags(comment, "@throws").map((x) => `**Throws** ${x}\n`),
    ...tags(comment, "@example").map((example) => `${withOutput(example)}\n`),
  ];

  /** @param {string} name @param {readonly Signature[]} all */
  const functionText = (name, all) => {
    const commented = all.filter(({ comment }) => comment !== undefined);
    return [
      signatures(all.map((signature) => call(name, signature))),
      ...aliases(all),
      ...commented.slice(0, 1).flatMap(({ comment }) => text(comment)),
      ...parameters(all),
      ...options(all),
      // Overloads share one comment, or each has what is true of it alone.
      ...new Set(commented.flatMap(({ comment }) => after(comment))),
    ];
  };

  /** @param {Entry} entry @param {Declaration} part */
  const classText = ({ name, id }, part) => {
    const members = (part.children ?? []).filter(shown);
    const maker = part.children?.find(({ name }) => name === "constructor");
    const isFunction = (/** @type {Declaration} */ member) => member.signatures !== undefined;
    const short = part.name === "array" ? "x" : part.name;
    return [
      ...(maker?.signatures === undefined || part.name === "array"
        ? []
        : [
            signatures(maker.signatures.map((x) => call(`new ${name}`, x, { returns: false }))),
            ...aliases(maker.signatures),
          ]),
      ...text(part.comment),
      ...(maker?.signatures === undefined
        ? []
        : [...parameters(maker.signatures), ...options(maker.signatures)]),
      ...after(part.comment),
      ...(part.name === "array"
        ? []
        : fields(
            members.filter((x) => !isFunction(x) && !x.name.startsWith("[")),
            id,
          )),
      ...members
        .filter((x) => (isFunction(x) || part.name === "array") && !x.name.startsWith("["))
        .flatMap((member) => {
          const signature = member.signatures ?? [];
          const field = member.getSignature ?? member;
          const own = member.flags.isStatic ? `${name}.${member.name}` : member.name;
          return [
            `### ${short}.${member.name} {#${id}-${member.name}}\n`,
            ...pythonText(`${name}.${member.name}`, member.name),
            ...(isFunction(member)
              ? functionText(own, signature)
              : [
                  signatures([`<b>${own}</b>: ${linked(typeText(field.type))}`]),
                  ...text(field.comment),
                  ...after(field.comment),
                ]),
          ];
        }),
    ];
  };

  /** @param {string} name @param {string} short */
  const pythonText = (name, short) => {
    const there = python.get(name);
    if (there === undefined) return [];
    const theirs = there.name.split(".").at(-1);
    const lines = [];
    if (theirs !== short && !theirs?.startsWith("__")) {
      lines.push(`In Python: \`${there.name.replace(/^core\./, "mx.")}\`.`);
    }
    if (there.note !== "") {
      lines.push(`Other than in Python: ${prose(there.note)}`);
    }
    return lines.length === 0 ? [] : [`<div class="python">\n\n${lines.join(" ")}\n\n</div>\n`];
  };

  /** @param {Entry} entry */
  return (entry) => {
    const { name, id, parts } = entry;
    const short = /** @type {string} */ (name.split(".").at(-1));
    const formula = formulas[name];
    const body = parts.flatMap((part) => {
      if (part.kindOf(ReflectionKind.Function)) {
        return functionText(name, part.signatures ?? []);
      }
      if (part.kindOf(ReflectionKind.Variable)) {
        const type = part.type;
        const target =
          type?.type === "reference"
            ? /** @type {Declaration | undefined} */ (type.reflection)
            : undefined;
        const calls =
          type?.type === "reflection" ? type.declaration.signatures : target?.signatures;
        if (calls !== undefined && !target?.kindOf(ReflectionKind.Class)) {
          used.add(target?.id ?? 0);
          return [
            ...functionText(name, calls),
            ...(calls.some(({ comment }) => comment !== undefined) ? [] : text(part.comment)),
            ...after(part.comment),
          ];
        }
        return [
          signatures([`<b>${name}</b>: ${linked(typeText(type))}`]),
          ...text(part.comment),
          ...after(part.comment),
        ];
      }
      if (part.kindOf(ReflectionKind.TypeAlias)) {
        const generics = (part.typeParameters ?? []).map((x) => x.name);
        const head = `<b>${short}</b>${generics.length > 0 ? `&lt;${generics.join(", ")}&gt;` : ""}`;
        const type = typeText(part.type);
        const { fullFileName = "" } = part.sources?.[0] ?? {};
        // A long one in the lines of the source.
        const lines =
          type.length > 76 ? aliasOf(fullFileName, part.name)?.type.getText() : undefined;
        return [
          signatures([
            `type ${head} =${lines?.startsWith("|") ? "\n  " : " "}${linked(lines ?? type)}`,
          ]),
          ...text(part.comment),
          ...after(part.comment),
        ];
      }
      if (part.kindOf(ReflectionKind.Interface) && part.name !== "array") {
        const fields = (part.children ?? []).filter((x) => !x.name.startsWith("["));
        return [
          ...(part.signatures === undefined ? [] : functionText(short, part.signatures)),
          ...text(part.comment),
          ...list(fields),
          ...after(part.comment),
        ];
      }
      return classText(entry, part);
    });
    const head = [`## ${name} {#${id}}\n`, ...pythonText(name, short)];
    if (formula === undefined) {
      return [...head, ...body].join("\n");
    }
    if (!setApart.has(name)) {
      return [...head, rendered(formula), ...body].join("\n");
    }
    const whole = body.join("\n");
    if (!equations.test(whole)) {
      throw new Error(`the comment of ${name} sets no equations apart`);
    }
    return [...head, whole.replace(equations, () => rendered(formula))].join("\n");
  };
}
