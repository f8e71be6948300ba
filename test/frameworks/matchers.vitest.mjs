import "mlx-js/testing";
import * as mlx from "mlx-js";
import comparing from "./comparing.cjs";
import matchers from "./matchers.cjs";

matchers(mlx);
// Nothing is different but for the speed.
comparing(mlx);
