/** Every family of golden values: what Python's MLX gives, we give. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Case, cases, goldenFamilies, runGolden } from "./support/golden.js";

// The values of what is not written yet are there already.
const path = fileURLToPath(new URL("upstream/unwritten.json", import.meta.url));
const { nn: unwritten } = JSON.parse(readFileSync(path, "utf8")) as { nn: string[] };

// Models that learn are in nn/learning.test.ts.
const isWritten = ({ layer, learn }: Case) => !learn && !unwritten.includes(`nn.${layer}`);

for (const family of goldenFamilies().filter((name) => cases(name).some(isWritten))) {
  runGolden(family, isWritten);
}
