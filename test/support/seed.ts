/** Before the tests of each file: MLX itself begins with the time as its seed, and they draw the same in each run. */
import { mx } from "mlx-js";

mx.random.seed(1);
