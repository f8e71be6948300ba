/** `mlx.utils`: trees of lists, records and modules. */
export * from "./tree.js";
