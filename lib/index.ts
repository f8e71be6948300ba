/** mlx-js: Apple's MLX for Node. */
import * as mx from "./core/index.js";
import * as nn from "./nn/index.js";
import * as optim from "./optimizers/index.js";
import * as utils from "./utils/index.js";

export { mx, nn, optim, utils };

/** The whole package, under Python's names of its parts. */
const mlx = { core: mx, nn, optimizers: optim, utils };
export default mlx;
