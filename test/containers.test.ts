import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(__dirname, "..");
const guide = readFileSync(join(root, "docs", "install.md"), "utf8");

test.each(readdirSync(join(root, "containers")))("the guide shows %s", (file) => {
  const text = readFileSync(join(root, "containers", file), "utf8");
  expect(guide).toContain(`(\`containers/${file}\``);
  expect(guide).toContain(`\`\`\`dockerfile\n${text}\`\`\``);
});
