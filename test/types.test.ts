/// <reference lib="es2025.float16" />
import { mx, nn, optim, utils } from "mlx-js";
import { describe, expect, expectTypeOf, test } from "vitest";

class Block extends nn.Module {
  readonly queryProj = new nn.Linear(2, 3);
  readonly norm = new nn.LayerNorm(3);
  forward(x: mx.array): mx.array {
    return this.norm.forward(this.queryProj.forward(x));
  }
}

class Model extends nn.Module {
  readonly layers = [new Block(), new Block()];
  readonly heads = { main: new nn.Linear(3, 1, { bias: false }), count: 3 };
  readonly pair: [nn.Linear, number] = [new nn.Linear(1, 1), 4];
  readonly name = "model";
  readonly _cache = mx.ones([2]);
  readonly #hidden = mx.ones([4]);
  scale: mx.array = mx.array(2);
  shift: mx.array | null = null;
  activation = nn.relu;
  sizes = new Map([["a", 3]]);
  get hidden(): mx.array {
    return this.#hidden;
  }
  forward(x: mx.array): mx.array {
    return this.heads.main.forward(x);
  }
}

describe("parameters", () => {
  const model = new Model();

  test("have the types of the class's fields", () => {
    const parameters = model.parameters();
    expectTypeOf(parameters.scale).toEqualTypeOf<mx.array>();
    expectTypeOf(parameters.shift).toEqualTypeOf<mx.array | undefined>();
    expectTypeOf(parameters.heads.main.weight).toEqualTypeOf<mx.array>();
    expectTypeOf(parameters.heads.main.bias).toEqualTypeOf<mx.array | undefined>();
    expectTypeOf(parameters.layers[0]?.norm.weight).toEqualTypeOf<mx.array | undefined>();
    expectTypeOf(parameters.pair[0].weight).toEqualTypeOf<mx.array>();
    expectTypeOf<keyof nn.ParametersOf<Model>>().toEqualTypeOf<
      "layers" | "heads" | "pair" | "scale" | "shift" | "hidden"
    >();
    expectTypeOf(model.trainableParameters()).toEqualTypeOf<nn.ParametersOf<Model>>();
    // @ts-expect-error: did you mean "weight"?
    expect(parameters.heads.main.wieght).toBeUndefined();
    // @ts-expect-error: no parameter.
    expect(parameters.forward).toBeUndefined();
  });

  test("of any module are a tree", () => {
    const any: nn.Module = model;
    expectTypeOf(any.parameters()["scale"]).toBeAny();
    expectTypeOf(any.children()).toExtend<nn.ParameterTree>();
    any.update(any.parameters());
    const layers: nn.Module[] = [model, new nn.Linear(1, 1), new nn.Sequential(model)];
    expect(layers.map((layer) => Object.keys(layer.parameters()).length)).toEqual([4, 2, 1]);
  });

  test("are mapped to a tree that updates the model, also where a module may be missing", () => {
    class Optional extends nn.Module {
      readonly body = new nn.Linear(1, 1);
      head?: nn.Linear;
      tail: nn.Linear | null = null;
    }
    const model = new Optional();
    const parameters = model.parameters();
    const half = utils.treeMap((x: mx.array) => x.astype(mx.float16), parameters);
    expectTypeOf(half).toEqualTypeOf(parameters);
    expect(model.update(half).body.weight.dtype).toBe(mx.float16);
    const sizes = utils.treeMap((x: mx.array) => x.size, parameters);
    expectTypeOf(sizes.head?.weight).toEqualTypeOf<number | undefined>();
    expectTypeOf(sizes.tail?.weight).toEqualTypeOf<number | undefined>();
    class Adapted extends nn.Module {
      readonly adapters: { query?: nn.Linear; pairs?: { a: mx.array }[]; scale: number } = {
        scale: 2,
      };
    }
    const { adapters } = new Adapted().parameters();
    expectTypeOf(adapters.query?.weight).toEqualTypeOf<mx.array | undefined>();
    expectTypeOf(adapters.pairs?.[0]?.a).toEqualTypeOf<mx.array | undefined>();
    expectTypeOf(new Adapted().children().adapters.query).toEqualTypeOf<nn.Linear | undefined>();
  });

  test("of any model are mapped to what updates it", () => {
    function mix<M extends nn.Module>(model: M, other: M): M {
      const add = (a: mx.array, b: mx.array) => a.add(b);
      new optim.SGD(1).update(model, utils.treeMap(add, model.parameters(), [other.parameters()]));
      return model.update(utils.treeMap((a: mx.array) => a.negative(), model.parameters()));
    }
    const [a, b] = [new nn.Linear(1, 1), new nn.Linear(1, 1)];
    a.update({ weight: mx.array([[3]]) });
    b.update({ weight: mx.array([[2]]) });
    expect(mix(a, b).weight.item()).toBe(2);
  });

  test("are updated in part", () => {
    const weight = mx.zeros([1, 3]);
    model.update({ heads: { main: { weight } }, layers: [{}, { norm: { bias: mx.ones([3]) } }] });
    model.update(model.parameters());
    model.update({ scale: model.scale, shift: undefined });
    // @ts-expect-error: did you mean "weight"?
    expect(() => model.update({ heads: { main: { wieght: weight } } })).toThrow(RangeError);
    // @ts-expect-error: no array.
    expect(() => model.update({ scale: 3 })).toThrow(TypeError);
  });

  test("come by name from a list that is made in place", () => {
    const named = Object.entries(new nn.Linear(1, 1).parameters() as Record<string, mx.array>);
    const layer = new nn.Linear(1, 1);
    expect(layer.loadWeights(named.map(([name, x]) => [`${name}`, x])).bias).toBe(named[1]?.[1]);
    const sizes = utils.treeUnflatten(named.map(([name, x]) => [`layer.${name}`, x.size]));
    expect(sizes).toEqual({ layer: { weight: 1, bias: 1 } });
    const either: mx.NamedArrays | [string, mx.array][] = named;
    expect(layer.loadWeights(either)).toBe(layer);
    // @ts-expect-error: pairs of names and numbers.
    expect(() => layer.loadWeights(named.map(([name, x]) => [name, x.size]))).toThrow(TypeError);
  });

  test("have gradients of the same type", () => {
    const optimizer = new optim.SGD(0.1);
    const [value, gradients] = nn.valueAndGrad(model, () => model.scale)();
    expectTypeOf(value).toEqualTypeOf<mx.array>();
    expectTypeOf(gradients).toEqualTypeOf<nn.ParametersOf<Model>>();
    optimizer.update(model, gradients);
    optimizer.update(model, { scale: gradients.scale });
    expectTypeOf(optimizer.applyGradients(gradients, model)).toEqualTypeOf(gradients);
    expectTypeOf(optimizer.applyGradients({ scale: gradients.scale }, model)).toEqualTypeOf<{
      scale: mx.array;
    }>();
    // @ts-expect-error: did you mean "scale"?
    expect(() => optimizer.update(model, { scael: gradients.scale })).toThrow(TypeError);
    // @ts-expect-error: did you mean "scale"?
    expect(() => optimizer.applyGradients({ scael: gradients.scale }, model)).toThrow(TypeError);
  });

  test("go through functions of any model", () => {
    function step<M extends nn.Module>(model: M, loss: (model: M) => mx.array): mx.array {
      const [value, gradients] = nn.valueAndGrad(model, loss)(model);
      new optim.SGD(0.1).update(model, gradients);
      model.update(model.parameters());
      model.update(model.trainableParameters());
      return value;
    }
    expect(step(new Model(), (model) => model.scale).item()).toBe(2);
  });

  test("of a sequence are a list of trees", () => {
    const model = new nn.Sequential(new nn.Linear(1, 4), mx.tanh, (x) => mx.exp(x));
    const layer: nn.UnaryLayer = model;
    expect(layer.forward(mx.ones([1])).shape).toEqual([4]);
    const { layers } = model.parameters();
    expectTypeOf(layers[0]?.["weight"]).toBeAny();
    expect(layers[1]).toEqual({});
    // @ts-expect-error: its forward takes three arrays.
    const attention: nn.UnaryLayer = new nn.MultiHeadAttention(2, 1);
    // @ts-expect-error: so it is none for a sequence.
    new nn.Sequential(attention, new nn.MultiHeadAttention(2, 1));
    // @ts-expect-error: no layer.
    expect(() => new nn.Sequential(3)).toThrow(TypeError);
  });

  test("of a module within itself", () => {
    class Tree extends nn.Module {
      weight = mx.ones([1]);
      left?: Tree;
      right: Tree[] = [];
    }
    const tree = new Tree();
    tree.left = new Tree();
    expectTypeOf(tree.parameters().left?.left?.weight).toEqualTypeOf<mx.array | undefined>();
    expect(tree.parameters().left?.weight.shape).toEqual([1]);
  });
});

