// `npm run docs:check`, of the site that `npm run docs` has built: every link leads
// somewhere, every name of Python's is in the table, and all pages, in Chromium, on
// a desktop and on a phone, write nothing to the console, fit their window, and have
// no fault that axe-core finds (contrast among them). The main pages are looked at
// light and dark on both, and their screenshots are in out/site; the others light on
// a desktop and dark on a phone. `--main` looks at the main pages alone, in these two.
//
// scripts/browser.mjs finds the browser. Where there is none, this says so and checks
// the rest.
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { findBrowser } from "../scripts/browser.mjs";
import { parity } from "../scripts/parity.mjs";

const dist = fileURLToPath(new URL("dist/", import.meta.url));
const shots = fileURLToPath(new URL("../out/site/", import.meta.url));
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const base = process.env["SITE_BASE"] ?? "/";

const mainPages = {
  start: "index.html",
  guide: "guides/memory.html",
  operations: "api/reduction.html",
  layers: "api/recurrent.html",
  array: "api/array.html",
  gallery: "examples/index.html",
  example: "examples/digits.html",
  parity: "parity.html",
};
const windows = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
};

const rules = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
  resultTypes: ["violations"],
  // VitePress's button for the search shows its keys, too, which are not its name.
  rules: { "label-content-name-mismatch": { enabled: false } },
};

/** @type {string[]} */
const faults = [];

const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).map((file) =>
  file.replaceAll("\\", "/"),
);
const pages = files.filter((file) => file.endsWith(".html"));

/** @param {string} text */
const plain = (text) =>
  text
    .replaceAll("&amp;", "&")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'");

/** @type {Map<string, { ids: Set<string>, links: string[], text: string }>} */
const read = new Map(
  pages.map((page) => {
    const html = readFileSync(join(dist, page), "utf8");
    const values = (/** @type {string} */ name) =>
      [...html.matchAll(new RegExp(` ${name}="([^"]*)"`, "g"))].map(([, value = ""]) =>
        plain(value),
      );
    const text = plain(html.replace(/<[^>]*>/g, ""));
    return [
      page,
      { ids: new Set(values("id")), links: [...values("href"), ...values("src")], text },
    ];
  }),
);

function checkLinks() {
  let count = 0;
  const there = new Set(files);
  for (const [page, { links }] of read) {
    for (const link of links) {
      if (/^(https?:|mailto:|data:|\/\/)/.test(link)) continue;
      count++;
      const [path = "", hash = ""] = link.split("#");
      let target = page;
      if (path.startsWith("/")) {
        if (!path.startsWith(base)) {
          faults.push(`${page}: ${link} is not below ${base}`);
          continue;
        }
        target = path.slice(base.length);
      } else if (path !== "") {
        target = posix.join(posix.dirname(page), path);
      }
      if (target === "" || target.endsWith("/")) target += "index.html";
      const found = [target, `${target}.html`].find((file) => there.has(file));
      if (found === undefined) {
        faults.push(`${page}: ${link} leads nowhere`);
      } else if (hash !== "" && !read.get(found)?.ids.has(decodeURIComponent(hash))) {
        faults.push(`${page}: ${found} has no #${hash}`);
      }
    }
  }
  console.log(`${count} links on ${pages.length} pages`);
}

function checkParity() {
  const { rows, problems } = parity();
  faults.push(...problems);
  const text = read.get("parity.html")?.text ?? "";
  for (const { mlx, ours, note } of rows) {
    const words = [mlx, ours, note.replaceAll("`", "")];
    for (const word of words.filter((word) => !text.includes(word))) {
      faults.push(`parity.html lacks ${word} (${mlx})`);
    }
  }
  console.log(`${rows.length} names in the table beside Python`);
}

/** Each heading of the API has an example once, however many signatures it has. */
function checkExamples() {
  let count = 0;
  for (const page of pages.filter((page) => page.startsWith("api/"))) {
    for (const section of readFileSync(join(dist, page), "utf8").split(/<h[23] id="/)) {
      const examples = [...section.matchAll(/<div class="language-ts[\s\S]*?<\/pre>/g)].map(
        ([x]) => x,
      );
      count += examples.length;
      if (new Set(examples).size < examples.length) {
        faults.push(`${page}#${section.split('"')[0]} has an example twice`);
      }
    }
  }
  console.log(`${count} examples of the API`);
}

/** Signatures can be read at a glance: none has a line that is far wider than a page. */
function checkSignatures() {
  let count = 0;
  for (const page of pages.filter((page) => page.startsWith("api/"))) {
    const text = readFileSync(join(dist, page), "utf8");
    for (const [, code = ""] of text.matchAll(/<pre class="signature"[^>]*>([\s\S]*?)<\/pre>/g)) {
      count++;
      for (const line of plain(code.replace(/<[^>]*>/g, "")).split("\n")) {
        if (line.length > 120) {
          faults.push(`${page}: a signature has the line ${line}`);
        }
      }
    }
  }
  console.log(`${count} signatures`);
}

const types = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".jpg": "image/jpeg",
  ".png": "image/png",
  ".woff2": "font/woff2",
});

