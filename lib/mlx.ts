/** The default export: everything under the names that Python knows. */
export * as core from "./core/index.js";
export * as nn from "./nn/index.js";
export * as optimizers from "./optimizers/index.js";
export * as utils from "./utils/index.js";