describe("modules in modules", () => {
  test("have the types of the class's fields", () => {
    const model = new Model();
    const children = model.children();
    expectTypeOf(children.heads.main).toEqualTypeOf<nn.Linear>();
    expectTypeOf(children.layers).toEqualTypeOf<Block[]>();
    expectTypeOf<keyof typeof children>().toEqualTypeOf<"layers" | "heads" | "pair">();
    const main = new nn.Linear(3, 1);
    model.updateModules({ heads: { main }, layers: [{}, new nn.Linear(2, 3)] });
    model.updateModules({ layers: [{ norm: new nn.RMSNorm(3) }] });
    model.updateModules(children);
    // @ts-expect-error: no module of this name.
    expect(() => model.updateModules({ hedas: { main } })).toThrow(RangeError);
    // @ts-expect-error: no module.
    expect(() => model.updateModules({ heads: { main: mx.ones([1]) } })).toThrow(TypeError);
    // @ts-expect-error: it has none that could be changed.
    expect(() => model.updateModules({ heads: { main: { weight: mx.ones([1]) } } })).toThrow();
    const any: nn.Module = model;
    any.updateModules({ heads: { main }, layers: [{}, { norm: new nn.RMSNorm(3) }] });
    any.updateModules(any.children());
    any.updateModules(children);
    // @ts-expect-error: no module.
    expect(() => any.updateModules({ heads: { main: mx.ones([1]) } })).toThrow(TypeError);
  });
});

