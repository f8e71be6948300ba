import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mx } from "mlx-js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** How many arrays are alive, garbage not counted. */
export function live(): number {
  // What one collection finds dead may have kept something else alive.
  let arrays = mx.memory().arrays;
  for (let unchanged = 0; unchanged < 2; ) {
    collect();
    const now = mx.memory().arrays;
    unchanged = now === arrays ? unchanged + 1 : 0;
    arrays = now;
  }
  return arrays;
}
