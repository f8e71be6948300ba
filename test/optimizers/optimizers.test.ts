import { runGolden } from "../support/golden.js";

runGolden("optimizers");