describe("transformations", () => {
  const [x, y] = [mx.array(2), mx.array(3)];

  test("give gradients of the arguments' types", () => {
    const f = (w: { a: mx.array; b: mx.array[] }, y: mx.array) => mx.multiply(w.a, y);
    const w = { a: x, b: [y] };
    expectTypeOf(mx.grad(f)(w, y)).toEqualTypeOf<{ a: mx.array; b: mx.array[] }>();
    expectTypeOf(mx.grad(f, 1)(w, y)).toEqualTypeOf<mx.array>();
    const [value, [a, b]] = mx.valueAndGrad(f, [1, 0])(w, y);
    expectTypeOf(value).toEqualTypeOf<mx.array>();
    expectTypeOf(a).toEqualTypeOf<mx.array>();
    expectTypeOf(b).toEqualTypeOf<{ a: mx.array; b: mx.array[] }>();
    expectTypeOf(mx.grad(mx.exp)(x)).toEqualTypeOf<mx.array>();
    expectTypeOf(mx.grad((x) => mx.exp(x))(x)).toBeAny();
    const model = new Model();
    const gradient = mx.grad((m: Model) => mx.square(m.scale))(model);
    expectTypeOf(gradient.scale).toEqualTypeOf<mx.array>();
    expectTypeOf(gradient._cache).toEqualTypeOf<mx.array>();
    expectTypeOf(gradient.heads.main.weight).toEqualTypeOf<mx.array>();
    // @ts-expect-error: did you mean "scale"?
    expect(gradient.scael).toBeUndefined();
    const [loss] = mx.valueAndGrad((x: mx.array): [mx.array, string] => [x, "text"])(x);
    expectTypeOf(loss).toEqualTypeOf<[mx.array, string]>();
    expect(gradient.scale.item()).toBe(4);
  });

  test("refuse what is no array or tree of arrays", () => {
    const scaled = (k: number, a: mx.array) => mx.multiply(k, a);
    expectTypeOf(mx.grad(scaled, 1)(2, x)).toEqualTypeOf<mx.array>();
    // @ts-expect-error: a number is not differentiated.
    mx.grad(scaled);
    // @ts-expect-error: nor among others.
    mx.valueAndGrad(scaled, [0, 1]);
    // @ts-expect-error: nor in a record.
    mx.grad((w: { k: number; a: mx.array }) => w.a);
    // @ts-expect-error: no function.
    mx.grad((f: () => mx.array) => f());
    // @ts-expect-error: no scalar array.
    mx.grad((a: mx.array) => [a]);
    // @ts-expect-error: no promise.
    mx.valueAndGrad(async (a: mx.array) => a);
    // @ts-expect-error: no promise.
    nn.valueAndGrad(new Model(), async () => x);
    // @ts-expect-error: nothing is given.
    nn.valueAndGrad(new Model(), () => {});
    // @ts-expect-error: a number has no axis.
    mx.vmap(scaled);
    // @ts-expect-error: nor has a number that is given.
    mx.vmap((a: mx.array) => a.size);
    // @ts-expect-error: there is no argument.
    mx.grad(() => x);
    // @ts-expect-error: there is no second argument.
    mx.grad((a: mx.array) => a, [0, 1]);
    // @ts-expect-error: nothing is given.
    mx.vmap((_: mx.array) => {});
    // @ts-expect-error: a map is no tree.
    mx.compile((a: mx.array, _: Map<string, mx.array>) => a);
    // @ts-expect-error: a module is state, which is to be named in the options.
    mx.compile((model: Model, a: mx.array) => model.forward(a));
    // @ts-expect-error: so is an optimizer.
    mx.compile((a: mx.array, _: optim.SGD) => a);
    // @ts-expect-error: a number is no array.
    mx.compile((a: mx.array) => a.item());
    // @ts-expect-error: no promise.
    mx.compile(async (a: mx.array) => a);
    // @ts-expect-error: a map is no tree.
    mx.compile((a: mx.array) => new Map([["a", a]]));
    // @ts-expect-error: a generator is no tree.
    mx.compile(function* (a: mx.array) {
      yield a;
    });
    // @ts-expect-error: a number is no array.
    mx.checkpoint((a: mx.array) => a.size);
    // @ts-expect-error: nothing is given.
    mx.checkpoint((_: mx.array) => {});
    // @ts-expect-error: a number is no primal.
    expect(() => mx.jvp((k: number) => mx.array(k), [1], [x])).toThrow(TypeError);
    // @ts-expect-error: a number is no primal.
    expect(() => mx.vjp((k: number) => mx.array(k), [1], [x])).toThrow(TypeError);
  });

  test("take functions of functions that are generic themselves", () => {
    const all = <F extends (...xs: mx.array[]) => mx.array>(f: F) => {
      const same: F[] = [mx.compile(f), mx.checkpoint(f), mx.vmap(f)];
      return [...same, mx.grad(f), nn.valueAndGrad(new Model(), f)];
    };
    const one = <T, R extends mx.array>(f: (x: T) => R) => [mx.compile(f), mx.checkpoint(f)];
    const [compiled] = one((w: { a: mx.array }) => mx.negative(w.a));
    expect(compiled?.({ a: x }).item()).toBe(-2);
    expect(all((x) => mx.exp(x)).length).toBe(5);
  });

  test("keep the types of functions", () => {
    const f = (w: { a: mx.array }, y: mx.array) => ({ sum: mx.add(w.a, y) });
    expectTypeOf(mx.vmap(f)).toEqualTypeOf(f);
    expectTypeOf(mx.compile(f)).toEqualTypeOf(f);
    expectTypeOf(mx.checkpoint(f)).toEqualTypeOf(f);
    expectTypeOf(mx.vmap(mx.exp)).toEqualTypeOf(mx.exp);
    const run = (w: { scale: mx.array }, k: number) => mx.multiply(w.scale, k);
    expectTypeOf(mx.compile(run)).toEqualTypeOf(run);
    const save = (_k: number, _name: string) => {};
    expectTypeOf(mx.compile(save)).toEqualTypeOf(save);
    expectTypeOf(mx.compile(() => [x, 1])).toEqualTypeOf<() => [mx.array, number]>();
    expectTypeOf(mx.checkpoint(run)).toEqualTypeOf(run);
    const [, products] = mx.vjp((x, y) => mx.add(x, y), [x, y], [x]);
    expectTypeOf(products).toExtend<mx.array[]>();
    expect(products.map((product) => product.item())).toEqual([2, 2]);
  });

  test("what is cut or made of several arrays has as many", () => {
    const m = mx.arange(12).reshape([2, 6]);
    const [q, k, v] = mx.split(m, 3, -1);
    const [left, middle, right] = m.split([1, 5], 1);
    const [rows, columns] = mx.meshgrid([x, mx.array([1, 2])]);
    const [wide, high] = mx.broadcastArrays([mx.zeros([1, 2]), mx.zeros([3, 1])]);
    const [one, two] = mx.atleast2d([x, mx.array([1, 2])]);
    const all = [q, k, v, left, middle, right, rows, columns, wide, high, one, two];
    expectTypeOf(all).toEqualTypeOf<mx.array[]>();
    expect(all.map((part) => part.shape)).toEqual([
      ...[
        [2, 2],
        [2, 2],
        [2, 2],
        [2, 1],
        [2, 4],
        [2, 1],
      ],
      ...[
        [2, 1],
        [2, 1],
        [3, 2],
        [3, 2],
        [1, 1],
        [1, 2],
      ],
    ]);
    const many: number = 2;
    const ends: number[] = [2];
    const either = (many > 1 ? many : ends) as number | number[];
    expectTypeOf(mx.split(m, many)).toEqualTypeOf<mx.array[]>();
    expectTypeOf(mx.split(m, ends, 1)).toEqualTypeOf<mx.array[]>();
    expectTypeOf(mx.split(m, either)).toEqualTypeOf<mx.array[]>();
    expectTypeOf(mx.split(m, 1)).toEqualTypeOf<[mx.array]>();
    expectTypeOf(mx.split(mx.zeros([1000]), 1000)).toEqualTypeOf<mx.array[]>();
    expectTypeOf(mx.meshgrid([x, x].slice())).toEqualTypeOf<mx.array[]>();
    const list: readonly mx.array[] = [x];
    expectTypeOf(mx.broadcastArrays(list)).toEqualTypeOf<mx.array[]>();
    // @ts-expect-error: there are two.
    expect(mx.split(m, 2)[2]).toBeUndefined();
    // @ts-expect-error: a text is no number of parts.
    expect(() => mx.split(m, "2")).toThrow(TypeError);
  });

  test("products with a Jacobian are as many as the results or the primals", () => {
    const both = (a: mx.array) => [a.square(), a.add(1)] as const;
    const [[result], [pulled]] = mx.vjp((a: mx.array) => a.square(), [x], [x]);
    const [[, sum], [, moved]] = mx.jvp(both, [x], [x]);
    expectTypeOf({ result, pulled, sum, moved }).toEqualTypeOf<
      Record<"result" | "pulled" | "sum" | "moved", mx.array>
    >();
    expect([result, pulled, sum, moved].map((y) => y.item())).toEqual([4, 8, 3, 2]);
    const list = (a: mx.array): mx.array[] => [a];
    expectTypeOf(mx.jvp(list, [x], [x])).toEqualTypeOf<[mx.array[], mx.array[]]>();
    expect(mx.jvp(list, [x], [x])[1][0]?.item()).toBe(2);
    // @ts-expect-error: there is one result.
    expect(mx.vjp((a: mx.array) => a.square(), [x], [x])[0][1]).toBeUndefined();
  });
});

