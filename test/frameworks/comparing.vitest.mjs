import * as mlx from "mlx-js";
import cases from "./comparing.cjs";

cases(mlx);
