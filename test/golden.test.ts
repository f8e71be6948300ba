/** Every family of golden values: what Python's MLX gives, we give. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { runGolden } from "./support/golden.js";

for (const file of readdirSync(join(__dirname, "golden")).sort()) {
  runGolden(file.replace(/\.json$/, ""));
}
