/** What the built file has: the parts of the package. */
import * as coreModule from "./core/index.js";
import { namespace } from "./core/namespace.js";
import * as nnModule from "./nn/index.js";
import * as optimizersModule from "./optimizers/index.js";
import * as utilsModule from "./utils/index.js";

export const core = namespace(coreModule);
export const nn = namespace(nnModule);
export const optimizers = namespace(optimizersModule);
export const utils = namespace(utilsModule);
