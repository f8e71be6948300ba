/** `mlx.utils`: trees of lists, records and modules. */
import { namespace } from "../core/namespace.js";

export * from "./tree.js";

module.exports = namespace(module.exports);
