// A chat in the terminal, with SmolLM2-135M-Instruct unless another model is named.
// usage: chat.mjs [--model PATH] [options of `mlx-lm chat`]
import { runScript } from "./mlx.mjs";
import { models } from "./models.mjs";

await runScript(async () => {
  const { main } = await import("../packages/lm/dist/cli.js");
  const args = process.argv.slice(2);
  const isNamed = args.some((arg) => /^--(model|help)(=|$)|^-h$/.test(arg));
  process.exitCode = await main([
    "chat",
    ...(isNamed ? [] : ["--model", models().smollm2]),
    ...args,
  ]);
});
