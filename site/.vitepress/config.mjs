import { readFileSync } from "node:fs";
import { defineConfig } from "vitepress";

const sidebar = JSON.parse(readFileSync(new URL("../pages/sidebar.json", import.meta.url), "utf8"));

export default defineConfig({
  title: "mlx-js",
  description:
    "Apple's MLX for Node, in TypeScript: arrays, automatic differentiation, neural networks",
  lang: "en",
  base: process.env["SITE_BASE"] ?? "/",
  srcDir: "pages",
  outDir: "dist",
  cacheDir: ".vitepress/cache",
  head: [
    [
      "link",
      { rel: "icon", type: "image/svg+xml", href: `${process.env["SITE_BASE"] ?? "/"}logo.svg` },
    ],
    ["meta", { name: "theme-color", content: "#0f766e" }],
  ],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config(md) {
      // In narrow columns long calls break after a point, a bracket or an underscore; what is
      // as short as `--length` does not break.
      const code = md.renderer.rules.code_inline;
      md.renderer.rules.code_inline = (tokens, i, ...rest) => {
        const html = code?.(tokens, i, ...rest) ?? "";
        const length = tokens[i]?.content.length ?? 0;
        return length > 18
          ? html.replace(/(?<=>[^<]*[.(_])(?=\w)/g, "<wbr>")
          : html.replace("<code", length > 10 ? "<code" : '<code class="short"');
      };
    },
  },
  themeConfig: {
    logo: { src: "/logo.svg", alt: "" },
    nav: [
      { text: "Guides", link: "/guides/quick-start", activeMatch: "/guides/" },
      { text: "API", link: "/api/", activeMatch: "/api/" },
      { text: "Examples", link: "/examples/", activeMatch: "/examples/" },
      { text: "From Python", link: "/parity" },
      { text: "Project", link: "/project/contributing", activeMatch: "/project/" },
    ],
    sidebar,
    outline: [2, 3],
    search: {
      provider: "local",
      options: {
        // Lists of names would be found in place of what they name, and TeX is nothing to find.
        _render(src, env, md) {
          const html = md.render(src, env);
          return env.frontmatter?.["search"] === false
            ? ""
            : html.replace(/<(nav|div) class="(names|formula)"[\s\S]*?<\/\1>/g, "");
        },
        miniSearch: {
          // A title that is only like the word counts for less than a text that has it:
          // "unsqueeze" means the guide for those who come from PyTorch, not "squeeze".
          searchOptions: {
            boost: { title: 8, titles: 1, text: 1 },
            weights: { fuzzy: 0.05, prefix: 0.375 },
            // A class before its methods, and what explains before the files of an example.
            boostDocument: (_id, _term, fields) => {
              const above = /** @type {string[]} */ (fields?.["titles"]);
              return above.includes("The code") ? 0.3 : above.length > 1 ? 0.8 : 1;
            },
          },
        },
      },
    },
    docFooter: { prev: "Before", next: "Next" },
  },
});
