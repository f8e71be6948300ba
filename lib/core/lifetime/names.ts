/** The names of layers and optimizers, which their texts and errors have. */
import { Owner } from "./owner.js";

/**
 * Gives each class of owners among exports the name that it is exported by. A minifier
 * changes the one in the class's text, and leaves those of exports.
 */
export function withNames<T extends object>(exports: T): T {
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === "function" && value.prototype instanceof Owner && value.name !== name) {
      Object.defineProperty(value, "name", { value: name, configurable: true });
    }
  }
  return exports;
}
