/** Every family of golden values: what Python's MLX gives, we give. */
import { type Case, cases, goldenFamilies, runGolden } from "./support/golden.js";

// Models that learn are in nn/learning.test.ts.
const isHere = ({ learn }: Case) => !learn;

for (const family of goldenFamilies().filter((name) => cases(name).some(isHere))) {
  runGolden(family, isHere);
}
