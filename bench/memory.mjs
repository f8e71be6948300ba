// The most memory that MLX had in use in 40 steps of training, in bytes;
// reference/memory.py has the same. In a process of its own.
import { parseArgs } from "node:util";
import { mx } from "mlx-js";
import { training } from "./transformer.mjs";

const { values: options } = parseArgs({
  options: { device: { type: "string", default: "cpu" }, tidy: { type: "boolean" } },
});
mx.setDefaultDevice(options.device === "gpu" ? mx.gpu : mx.cpu);

const steps = training(options.tidy === true);
steps(2);
mx.resetPeakMemory();
steps(40);
console.log(mx.getPeakMemory());