describe("evaluation", () => {
  const x = mx.ones([1]);
  const model = new Model();

  test("takes all that may hold arrays", async () => {
    const none: mx.array | null = null as mx.array | null;
    const caches: { keys: mx.array | null; length: number }[] = [{ keys: none, length: 0 }];
    const state: Record<string, unknown> = { x };
    interface Tree {
      inner?: Tree;
      size: number;
      list: Tree[];
    }
    const tree: Tree = { size: 0, list: [] };
    class Counter extends mx.Owner {
      count = 3;
      total = x;
    }
    interface Cached {
      readonly length: number;
      add(): void;
    }
    const cached: Cached[] = [];
    mx.eval(cached);
    // Owners and modules may have whatever names maps, functions and typed arrays have.
    class Ring extends mx.Owner {
      buffer = x;
      has(): boolean {
        return true;
      }
    }
    class Named extends nn.Module {
      buffer = x;
      bind(): void {}
    }
    mx.eval(new Ring(), new Named(), [new Ring()]);
    await mx.asyncEval(new Ring(), new Named());
    const steps = mx.pipeline(() => undefined, { state: new Ring() });
    expect(await steps.next()).toEqual({ done: true, value: undefined });
    const { buffer } = mx.grad((ring: Ring) => ring.buffer.square().sum())(new Ring());
    expect(buffer.tolist()).toEqual([2]);
    mx.eval(x, [x, 1], { a: x, b: 2 }, [[{ x }]], { p: [x] } as const, [], {}, [null]);
    mx.eval(model, model.state, model.parameters(), new optim.SGD(0.1).state, new Counter());
    mx.eval(caches, [none], state, [model] as nn.Module[], { tree, x });
    mx.eval(...mx.split(mx.ones([2]), 2), ...[x].values());
    expect(() => mx.eval(tree)).toThrow(TypeError);
    const any: mx.Evaluable[] = [x];
    mx.eval(...any);
    const signal: AbortSignal | undefined = undefined as AbortSignal | undefined;
    await mx.asyncEval(x, [x], signal, new AbortController().signal);
    const generic = <
      T extends mx.Evaluable,
      M extends nn.Module,
      R extends Record<string, mx.array>,
    >(
      value: T,
      model: M,
      record: R,
    ) => mx.eval(value, model, model.parameters(), record);
    generic([x], model, { x });
  });

  test("refuses what has none", async () => {
    // biome-ignore format: one a line
    const wrong = [
      // @ts-expect-error: a number.
      () => mx.eval(3),
      // @ts-expect-error: a list of numbers.
      () => mx.eval([1]),
      // @ts-expect-error: one among others.
      () => mx.eval(x, [[1]]),
      // @ts-expect-error: a record of a number.
      () => mx.eval({ a: 2 }),
      // @ts-expect-error: lists and records of numbers and texts.
      () => mx.eval({ a: [2n, true], b: { c: "text" } }),
      // @ts-expect-error: a function, which is to be called first.
      () => mx.eval(() => x),
      // @ts-expect-error: a map, whose values are to be passed.
      () => mx.eval([new Map([["x", x]])]),
      // @ts-expect-error: an optimizer, whose state is to be passed.
      () => mx.eval(new optim.SGD(0.1)),
    ];
    for (const evaluate of wrong) {
      expect(evaluate).toThrow(TypeError);
    }
    // @ts-expect-error: a list of numbers.
    await expect(mx.asyncEval([1], undefined)).rejects.toThrow(TypeError);
    // @ts-expect-error: a controller, whose signal is to be passed.
    await expect(mx.asyncEval(x, new AbortController())).rejects.toThrow(TypeError);
    // @ts-expect-error: a record of a number.
    await expect(mx.asyncEval(x, { a: 2 })).rejects.toThrow(TypeError);
  });
});

