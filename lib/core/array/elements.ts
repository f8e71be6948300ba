/** How many elements an array has. */
import { dtypeId, integers } from "../call/arguments.js";
import { native } from "../call/native.js";
import type { Dtype } from "../dtype.js";
import { currentStream } from "../lifetime/context.js";
import { type array, make, slot } from "./array.js";

/**
 * How many elements an array has along axes, which `size` tells of the shape for which a function is
 * traced: one for all shapes counts them when it is called.
 */
export function numberOfElements(x: array, axes: number[], dtype: Dtype): array {
  const fn = "numberOfElements";
  const list = integers(axes, fn, "axes");
  return make(
    native.number_of_elements(slot(x, fn, "x"), list, dtypeId(dtype, fn), currentStream()),
  );
}
