// What has to hold where tests run in a realm of their own: a `vm` context, with
// an `Error` and an `Object` that are not those of Node's own modules. Jest and
// vitest both run it, with the package as each of them loads it.
const { runInNewContext } = require("node:vm");

const { describe, expect, test } = /** @type {typeof import("vitest")} */ (
  /** @type {any} */ (globalThis)
);

/** @param {typeof import("mlx-js")} mlx */
module.exports = ({ mx, nn, optim, utils }) => {
  const singular = () => mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
  /** What is wrong on purpose. @param {unknown} x @returns {any} */
  const any = (x) => x;

  test.each(
    /** @type {[string, () => unknown, ErrorConstructor][]} */ ([
      ["MLX", () => mx.add(mx.ones([2]), mx.ones([3])), Error],
      ["MLX, several results", () => mx.broadcastArrays([mx.ones([2]), mx.ones([3])]), Error],
      ["the addon, a type", () => mx.einsumPath("ij,jk", any([1])), TypeError],
      ["the addon, a range", () => mx.zeros([2 ** 30, 2 ** 30, 2 ** 30]), RangeError],
      ["the system", () => mx.load("/none/such.npy"), Error],
      ["the system, in writing", () => mx.save("/none/such.npy", mx.ones([2])), Error],
      ["a name", () => mx.load(new URL("http://none/such.npy")), TypeError],
      ["a check", () => mx.expandDims(mx.ones([2]), any("0")), TypeError],
      ["an evaluation", () => mx.eval(singular()), Error],
      ["a value", () => singular().item(), Error],
      ["a transformation", () => mx.grad((x) => mx.add(x, mx.ones([3])))(mx.ones([2])), Error],
      [
        "a compiled function",
        () => mx.compile((x) => mx.add(x, mx.ones([3])))(mx.ones([2])),
        Error,
      ],
    ]),
  )("an error of %s is one of this realm", (_, fn, type) => {
    expect(fn).toThrow(type);
  });

  test("so is what a promise is rejected with", async () => {
    await expect(mx.asyncEval(singular())).rejects.toThrow(Error);
    await expect(mx.asyncEval(any("x"))).rejects.toThrow(TypeError);
    await expect(Promise.all([1, 2].map(() => mx.asyncEval(singular())))).rejects.toThrow(Error);
  });

  test.each([
    ["an error", new Error("boom")],
    ["an object", { failure: "Error", message: "boom" }],
    ["null", null],
    ["undefined", undefined],
    ["a text", "boom"],
  ])("%s that user code throws comes out as it is", (_, thrown) => {
    const fail = any(() => {
      throw thrown;
    });
    const x = mx.ones([2]);
    /** @type {(() => unknown)[]} */
    const calls = [
      () => mx.grad(fail)(x),
      () => mx.vjp(fail, [x], [x]),
      () => mx.jvp(fail, [x], [x]),
      () => mx.vmap(fail)(x),
      () => mx.compile(fail)(x),
      () => mx.checkpoint(fail)(x),
      () => mx.grad(mx.vmap(mx.compile(fail)))(x),
      () => mx.customFunction(fail)(x),
      () => mx.tidy(fail),
      () => mx.save({ write: fail }, x),
    ];
    for (const call of calls) {
      /** @type {unknown} */
      let caught = {};
      try {
        call();
      } catch (error) {
        caught = error;
      }
      expect(caught).toBe(thrown);
    }
  });

  /** @type {[string, () => any][]} */
  const records = [
    ["of this realm", () => ({})],
    ["of structuredClone", () => structuredClone({})],
    ["of JSON.parse", () => JSON.parse("{}")],
    ["of another realm", () => runInNewContext("({})")],
    ["of another realm, without a prototype", () => runInNewContext("Object.create(null)")],
    ["without a prototype", () => Object.create(null)],
  ];

  describe.each(records)("a record %s", (_, make) => {
    const holding = (/** @type {any} */ value) => Object.assign(make(), { a: value });
    const scalar = () => mx.add(mx.array(1), 2);

    test("is one to eval and asyncEval", async () => {
      const [x, y] = [scalar(), scalar()];
      mx.eval(holding([holding(x)]));
      await mx.asyncEval(holding(y));
      expect([x.item(), y.item()]).toEqual([3, 3]);
      expect(() => mx.eval(holding("x"))).toThrow(TypeError);
    });

    test("is looked through by tidy, keep and dispose", () => {
      const { a } = mx.tidy(() => holding(scalar()));
      expect(a.item()).toBe(3);
      const kept = holding(undefined);
      mx.tidy(() => {
        kept.a = scalar();
        mx.keep(kept);
      });
      expect(kept.a.item()).toBe(3);
      mx.dispose(kept);
      expect(kept.a.disposed).toBe(true);
    });

    test("is a tree to transformations", () => {
      const f = (/** @type {any} */ tree) => mx.sum(mx.square(tree.a));
      const x = mx.array([1, 2]);
      expect(mx.grad(f)(holding(x)).a.tolist()).toEqual([2, 4]);
      expect(mx.compile(f)(holding(x)).item()).toBe(5);
      const mapped = mx.vmap((/** @type {any} */ tree) => holding(mx.negative(tree.a)))(holding(x));
      expect(mapped.a.tolist()).toEqual([-1, -2]);
      expect(mx.checkpoint(f)(holding(x)).item()).toBe(5);
    });

    test("holds the parameters of modules and optimizers", () => {
      class Model extends nn.Module {
        weights = holding(mx.array([1, 2]));
      }
      const model = new Model();
      expect(Object.keys(model.parameters())).toEqual(["weights"]);
      expect(model.parameters()["weights"].a.tolist()).toEqual([1, 2]);
      model.update({ weights: holding(mx.array([3, 4])) });
      expect(model.weights.a.tolist()).toEqual([3, 4]);
      const optimizer = new optim.SGD(0.5);
      const updated = optimizer.applyGradients(holding(mx.array([1])), holding(mx.array([2])));
      expect(/** @type {any} */ (updated).a.tolist()).toEqual([1.5]);
      const tree = utils.treeMap((x) => mx.negative(any(x)), holding(mx.array([1])));
      expect(any(tree).a.tolist()).toEqual([-1]);
    });

    test("goes into files and is what options are", () => {
      /** @type {Uint8Array[]} */
      const pieces = [];
      mx.savez({ write: (bytes) => pieces.push(bytes) }, holding(mx.array([1, 2])));
      const loaded = any(mx.load(Buffer.concat(pieces), { format: "npz" }));
      expect(loaded.a.tolist()).toEqual([1, 2]);
      const options = Object.assign(make(), { keepdims: true });
      expect(mx.sum(mx.ones([2, 3]), 1, options).shape).toEqual([2, 1]);
      expect(() => mx.sum(mx.ones([2]), 0, holding(1))).toThrow(TypeError);
    });
  });

  test("what else another realm has made is what it is", async () => {
    const made = runInNewContext(`({
      list: [[1, 2], [3, 4]],
      floats: new Float32Array([1, 2]),
      shared: new Int32Array(new SharedArrayBuffer(8)),
      doubles: new Float64Array([0.5]),
      bytes: new Uint8Array([1, 2, 3]).buffer,
      promise: Promise.resolve(7),
      fails: () => { throw new Error("boom") },
      map: new Map([["a", 1]]),
    })`);
    expect(mx.array(made.list).tolist()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(mx.zeros(made.list[0]).shape).toEqual([1, 2]);
    expect(mx.array(made.floats).dtype).toBe(mx.float32);
    expect(mx.array(made.shared).tolist()).toEqual([0, 0]);
    expect(mx.array(made.doubles).item()).toBe(0.5);
    expect(mx.sum(mx.ones([2, 3]), runInNewContext("[1]")).tolist()).toEqual([3, 3]);
    expect(await mx.tidy(() => made.promise)).toBe(7);
    expect(() => mx.load(made.bytes, { format: "npy" })).toThrow(Error);
    expect(() => mx.eval(made.map)).toThrow("pass [...map.values()]");
    expect(() => mx.grad(made.fails)(mx.ones([1]))).toThrow("boom");
    const { signal, abort } = (() => {
      const controller = new AbortController();
      return { signal: controller.signal, abort: () => controller.abort(new Error("enough")) };
    })();
    abort();
    await expect(mx.asyncEval(mx.ones([2]), signal)).rejects.toThrow("enough");
  });

  test("results are of this realm", () => {
    expect(mx.ones([2]).shape).toStrictEqual([2]);
    expect(mx.ones([1, 2]).tolist()).toStrictEqual([[1, 1]]);
    expect(mx.ones([2]).toTypedArray()).toStrictEqual(new Float32Array([1, 1]));
    expect(mx.array([{ re: 1, im: 2 }]).item()).toStrictEqual({ re: 1, im: 2 });
    expect(mx.broadcastShapes([[2, 1], [3]])).toStrictEqual([2, 3]);
    expect(mx.split(mx.arange(200), 100).constructor).toBe(Array);
    expect(mx.einsumPath("ij,jk", [mx.ones([2, 2]), mx.ones([2, 2])])[0]).toStrictEqual([[0, 1]]);
    expect(mx.deviceInfo({ d: mx.cpu }).constructor).toBe(Object);
  });
};