test("a list that a function is written to give has a known length afterwards", () => {
  const both = (a: mx.array): [mx.array, mx.array] => [a.square(), a.add(1)];
  const mapped = mx.vmap((a: mx.array) => [a.square(), a.add(1)]);
  expectTypeOf(mapped).toEqualTypeOf(both);
  const compiled = mx.compile((a: mx.array) => [[a, { a }], a.add(1)]);
  expectTypeOf(compiled).returns.toEqualTypeOf<[[mx.array, { a: mx.array }], mx.array]>();
  const custom = mx.customFunction((a: mx.array) => [a.square(), a.add(1)]);
  custom.vjp((a, [square, sum], outputs) => {
    expectTypeOf({ a, square, sum }).toEqualTypeOf<Record<"a" | "square" | "sum", mx.array>>();
    expectTypeOf(outputs).toEqualTypeOf<[mx.array, mx.array]>();
    return square.multiply(100).add(sum);
  });
  const [[loss, { more }], gradient] = mx.valueAndGrad((a: mx.array) => {
    const [square, sum] = custom(a);
    return [square.add(sum), { more: sum }];
  })(mx.array(2));
  expectTypeOf({ loss, more, gradient }).toEqualTypeOf<
    Record<"loss" | "more" | "gradient", mx.array>
  >();
  expect([loss, more, gradient].map((x) => x.item())).toEqual([7, 3, 101]);
  const model = new nn.Linear(1, 1);
  const [[, output]] = nn.valueAndGrad(model, (x: mx.array) => {
    const y = model.forward(x);
    return [y.sum(), y];
  })(mx.ones([1, 1]));
  expectTypeOf(output).toEqualTypeOf<mx.array>();
  expect(output.shape).toEqual([1, 1]);
  // Of others the length stays unknown.
  const rows = mx.vmap((a: mx.array) => [...a]);
  expectTypeOf(rows).returns.toEqualTypeOf<mx.array[]>();
  const parts = mx.compile((a: mx.array, n: number) => mx.split(a, n));
  expectTypeOf(parts).returns.toEqualTypeOf<mx.array[]>();
  const whatever = mx.compile((a: mx.array): unknown => a);
  expectTypeOf(whatever).returns.toBeUnknown();
});