/** @returns {Promise<import("node:http").Server>} */
function serve() {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = pathname.slice(base.length).replace(/(^|\/)$/, "$1index.html");
    if (!files.includes(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
    response.end(readFileSync(join(dist, file)));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/**
 * @typedef {object} Look
 * @property {string} path
 * @property {keyof typeof windows} size
 * @property {"light" | "dark"} colorScheme
 * @property {string} [shot] where the screenshot goes
 */

/** @returns {Look[]} */
function looks() {
  const names = new Map(Object.entries(mainPages).map(([name, path]) => [path, name]));
  const shown = process.argv.includes("--main") ? [...names.keys()] : pages;
  return shown.flatMap((path) =>
    /** @type {const} */ ([
      { size: "desktop", colorScheme: "light" },
      { size: "phone", colorScheme: "dark" },
      { size: "desktop", colorScheme: "dark" },
      { size: "phone", colorScheme: "light" },
    ])
      .slice(0, names.has(path) && shown === pages ? 4 : 2)
      .map((how) => {
        const name = names.get(path);
        return name === undefined
          ? { path, ...how }
          : { path, ...how, shot: `${name}-${how.size}-${how.colorScheme}.png` };
      }),
  );
}

/**
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} origin
 * @param {Look} look
 */
async function lookAt(context, origin, { path, size, colorScheme, shot }) {
  const at = `${path}, ${size}, ${colorScheme}`;
  const page = await context.newPage();
  await page.setViewportSize(windows[size]);
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      faults.push(`${at}: the console says ${message.text()}`);
    }
  });
  page.on("pageerror", (error) => faults.push(`${at}: ${error.message}`));
  await page.goto(`${origin}${base}${path}`, { waitUntil: "networkidle" });
  const wide = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  if (Number(wide) > 0) {
    faults.push(`${at}: ${wide} pixels wider than the window`);
  }
  if (shot !== undefined) {
    await page.screenshot({ path: join(shots, shot) });
  }
  await page.addScriptTag({ path: axe });
  /** @type {{ id: string, help: string, nodes: { target: string[], failureSummary: string }[] }[]} */
  const violations = await page.evaluate(
    `axe.run(document, ${JSON.stringify(rules)}).then((x) => x.violations)`,
  );
  for (const { id, help, nodes } of violations) {
    const places = nodes.slice(0, 3).map((x) => `${x.target.join(" ")}: ${x.failureSummary}`);
    faults.push(`${at}: ${help} (${id}), ${nodes.length} times\n  ${places.join("\n  ")}`);
  }
  await page.close();
}

/** @param {string} executablePath */
async function look(executablePath) {
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const server = await serve();
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  // Containers run as root and without the kernel's namespaces.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const all = looks();
  const left = all.values();
  const context = await browser.newContext();
  // Loading a page is mostly waiting.
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      for (const each of left) {
        await lookAt(context, `http://127.0.0.1:${port}`, each);
      }
    }),
  );
  await context.close();
  faults.push(...(await checkSearch(browser, port)));
  await browser.close();
  server.close();
  console.log(`${all.length} looks at ${new Set(all.map(({ path }) => path)).size} pages`);
}

/**
 * What people look for first is found, in the guides and in the API.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {number} port
 */
async function checkSearch(browser, port) {
  const wrong = [];
  const page = await browser.newPage({ viewport: windows.desktop });
  await page.goto(`http://127.0.0.1:${port}${base}`, { waitUntil: "networkidle" });
  for (const [words, target] of /** @type {const} */ ([
    ["valueAndGrad", "api/transforms.html#valueAndGrad"],
    ["expand_dims", "api/shape.html#expandDims"],
    ["ALiBi", "api/positions.html#ALiBi"],
    ["out of memory", "guides/"],
    // What it is called elsewhere counts for more than a name here that is like it.
    ["unsqueeze", "guides/coming-from.html"],
  ])) {
    await page.keyboard.press("Control+k");
    await page.locator(".VPLocalSearchBox input").fill(words);
    const first = page.locator(".VPLocalSearchBox .result");
    await first.first().waitFor();
    const links = await first.evaluateAll((all) => all.map((x) => x.getAttribute("href") ?? ""));
    if (!links.slice(0, 2).some((link) => link.includes(target))) {
      wrong.push(`the search for ${words} begins with ${links.slice(0, 4).join(", ")}`);
    }
    await page.keyboard.press("Escape");
  }
  return wrong;
}

checkLinks();
checkParity();
checkExamples();
checkSignatures();
const browser = await findBrowser();
if (browser === undefined) {
  console.log("No Chromium was found, so no page was looked at: CHROMIUM names one.");
} else {
  await look(browser);
}
if (faults.length > 0) {
  console.error(`${faults.join("\n")}\n${faults.length} faults`);
  process.exitCode = 1;
}
