// `npm run docs:check`, of the site that `npm run docs` has built: every link leads
// somewhere, every name of Python's is in the table, and the main pages, in
// Chromium, on a desktop and on a phone, light and dark, write nothing to the
// console, fit their window, and have no fault that axe-core finds (contrast
// among them). The screenshots are in out/site.
//
// CHROMIUM names the browser; without it, one that is installed is looked for.
// Where there is none, this says so and checks the rest.
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { delimiter, extname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { parity } from "../scripts/parity.mjs";

const dist = fileURLToPath(new URL("dist/", import.meta.url));
const shots = fileURLToPath(new URL("../out/site/", import.meta.url));
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

function findBrowser() {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const candidates = [
    process.env["CHROMIUM"] ?? "",
    ...(process.env["PATH"] ?? "")
      .split(delimiter)
      .flatMap((folder) => names.map((name) => join(folder, name))),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ];
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return path !== "";
    } catch {
      return false;
    }
  });
}

const types = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
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

/** @param {string} executablePath */
async function look(executablePath) {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const server = await serve();
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  // Containers run as root and without the kernel's namespaces.
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  let count = 0;
  for (const [size, viewport] of Object.entries(windows)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
      for (const [name, path] of Object.entries(mainPages)) {
        const at = `${path}, ${size}, ${colorScheme}`;
        const page = await context.newPage();
        page.on("console", (message) => {
          if (["error", "warning"].includes(message.type())) {
            faults.push(`${at}: the console says ${message.text()}`);
          }
        });
        page.on("pageerror", (error) => faults.push(`${at}: ${error.message}`));
        await page.goto(`http://127.0.0.1:${port}${base}${path}`, { waitUntil: "networkidle" });
        const wide = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        if (Number(wide) > 0) {
          faults.push(`${at}: ${wide} pixels wider than the window`);
        }
        await page.screenshot({ path: join(shots, `${name}-${size}-${colorScheme}.png`) });
        await page.addScriptTag({ path: axe });
        /** @type {{ id: string, help: string, nodes: { target: string[], failureSummary: string }[] }[]} */
        const violations = await page.evaluate(
          `axe.run(document, ${JSON.stringify(rules)}).then((x) => x.violations)`,
        );
        for (const { id, help, nodes } of violations) {
          const places = nodes.slice(0, 3).map((x) => `${x.target.join(" ")}: ${x.failureSummary}`);
          faults.push(`${at}: ${help} (${id}), ${nodes.length} times\n  ${places.join("\n  ")}`);
        }
        count++;
        await page.close();
      }
      await context.close();
    }
  }
  faults.push(...(await checkSearch(browser, port)));
  await browser.close();
  server.close();
  console.log(`${count} screenshots in out/site`);
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
  ])) {
    await page.keyboard.press("Control+k");
    await page.locator(".VPLocalSearchBox input").fill(words);
    const first = page.locator(".VPLocalSearchBox .result");
    await first.first().waitFor();
    const links = await first.evaluateAll((all) => all.map((x) => x.getAttribute("href") ?? ""));
    if (!links.some((link) => link.includes(target))) {
      wrong.push(`the search for ${words} does not find ${target}, but ${links.join(", ")}`);
    }
    await page.keyboard.press("Escape");
  }
  return wrong;
}

checkLinks();
checkParity();
const browser = findBrowser();
if (browser === undefined) {
  console.log("No Chromium was found, so no page was looked at: CHROMIUM names one.");
} else {
  await look(browser);
}
if (faults.length > 0) {
  console.error(`${faults.join("\n")}\n${faults.length} faults`);
  process.exitCode = 1;
}