test("typed arrays have a buffer of their own, which can be transferred", () => {
  const x = mx.array([1, 2], mx.uint8);
  const bytes = x.toTypedArray<Uint8Array>();
  expectTypeOf(bytes).toExtend<Uint8Array<ArrayBuffer>>();
  const either = () => x.toTypedArray<Float32Array | BigInt64Array>();
  expectTypeOf(either).returns.toExtend<Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>>();
  expect(structuredClone(bytes, { transfer: [bytes.buffer] })).toEqual(Uint8Array.of(1, 2));
  const shared = new Uint8Array(new SharedArrayBuffer(2));
  expectTypeOf(x.toTypedArray(shared)).toEqualTypeOf<Uint8Array<SharedArrayBuffer>>();
  let into: Uint8ClampedArray | undefined;
  expectTypeOf(x.toTypedArray(into)).toEqualTypeOf<Uint8ClampedArray>();
  into = new Uint8ClampedArray(2);
  expect(x.toTypedArray(into)).toBe(into);
});

test("typed arrays of 16-bit floats are what others are, where the program has them", () => {
  const half = (values: Float16Array) => mx.array(values).toTypedArray<Float16Array>();
  expectTypeOf(half).returns.toExtend<Float16Array<ArrayBuffer>>();
  const into = (x: mx.array, values: Float16Array) => x.toTypedArray(values);
  expectTypeOf(into).returns.toEqualTypeOf<Float16Array>();
});

