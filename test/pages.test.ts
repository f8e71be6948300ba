// The site, as `npm run docs:check` makes it and looks at it, but for the pages that
// are made as the main ones are.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sanitized } from "./support/sanitized.js";

const root = join(import.meta.dirname ?? __dirname, "..");

test.skipIf(sanitized)(
  "the site is built, its links lead somewhere, and its main pages have no fault",
  () => {
    const { status, stdout, stderr } = spawnSync("npm", ["run", "docs:check", "--", "--main"], {
      cwd: root,
      encoding: "utf8",
      // vitest's own would make another site of it.
      env: { ...process.env, NODE_ENV: "production" },
    });
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    expect(stdout).toMatch(/\d{4,} links on \d{2,} pages/);
    if (process.env["CHROMIUM"] === undefined) {
      console.log("Not tested: how the site's pages look, as there is no Chromium.");
    } else {
      expect(stdout).toMatch(/16 looks at 8 pages/);
    }
  },
  1_200_000,
);
