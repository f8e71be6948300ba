/** A chat in the terminal: `main.mjs [MODEL]`, a folder or a GGUF file; by default SmolLM2, which is fetched. */
import { createInterface } from "node:readline";
import { load } from "mlx-js-lm";
import { converse } from "./chat.mjs";

const script = new URL("../../scripts/models.mjs", import.meta.url).href;
const path: string = process.argv[2] ?? (await import(script)).models().smollm2;
using loaded = await load(path);

const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: "> " });
async function* questions() {
  terminal.prompt();
  for await (const line of terminal) {
    yield line;
    terminal.prompt();
  }
}
await converse(loaded, questions(), (text) => process.stdout.write(text));
