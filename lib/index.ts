/**
 * MLX for Node: `mx` has arrays and operations, `nn` layers and losses, `optim`
 * optimizers, `utils` functions over trees. The default export has them as
 * `mlx.core`, `mlx.nn`, `mlx.optimizers` and `mlx.utils`.
 */
import * as mlx from "./mlx.js";

export * as mx from "./core/index.js";
export * as nn from "./nn/index.js";
export * as optim from "./optimizers/index.js";
export * as utils from "./utils/index.js";

export default mlx;
