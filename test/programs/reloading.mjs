// Loads the package again and again, as test runners do for each file of tests.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** @type {Set<unknown>} */
const classes = new Set();
const streams = new Set();
let sum = 0;

for (let i = 0; i < 100; i++) {
  for (const name of Object.keys(require.cache)) {
    if (name.includes("dist") || name.endsWith(".node")) {
      delete require.cache[name];
    }
  }
  /** @type {typeof import("mlx-js")} */
  const { mx } = require("mlx-js");
  classes.add(mx.array);
  streams.add(String(mx.defaultStream(mx.cpu)));
  const x = mx.full([2, 2], i + 0.5);
  await mx.asyncEval(mx.matmul(x, x));
  sum += Number(
    mx
      .grad((/** @type {any} */ a) => mx.sum(mx.square(a)))(mx.array(i))
      .item(),
  );
}

console.log(JSON.stringify({ classes: classes.size, streams: streams.size, sum }));