test("masks are for writing", () => {
  const x = mx.ones([2]);
  x.set([[true, false]], 3);
  x.set([true], x);
  // @ts-expect-error: chooses nothing.
  expect(() => x.get([true, false])).toThrow(TypeError);
  // @ts-expect-error: chooses nothing.
  expect(() => x.at(true).add(1)).toThrow(TypeError);
});

test("rows are arrays, however they are listed", () => {
  const x = mx.ones([2, 3]);
  const listed = [Array.from(x), [...x], Array.from(x[Symbol.iterator]())];
  expectTypeOf(listed).toEqualTypeOf<mx.array[][]>();
  expect(listed.map((rows) => rows.length)).toEqual([2, 2, 2]);
  expectTypeOf(new Set(x)).toEqualTypeOf<Set<mx.array>>();
});

describe("files and steps", () => {
  test("what a file holds goes by its name", () => {
    // biome-ignore format: one a line
    const loads = [
      () => expectTypeOf(mx.load("a.npy")).toEqualTypeOf<mx.array>(),
      () => expectTypeOf(mx.load("a.npy", { stream: mx.cpu })).toEqualTypeOf<mx.array>(),
      () => expectTypeOf(mx.load("a.npz")).toEqualTypeOf<Record<string, mx.array>>(),
      () => expectTypeOf(mx.load("a.gguf", {})).toEqualTypeOf<Record<string, mx.array>>(),
      () => expectTypeOf(mx.load("a.safetensors")).toEqualTypeOf<Record<string, mx.array>>(),
      () =>
        expectTypeOf(mx.load("a.safetensors", { returnMetadata: true })).toEqualTypeOf<
          [Record<string, mx.array>, Record<string, string>]
        >(),
      () =>
        expectTypeOf(mx.load("a.gguf", { returnMetadata: true })).toEqualTypeOf<
          [Record<string, mx.array>, mx.GgufMetadata]
        >(),
      (folder: string) =>
        expectTypeOf(mx.load(`${folder}/a.npz`)).toEqualTypeOf<Record<string, mx.array>>(),
      (file: string) =>
        expectTypeOf(mx.load(file)).toEqualTypeOf<mx.array | Record<string, mx.array>>(),
    ];
    expect(loads.length).toBe(9);
  });

  test("the number of steps is a bigint", () => {
    const { step } = new optim.SGD(0.1);
    const count = step.item();
    expectTypeOf(count).toEqualTypeOf<bigint>();
    expectTypeOf(step).toExtend<mx.array>();
    expect(count).toBe(0n);
  });
});
