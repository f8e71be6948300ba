import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mx } from "mlx-js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** How many arrays are alive, garbage not counted. */
export function live(): number {
  // What the first one finds dead may have kept something else alive.
  collect();
  collect();
  return mx.memory().arrays;
}
