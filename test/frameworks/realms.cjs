// What has to hold where tests run in a realm of their own: a `vm` context, with
// an `Error` and an `Object` that are not those of Node's own modules. Jest and
// vitest both run it, with the package as each of them loads it.
const { expect, test } = /** @type {typeof import("vitest")} */ (/** @type {any} */ (globalThis));

/** @param {typeof import("mlx-js")} mlx */
module.exports = ({ mx }) => {
  const singular = () => mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu });
  /** What is wrong on purpose. @param {unknown} x @returns {any} */
  const any = (x) => x;

  test.each(
    /** @type {[string, () => unknown, ErrorConstructor][]} */ ([
      ["MLX", () => mx.add(mx.ones([2]), mx.ones([3])), Error],
      ["MLX, several results", () => mx.broadcastArrays([mx.ones([2]), mx.ones([3])]), Error],
      ["the addon, a type", () => mx.einsumPath("ij,jk", any([1])), TypeError],
      ["the addon, a range", () => mx.zeros([2 ** 30, 2 ** 30, 2 ** 30]), RangeError],
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
};
