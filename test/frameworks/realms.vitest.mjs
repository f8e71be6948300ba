import * as mlx from "mlx-js";
import cases from "./realms.cjs";

cases(mlx);
