/** Modules made of modules. */
import { mismatch } from "../../core/call/errors.js";
import type * as mx from "../../core/index.js";
import { Module, type UnaryLayer } from "../module.js";

/** What a {@link Sequential} calls: a layer, or a function of an array. */
export type SequentialLayer = UnaryLayer | ((x: mx.array) => mx.array);

/**
 * Layers and functions, one after the other.
 *
 * @example
 * const model = new nn.Sequential(new nn.Identity(), mx.exp);
 * model.forward(mx.array([0, 1]))
 * // array([1, 2.71828], dtype=float32)
 */
export class Sequential extends Module {
  readonly layers: readonly SequentialLayer[];

  constructor(...layers: SequentialLayer[]) {
    super();
    layers.forEach((layer, i) => {
      if (typeof layer !== "function" && !(layer instanceof Module && "forward" in layer)) {
        throw mismatch("Sequential", `layers[${i}]`, "a layer or a function", layer);
      }
    });
    this.layers = layers;
  }

  forward(x: mx.array): mx.array {
    // Functions such as mx.exp take options second, so they get no index.
    return this.layers.reduce(
      (y, layer) => (typeof layer === "function" ? layer(y) : layer.forward(y)),
      x,
    );
  }
}
