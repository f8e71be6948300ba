/** Asks Moby-Dick in the terminal. `main.mjs [FOLDER]`: that of an encoder; by default MiniLM, which is fetched. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { mx } from "mlx-js";
import { Embedder } from "mlx-js-lm";
import { drawScatter } from "../scatter.mjs";
import { best, likeness, passages } from "./search.mjs";

const script = new URL("../../scripts/models.mjs", import.meta.url).href;
const folder: string = process.argv[2] ?? (await import(script)).models().minilm;
using embedder = await Embedder.load(folder);
const all = passages();
await mkdir("out", { recursive: true });

// Once: later runs read the vectors from the file.
const file = "out/moby-dick.npy";
if (!existsSync(file)) {
  console.log(`reading ${all.length} passages …`);
  using vectors = await embedder.embed(all.map(({ text }) => text));
  mx.save(file, vectors);
}
const vectors = mx.load(file, { format: "npy" });

const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
terminal.prompt();
for await (const question of terminal) {
  const alike = await likeness(embedder, question, vectors);
  const found = best(alike, 3);
  for (const place of found) {
    const { chapter, title, text } = all[place] ?? { chapter: 0, title: "", text: "" };
    console.log(`${alike[place]?.toFixed(2)}  ${chapter}. ${title}: ${text.slice(0, 300)}`);
  }
  const picture = await drawScatter({
    title: `“${question}”`,
    x: "chapter",
    y: "likeness",
    points: all.map(({ chapter }, place) => ({
      x: chapter,
      y: alike[place] ?? 0,
      group: found.includes(place) ? "found" : "passage",
    })),
  });
  await writeFile("out/search.svg", picture);
  terminal.prompt();
}
