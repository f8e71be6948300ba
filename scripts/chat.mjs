// A chat in the terminal, with SmolLM2-135M-Instruct unless another model is named.
// usage: chat.mjs [--model PATH] [options of `mlx-lm chat`]
import { existsSync } from "node:fs";
import { runScript, SetupError } from "./mlx.mjs";
import { models } from "./models.mjs";

const program = new URL("../packages/lm/dist/cli.js", import.meta.url);

// So small a model stumbles over a greeting when it is told what its own template says.
const system = "You are a helpful AI assistant.";

await runScript(async () => {
  if (!existsSync(program)) {
    throw new SetupError("The chat is not built yet: run npm ci, or npm run build.");
  }
  const { main } = await import(program.href);
  const args = process.argv.slice(2);
  const isNamed = args.some((arg) => /^--(model|help)(=|$)|^-h$/.test(arg));
  process.exitCode = await main([
    "chat",
    // Options that are given come later, and count.
    ...(isNamed ? [] : ["--model", models().smollm2, "--system", system]),
    ...args,
  ]);
});
