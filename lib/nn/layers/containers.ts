/** Modules made of modules. */
import type * as mx from "../../core/index.js";
import { asCallable, call, type Layer } from "../layer.js";
import { Module } from "../module.js";

/** What a {@link Sequential} calls: a layer, or a function of an array. */
export type SequentialLayer = Layer;

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
      asCallable(layer, "Sequential", `layers[${i}]`);
    });
    this.layers = layers;
  }

  forward(x: mx.array): mx.array {
    return this.layers.reduce((y, layer) => call(layer, y), x);
  }
}
