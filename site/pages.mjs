// Writes site/pages, of which VitePress makes the site, static files in site/dist:
// the start page, the guides of docs/, the API, the examples with their code, and
// the table beside Python. SITE_BASE is the path that they are served at.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { placeOf } from "../scripts/parity/calls.mjs";
import { parity, upstream } from "../scripts/parity.mjs";
import { api } from "./api.mjs";
import { groups as families } from "./families.mjs";
import { documents, examples, groups as guideGroups } from "./guides.mjs";
import { withOutput, withPrinted } from "./output.mjs";

const site = dirname(fileURLToPath(import.meta.url));
const root = dirname(site);
const pages = join(site, "pages");

/** @param {string} path in the repository */
const read = (path) => readFileSync(join(root, path), "utf8");

/** @param {string} path in site/pages @param {string} text */
function write(path, text) {
  const file = join(pages, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** @param {string} markdown */
const titleOf = (markdown) => /^# (.*)$/m.exec(markdown)?.[1] ?? "";

/** @param {string} path */
const slugOf = (path) => basename(path, ".md");

const guides = readdirSync(join(root, "docs"))
  .filter((file) => file.endsWith(".md"))
  .map(slugOf);

/** The page of a document in the repository, and nothing for other files. */
const pageOf = new Map([
  ["README.md", "index.md"],
  ...guides.map((name) => /** @type {const} */ ([`docs/${name}.md`, `guides/${name}.md`])),
  ...examples.map(
    (name) => /** @type {const} */ ([`examples/${name}/README.md`, `examples/${name}.md`]),
  ),
  ...Object.entries(documents).map(
    ([path, slug]) => /** @type {const} */ ([path, `project/${slug}.md`]),
  ),
]);

/** @param {string} file */
const anchorOf = (file) => file.replace(/^examples\/(?:[^/]+\/)?/, "").replace(/[./]/g, "-");

/**
 * A document with links that fit the site. Links to source files lead to the
 * code on an example's page; other files of the repository are named only.
 *
 * @param {string} path of the document in the repository
 * @param {Set<string>} [shown] the source files on its page
 */
function placed(path, shown = new Set()) {
  const page = /** @type {string} */ (pageOf.get(path));
  return read(path).replace(
    /(!?)\[((?:[^[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)/g,
    (all, image, text, href) => {
      if (/^(https?:|mailto:|#)/.test(href)) {
        return all;
      }
      const [file = "", hash] = href.split("#");
      const target = posix.normalize(posix.join(posix.dirname(path), file));
      const there = (/** @type {string} */ to) => {
        const relative = posix.relative(posix.dirname(page), to);
        return relative.startsWith(".") ? relative : `./${relative}`;
      };
      if (image === "!") {
        const asset = `assets/${target.replaceAll("/", "-")}`;
        mkdirSync(join(pages, "assets"), { recursive: true });
        copyFileSync(join(root, target), join(pages, asset));
        return `![${text}](${there(asset)})`;
      }
      const to = pageOf.get(target);
      if (to !== undefined) {
        return `[${text}](${there(to)}${hash === undefined ? "" : `#${hash}`})`;
      }
      if (!existsSync(join(root, target))) {
        throw new Error(`${path} links to ${href}, which does not exist`);
      }
      return shown.has(target) ? `[${text}](#${anchorOf(target)})` : text;
    },
  );
}

/** Two sentences, as much as a card has room for. @param {string} text */
const beginning = (text) =>
  text
    .split(/(?<=[.?!]) (?=[A-Z`])/)
    .slice(0, 2)
    .join(" ");

/** @param {string} name */
function example(name) {
  const folder = `examples/${name}`;
  const path = `${folder}/README.md`;
  const isSource = (/** @type {string} */ file) => /\.m?[tj]sx?$|\.cjs$|\.html$/.test(file);
  const beside = [...read(path).matchAll(/\]\((\.\.\/[^)#]+)\)/g)]
    .map(([, href = ""]) => posix.normalize(posix.join(folder, href)))
    .filter((target) => isSource(target) && posix.dirname(target) === "examples");
  const inside = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => isSource(file) && !/(^|\/)(node_modules|dist|release)\//.test(file))
    .sort();
  // The program first.
  inside.sort((a, b) => Number(b.startsWith("main.")) - Number(a.startsWith("main.")));
  const files = [...new Set([...inside.map((file) => `${folder}/${file}`), ...beside])];
  const readme = withPrinted(placed(path, new Set(files)));
  write(
    `examples/${name}.md`,
    [
      "---\noutline: [2, 3]\n---\n",
      readme.trimEnd(),
      "\n## The code\n",
      ...files.map((file) => {
        const shown = posix.relative(folder, file);
        const language = /\.html$/.test(file) ? "html" : /\.[mc]?js$/.test(file) ? "js" : "ts";
        const fence = "````";
        return `### ${shown} {#${anchorOf(file)}}\n\n${fence}${language}\n${read(file).trimEnd()}\n${fence}\n`;
      }),
    ].join("\n"),
  );
  // One, or several side by side.
  const [line = ""] = /^!\[.*\)$/m.exec(readme) ?? [];
  const pictures = [...line.matchAll(/!\[([^\]]*)\]\(([^)]+)\)/g)];
  const about = read(path)
    .split(/\n{2,}/)
    .slice(1)
    .find((paragraph) => !/^([!|#]|```)/.test(paragraph));
  if (pictures.length === 0 || about === undefined) {
    throw new Error(`${path} needs a picture and a paragraph for the gallery`);
  }
  return {
    name,
    title: titleOf(readme),
    about: beginning(about.replaceAll("\n", " ").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")),
    pictures: pictures.map(
      ([, alt, path = ""]) =>
        `<img src="${path.replace(/^\.\.?\//, "../")}" alt="${alt}" loading="lazy">`,
    ),
  };
}

function gallery() {
  const cards = examples
    .map(example)
    .map(({ name, title, about, pictures }) =>
      [
        `<li class="card"><a class="picture" href="./${name}.html" tabindex="-1" aria-hidden="true">${pictures.join("")}</a>`,
        `<h2 id="${name}"><a href="./${name}.html">${title}</a></h2>`,
        `<div class="about">\n\n${about}\n\n</div></li>`,
      ].join("\n"),
    );
  write(
    "examples/index.md",
    [
      "---\naside: false\npageClass: gallery\n---\n",
      "# Examples\n",
      "Each is a folder with a README, in strict TypeScript without a cast. Tests run all of them on a small scale.",
      "`npm run build:examples` compiles all but the app for Electron, which stands alone.\n",
      `<ul class="cards">\n${cards.join("\n")}\n</ul>\n`,
    ].join("\n"),
  );
}

async function writePages() {
  rmSync(pages, { recursive: true, force: true });
  mkdirSync(pages, { recursive: true });
  const { rows } = parity();
  const python = new Map(
    rows.map(({ mlx, note }) => {
      const { path, member } = placeOf(mlx, upstream.api);
      return [[...path, ...(member === undefined ? [] : [member])].join("."), { name: mlx, note }];
    }),
  );
  const { pages: apiPages, links } = await api(python);
  for (const [slug, text] of apiPages) {
    write(`api/${slug}.md`, text);
  }
  write("api/index.md", overview());
  write(
    "parity.json",
    JSON.stringify({
      version: upstream.mlx,
      rows: rows.map(({ mlx, ours, note, agrees }) => {
        const { path, member } = placeOf(mlx, upstream.api);
        const named = [...path, ...(member === undefined ? [] : [member])].join(".");
        const link = links.get(named) ?? links.get(path.join("."));
        return { mlx, ours, note, agrees, link: link === undefined ? "" : `api/${link}` };
      }),
    }),
  );
  copyFileSync(join(site, "parity.md"), join(pages, "parity.md"));
  for (const name of guides) {
    write(`guides/${name}.md`, withOutput(placed(`docs/${name}.md`)));
  }
  for (const [path, slug] of Object.entries(documents)) {
    write(`project/${slug}.md`, placed(path));
  }
  gallery();
  copyFileSync(
    join(root, "examples/train-short-test-long/perplexity.svg"),
    join(pages, "assets", "perplexity.svg"),
  );
  write("index.md", withOutput(readFileSync(join(site, "start.md"), "utf8")));
  mkdirSync(join(pages, "public"));
  copyFileSync(join(site, "logo.svg"), join(pages, "public", "logo.svg"));
  write("sidebar.json", JSON.stringify(sidebar()));
}

function overview() {
  const list = families.flatMap(({ title, families }) => [
    `## ${title}\n`,
    ...families.map(({ slug, title, about }) => `- [${title}](${slug}.md): ${about}`),
    "",
  ]);
  return `${readFileSync(join(site, "api.md"), "utf8")}\n${list.join("\n")}`;
}

function sidebar() {
  const listed = new Set(guideGroups.flatMap(({ guides }) => guides));
  const rest = guides.filter((name) => !listed.has(name));
  const groups = [...guideGroups, { title: "More", guides: rest }].map((group) => ({
    text: group.title,
    items: group.guides
      .filter((name) => guides.includes(name))
      .map((name) => ({ text: titleOf(read(`docs/${name}.md`)), link: `/guides/${name}` })),
  }));
  return {
    "/guides/": groups.filter(({ items }) => items.length > 0),
    "/project/": [
      {
        text: "The project",
        items: Object.entries(documents).map(([path, slug]) => ({
          text: titleOf(read(path)),
          link: `/project/${slug}`,
        })),
      },
    ],
    "/api/": [
      { text: "How to read these pages", link: "/api/" },
      ...families.map(({ title, families }) => ({
        text: title,
        items: families.map(({ slug, title }) => ({ text: title, link: `/api/${slug}` })),
      })),
    ],
    "/examples/": [
      {
        text: "Examples",
        items: [
          { text: "All of them", link: "/examples/" },
          ...examples.map((name) => ({
            text: titleOf(read(`examples/${name}/README.md`)),
            link: `/examples/${name}`,
          })),
        ],
      },
    ],
  };
}

await writePages();
