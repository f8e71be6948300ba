// Layers of several processes, and what averages and clips their gradients, beyond
// the values of test/golden/nn/distributed.json: in one process, and in rings of
// several, which must compute what one process does with the whole.
import { mx, nn, utils } from "mlx-js";
import { beforeAll, describe, expect, test } from "vitest";
import { printed } from "../../support/ring.js";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

/** The names and shapes of a module's parameters. */
const shapes = (module: nn.Module) =>
  utils.treeFlatten(module.parameters()).map(([name, p]) => [name, p.shape]);

describe("one process", () => {
  test("names, shapes and bounds of parameters", () => {
    for (const Layer of [nn.AllToShardedLinear, nn.ShardedToAllLinear]) {
      const layer = new Layer(64, 400);
      expect(shapes(layer)).toEqual([
        ["weight", [400, 64]],
        ["bias", [400]],
      ]);
      expect(layer.group.size()).toBe(1);
      const { weight, bias } = layer;
      for (const x of [weight, bias as mx.array]) {
        expect(mx.max(mx.abs(x)).item()).toBeLessThanOrEqual(1 / 8);
        expect(mx.max(mx.abs(x)).item()).toBeGreaterThan(0.95 / 8);
        expect(Math.abs(mx.mean(x).item())).toBeLessThan(0.02);
      }
      expect(Math.abs(mx.var(weight).item() - 1 / 64 / 3)).toBeLessThan(2e-4);
      expect(shapes(new Layer(2, 3, { bias: false }))).toEqual([["weight", [3, 2]]]);
      expect(String(layer)).toBe(`${Layer.name}(inputDims=64, outputDims=400, bias=true)`);
    }
  });

  test("draws as nn.Linear does", () => {
    const drawn = [nn.Linear, nn.AllToShardedLinear, nn.ShardedToAllLinear].map((Layer) => {
      mx.random.seed(3);
      return utils.treeFlatten(new Layer(2, 3).parameters()).map(([, x]) => x.tolist());
    });
    expect(drawn[1]).toEqual(drawn[0]);
    expect(drawn[2]).toEqual(drawn[0]);
  });

  test("shardLinear takes the weights, and leaves the layer alone", () => {
    const linear = new nn.Linear(4, 6).freeze();
    const layers: [nn.Module & { weight: mx.array; bias?: mx.array }, unknown][] = [
      [nn.shardLinear(linear, "all-to-sharded", { segments: 3 }), nn.AllToShardedLinear],
      [nn.shardLinear(linear, "sharded-to-all", { segments: [1, 3] }), nn.ShardedToAllLinear],
      [nn.shardLinear(new nn.Linear(4, 6, { bias: false }), "all-to-sharded"), undefined],
    ];
    for (const [layer, Class] of layers.slice(0, 2)) {
      expect(layer.constructor).toBe(Class);
      expect(layer.weight).not.toBe(linear.weight);
      expect(mx.arrayEqual(layer.weight, linear.weight).item()).toBe(true);
      expect(mx.arrayEqual(any(layer.bias), any(linear.bias)).item()).toBe(true);
      // What was frozen is not known to the new layer.
      expect(Object.keys(layer.trainableParameters())).toEqual(["weight", "bias"]);
    }
    expect(layers[2]?.[0].bias).toBeUndefined();
  });

  test("takes the dtype of the layer", () => {
    const linear = new nn.Linear(4, 6).setDtype(mx.bfloat16);
    expect(nn.shardLinear(linear, "all-to-sharded").forward(mx.ones([4], mx.bfloat16)).dtype).toBe(
      mx.bfloat16,
    );
  });

  test("quantized layers: parameters, frozen for good", () => {
    for (const Layer of [nn.QuantizedAllToShardedLinear, nn.QuantizedShardedToAllLinear]) {
      const layer = new Layer(128, 6, { groupSize: 32, bits: 8 });
      expect(shapes(layer)).toEqual([
        ["weight", [6, 32]],
        ["scales", [6, 4]],
        ["biases", [6, 4]],
        ["bias", [6]],
      ]);
      expect(mx.all(mx.equal(layer.bias as mx.array, 0)).item()).toBe(true);
      const { biases, groupSize, bits } = layer;
      const weight = mx.dequantize(layer.weight, layer.scales, { biases, groupSize, bits });
      expect(mx.max(mx.abs(weight)).item()).toBeLessThan(1.02 / Math.sqrt(128));
      expect(mx.var(weight).item()).toBeCloseTo(1 / 128 / 3, 3);
      expect(layer.trainableParameters()).toEqual({});
      expect(layer.unfreeze()).toBe(layer);
      expect(layer.unfreeze({ keys: "bias" }).trainableParameters()).toEqual({});
      expect(String(layer)).toMatch(
        new RegExp(
          `^${Layer.name}\\(inputDims=128, outputDims=6, bias=true, groupSize=32, bits=8, mode=affine\\)`,
        ),
      );
      const other = new Layer(32, 2, { mode: "mxfp8", bits: 8, groupSize: 32, bias: false });
      expect(shapes(other)).toEqual([
        ["weight", [2, 8]],
        ["scales", [2, 1]],
      ]);
      expect(() => new Layer(96, 2)).toThrow(
        new RangeError(
          `[${Layer.name}] inputDims: expected a multiple of the group size 64, received 96`,
        ),
      );
      const byMode = { affine: [64, 4], mxfp4: [32, 4], nvfp4: [16, 4], mxfp8: [32, 8] } as const;
      for (const mode of ["affine", "mxfp4", "nvfp4", "mxfp8"] as const) {
        const { groupSize, bits } = new Layer(64, 2, { mode });
        expect([groupSize, bits]).toEqual(byMode[mode]);
      }
      expect(() => Layer.fromQuantizedLinear(any(new nn.Linear(2, 2)))).toThrow(
        `[${Layer.name}.fromQuantizedLinear] quantizedLinearLayer: expected an nn.QuantizedLinear`,
      );
    }
    const linear = new nn.Linear(64, 6, { bias: false });
    for (const mode of ["affine", "mxfp8"] as const) {
      const whole = nn.QuantizedLinear.fromLinear(linear, { mode, bits: 8, groupSize: 32 });
      const layer = nn.shardLinear(whole, "all-to-sharded", { segments: 3 });
      expect(layer).toBeInstanceOf(nn.QuantizedAllToShardedLinear);
      expect([layer.mode, layer.bits, layer.groupSize, layer.bias]).toEqual([
        mode,
        8,
        32,
        undefined,
      ]);
      expect(layer.biases === undefined).toBe(mode === "mxfp8");
      const x = mx.random.normal([2, 64]);
      expect(mx.arrayEqual(layer.forward(x), whole.forward(x)).item()).toBe(true);
      expect(nn.shardLinear(whole, "sharded-to-all")).toBeInstanceOf(
        nn.QuantizedShardedToAllLinear,
      );
    }
  });

  test("averageGradients gives back what it got", () => {
    const gradients = { a: [mx.array([1, 2])] };
    expect(nn.averageGradients(gradients)).toBe(gradients);
    expect(nn.averageGradients(gradients, { group: null, communicationStream: null })).toBe(
      gradients,
    );
  });

  test("a fully sharded module of one", () => {
    const model = new nn.Embedding(4, 2);
    expect(nn.fullyShard(model)).toBe(model);
    const whole = new nn.FullyShardedModule(model, { computeDtype: mx.float16 });
    expect(whole.module).toBe(model);
    const found = whole.forward(mx.array([1], mx.int32));
    expect(found.dtype).toBe(mx.float16);
    expect(whole.asLinear(mx.ones([2])).shape).toEqual([4]);
    // The module has its own parameters again.
    expect(model.weight.dtype).toBe(mx.float32);
    expect(String(whole)).toMatch(
      /^FullyShardedModule\(numShardedParams=1\n {2}\(module\): Embedding\(4, 2\)\n\)/,
    );
    expect(shapes(whole)).toEqual([["module.weight", [4, 2]]]);
    const failing = new nn.FullyShardedModule(new nn.Linear(2, 3));
    const { weight } = failing.module;
    expect(() => failing.forward(mx.ones([5]))).toThrow("[Linear.forward] x");
    expect(mx.arrayEqual(failing.module.weight, weight).item()).toBe(true);
    // Without parameters there is nothing to gather.
    expect(new nn.FullyShardedModule(new nn.Identity()).forward(mx.array(3)).item()).toBe(3);
  });

  test("what they refuse", () => {
    const linear = new nn.Linear(4, 6);
    const wrong = (fn: () => unknown, kind: new () => Error, message: string) => {
      expect(fn).toThrow(kind);
      expect(fn).toThrow(message);
    };
    wrong(() => new nn.AllToShardedLinear(0, 2), RangeError, "[AllToShardedLinear] inputDims: ");
    wrong(
      () => new nn.ShardedToAllLinear(2, any("2")),
      TypeError,
      "[ShardedToAllLinear] outputDims: ",
    );
    wrong(
      () => new nn.ShardedToAllLinear(2, 2, { group: any({}) }),
      TypeError,
      "[ShardedToAllLinear] group: expected a group, received {}",
    );
    wrong(
      () => nn.shardLinear(linear, any("sharded-to-sharded")),
      TypeError,
      '[shardLinear] sharding: expected "all-to-sharded" or "sharded-to-all", received "sharded-to-sharded"',
    );
    wrong(
      () => nn.shardLinear(any(new nn.Embedding(2, 2)), "all-to-sharded"),
      TypeError,
      "[shardLinear] module: expected ",
    );
    wrong(
      () => nn.AllToShardedLinear.fromLinear(any(3)),
      TypeError,
      "[AllToShardedLinear.fromLinear] linearLayer: expected an nn.Linear, received 3",
    );
    const segments: [nn.Segments, new () => Error, string][] = [
      [0, RangeError, "segments: expected a positive integer, received 0"],
      [4, RangeError, "weight: expected an axis 0 that divides into 4 equal segments"],
      [[3, 2], RangeError, "segments: expected places in ascending order"],
      [[-1], RangeError, "segments: expected places in ascending order"],
      [[7], RangeError, "weight: expected an axis 0 of at least 7"],
      [[0.5, 1.5], RangeError, "weight: expected an axis 0 of at least 9"],
      [
        any(["1"]),
        TypeError,
        "segments: expected an integer or a list of numbers, received [ '1' ]",
      ],
      [any(null), TypeError, "segments: expected an integer, received null"],
    ];
    for (const [given, kind, message] of segments) {
      const shard = () => nn.shardLinear(linear, "all-to-sharded", { segments: given });
      expect(shard).toThrow(kind);
      expect(shard).toThrow(message);
    }
    wrong(
      () => nn.shardInplace(linear, () => any([2, 1])),
      RangeError,
      "[shardInplace] sharding's result for weight: expected an axis of 2, received 2",
    );
    wrong(
      () => nn.shardInplace(linear, () => any("0")),
      TypeError,
      '[shardInplace] sharding\'s result for weight: expected an integer, received "0"',
    );
    wrong(() => nn.shardInplace(any({}), "all-to-sharded"), TypeError, "[shardInplace] module: ");
    wrong(() => nn.fullyShard(any({})), TypeError, "[fullyShard] module: ");
    wrong(
      () => new nn.FullyShardedModule(linear, { computeDtype: any("float32") }),
      TypeError,
      "[FullyShardedModule] computeDtype: expected a dtype such as mx.float32",
    );
    wrong(
      () => any(new nn.FullyShardedModule(linear)).asLinear(mx.ones([4])),
      TypeError,
      "[FullyShardedModule.asLinear] module: expected a module with asLinear",
    );
    wrong(() => nn.sumGradients(any(1)), TypeError, "[sumGradients] group: expected a group");
    wrong(
      () => nn.averageGradients({ a: any(1) }),
      TypeError,
      "[averageGradients] gradients.a: expected an array",
    );
    wrong(
      () => nn.clipGradNormSharded({ a: [any(1)] }, 1),
      TypeError,
      "[clipGradNormSharded] gradients.a.0: expected an array, received 1",
    );
    wrong(() => nn.clipGradNormSharded({}, -1), RangeError, "[clipGradNormSharded] maxNorm: ");
    class Scaled extends nn.Module {
      weight = mx.ones([2]);
      scale = mx.array(1);
    }
    const scaled = new Scaled();
    wrong(
      () => new nn.FullyShardedModule(scaled),
      RangeError,
      "[FullyShardedModule] scale: expected a parameter with a first axis",
    );
  });
});

// What the programs begin with. `far` is how far the arrays of two trees are apart,
// beside the largest of the second; `part` this process's part of an axis.
const prelude = `
  const { nn, optim, utils } = require(".");
  const arrays = (tree) => utils.treeFlatten(tree).map(([, x]) => x);
  const far = (a, b) => {
    const [as, bs] = [arrays(a), arrays(b)];
    if (as.length !== bs.length) return "other lengths";
    let most = 0;
    as.forEach((x, i) => {
      const y = bs[i];
      if (x.size === 0 && y.size === 0) return;
      if (x.shape.join() !== y.shape.join()) most = "shapes " + x.shape + " and " + y.shape;
      else most = Math.max(most, mx.max(mx.abs(x.subtract(y))).item() / (mx.max(mx.abs(y)).item() || 1));
    });
    return most;
  };
  const part = (x, axis) => mx.split(x, size, axis)[rank];
`;

describe.each([2, 3, 4])("a ring of %i", (size) => {
  // In one ring, one after the other: its processes take longer to start than they compute.
  const programs: string[] = [];
  let results: unknown[][];
  beforeAll(async () => {
    const blocks = programs.map(
      (program) => `{
        const print = (x) => results.push(x);
        mx.random.seed(11);
        ${program}
      }`,
    );
    const text = `${prelude} const results = []; ${blocks.join("")} print(results);`;
    results = (await printed(size, text)) as unknown[][];
  }, 300_000);

  /** Checks what a program prints in each process. */
  function inRing(name: string, program: string, check: (printed: unknown[]) => void): void {
    const place = programs.push(program) - 1;
    test(name, () => check(results.map((ofProcess) => ofProcess[place])));
  }

  /** The same of a record of differences, which must be next to nothing. */
  function near(name: string, program: string, most = 2e-6): void {
    inRing(name, program, (printed) => {
      for (const found of printed as object[]) {
        for (const [name, value] of Object.entries(found)) {
          expect(value, name).toBeTypeOf("number");
          expect(value, name).toBeLessThan(most);
        }
        expect(Object.keys(found).length).toBeGreaterThan(0);
      }
    });
  }

  near(
    "linear layers, their gradients, and two in a row",
    `
      const out = {};
      for (const bias of [true, false]) {
        const a = new nn.Linear(12, 24, { bias });
        const b = new nn.Linear(24, 6, { bias });
        const x = mx.random.normal([2, 5, 12]);
        const w = mx.random.normal([2, 5, 6]);
        const first = nn.shardLinear(a, "all-to-sharded", { group });
        const second = nn.shardLinear(b, "sharded-to-all");
        out["first " + bias] = far(first.forward(x), part(a.forward(x), -1));
        const y = mx.random.normal([4, 24]);
        out["second " + bias] = far(second.forward(part(y, -1)), b.forward(y));
        const whole = new nn.Sequential(a, mx.tanh, b);
        const shared = new nn.Sequential(first, mx.tanh, second);
        const loss = (model) => (x) => mx.sum(model.forward(x).multiply(w));
        out["inputs " + bias] = far(mx.grad(loss(shared))(x), mx.grad(loss(whole))(x));
        const [l0, g0] = nn.valueAndGrad(whole, loss(whole))(x);
        const [l1, g1] = nn.valueAndGrad(shared, loss(shared))(x);
        const [ga, , gb] = g0.layers;
        const expected = [{ weight: part(ga.weight, 0) }, {}, { weight: part(gb.weight, 1) }];
        if (bias) {
          expected[0].bias = part(ga.bias, 0);
          expected[2].bias = gb.bias;
        }
        out["loss " + bias] = far(l1, l0);
        out["weights " + bias] = far(g1.layers, expected);
        const compiled = mx.compile(loss(shared), { inputs: [shared] });
        out["compiled " + bias] = far(mx.grad(compiled)(x), mx.grad(loss(whole))(x));
      }
      print(out);`,
  );

  near(
    "quantized layers, and the gradient of what is before them",
    `
      const out = {};
      for (const [mode, groupSize, bits] of [["affine", 32, 4], ["affine", 32, 3], ["mxfp8", 32, 8], ["nvfp4", 16, 4]]) {
        for (const bias of [true, false]) {
          const how = { mode, groupSize, bits };
          const a = nn.QuantizedLinear.fromLinear(new nn.Linear(96, 384, { bias }), how);
          const b = nn.QuantizedLinear.fromLinear(new nn.Linear(384, 6, { bias }), how);
          const first = nn.shardLinear(a, "all-to-sharded", { group });
          const second = nn.shardLinear(b, "sharded-to-all", { group });
          const name = [mode, bits, bias].join();
          const x = mx.random.normal([2, 96]);
          out["first" + name] = far(first.forward(x), part(a.forward(x), -1));
          const y = mx.random.normal([2, 384]);
          out["second" + name] = far(second.forward(part(y, -1)), b.forward(y));
          const loss = (f, g) => (x) => mx.sum(mx.sin(g.forward(nn.silu(f.forward(x)))));
          out["gradient" + name] = far(mx.grad(loss(first, second))(x), mx.grad(loss(a, b))(x));
          out["text" + name] = String(first).startsWith(
            "QuantizedAllToShardedLinear(inputDims=96, outputDims=384, bias=" + bias + ", groupSize=" + groupSize,
          ) && String(second).includes("inputDims=384, outputDims=6") ? 0 : String(first);
          if (bias) {
            const third = nn.shardLinear(a, "all-to-sharded", { segments: 4 });
            const expected = mx.concatenate(mx.split(a.forward(x), 4, -1).map((p) => part(p, -1)), -1);
            out["segments" + name] = far(third.forward(x), expected);
          }
        }
      }
      out.refused = attempt(() => new nn.QuantizedShardedToAllLinear(64 * size + size, 2)) ===
        "RangeError: [QuantizedShardedToAllLinear] inputDims / " + size +
        ": expected a multiple of the group size 64, received 65" ? 0 : 1;
      print(out);`,
    1e-5,
  );

  near(
    "segments, as of fused queries, keys and values",
    `
      const out = {};
      const qkv = new nn.Linear(6, 36);
      const x = mx.random.normal([2, 6]);
      const y = qkv.forward(x);
      const pieces = (places) => mx.concatenate(mx.split(y, places, -1).map((p) => part(p, -1)), -1);
      const cases = [[3, [12, 24]], [[12, 24], [12, 24]], [[0.5, 0.75], [18, 27]], [[24, 30], [24, 30]]];
      for (const [segments, places] of cases) {
        if (places.some((place) => place % size)) continue;
        const layer = nn.shardLinear(qkv, "all-to-sharded", { segments });
        out[segments] = far(layer.forward(x), pieces(places));
        const copy = new nn.Linear(6, 36);
        copy.update(qkv.parameters());
        nn.shardInplace(copy, "all-to-sharded", { segments, group });
        out["in place " + segments] = far(copy.parameters(), layer.parameters());
      }
      const back = new nn.Linear(36, 4);
      const h = mx.random.normal([3, 36]);
      const parts = mx.split(h, 3, -1).map((p) => part(p, -1));
      const joined = nn.shardLinear(back, "sharded-to-all", { segments: 3 });
      out.back = far(joined.forward(mx.concatenate(parts, -1)), back.forward(h));
      print(out);`,
  );

  near(
    "a predicate for modules that communicate themselves",
    `
      class Block extends nn.Module {
        up = new nn.Linear(6, 12);
        norm = new nn.RMSNorm(6);
        down = new nn.Linear(12, 6);
        aggregate = false;
        forward(x) {
          const y = mx.matmul(nn.silu(this.up.forward(this.norm.forward(x))), this.down.weight.T);
          return (this.aggregate ? allSum(y) : y).add(this.down.bias);
        }
      }
      const model = new nn.Sequential(new Block(), new Block());
      const x = mx.random.normal([2, 6]);
      const whole = model.forward(x);
      mx.eval(whole);
      const paths = [];
      nn.shardInplace(model, (path, weight) => {
        paths.push(path + weight.ndim);
        if (path.includes("up")) return 0;
        return path.endsWith("down.weight") ? -1 : path.includes("norm") ? undefined : null;
      });
      for (const layer of model.layers) layer.aggregate = true;
      const shape = (x) => Math.abs(x.shape[0] * size - 12);
      print({
        output: far(model.forward(x), whole) + 0,
        up: shape(model.layers[0].up.weight) + shape(model.layers[1].up.bias),
        paths: paths.length === 10 && paths[1] === "layers.0.up.bias1" ? 0 : paths.join(),
      });`,
  );

  inRing(
    "averages gradients, in as many steps as are asked for",
    `
      const { readFileSync, rmSync } = require("node:fs");
      const file = require("node:path").join(require("node:os").tmpdir(), "mlx-js-" + process.pid + ".dot");
      const steps = (tree) => {
        mx.exportToDot(file, arrays(tree));
        const count = readFileSync(file, "utf8").match(/"Sum AllReduce"/g)?.length ?? 0;
        rmSync(file);
        return count;
      };
      const tree = (scale, dtype = mx.float32) => ({
        a: Array.from({ length: 5 }, (_, i) => mx.full([10], scale * (i + 1), dtype)),
        b: { c: mx.array([[scale, 2], [3, 4 * scale]], dtype), d: mx.array(scale, dtype), e: {} },
        f: [{}, mx.zeros([0, 3], dtype)],
      });
      const mean = (size + 1) / 2;
      const stream = mx.newStream(mx.cpu);
      const out = [];
      for (const options of [
        {},
        { allReduceSize: 80, group },
        { allReduceSize: 81 },
        { allReduceSize: 1 },
        { allReduceSize: 0 },
        { allReduceSize: -1, communicationStream: stream },
        { communicationStream: mx.cpu },
      ]) {
        const found = nn.averageGradients(tree(rank + 1), options);
        const count = steps(found);
        out.push([count, far(found, tree(mean)) < 1e-6, JSON.stringify(Object.keys(found.b)), found.f[0]]);
      }
      const mixed = { x: mx.array([rank + 1]), y: mx.array([4 * rank], mx.bfloat16), z: mx.ones([2]) };
      const averaged = nn.averageGradients(mixed);
      const none = nn.averageGradients({});
      print([out, steps(averaged), averaged.y.dtype.name, averaged.y.tolist(), averaged.x.tolist(), none]);`,
    (outcomes) => {
      // Two of 40 bytes are 80; of the rest, 16 bytes and 4 are joined to the last.
      const expected = [1, 3, 3, 8, 8, 8, 1].map((steps) => [steps, true, '["c","d","e"]', {}]);
      for (const found of outcomes) {
        expect(found).toEqual([expected, 3, "bfloat16", [2 * (size - 1)], [(size + 1) / 2], {}]);
      }
    },
  );

  near(
    "clips gradients by the norm of all shares",
    `
      const whole = { a: mx.random.normal([12, 3]), b: [mx.random.normal([12]), mx.zeros([12])] };
      const share = { a: part(whole.a, 0), b: whole.b.map((x) => part(x, 0)) };
      const out = {};
      for (const bound of [0.5, 1e9, 0]) {
        const [clipped, norm] = nn.clipGradNormSharded(share, bound, { group });
        const [expected, known] = optim.clipGradNorm(whole, bound);
        out["norm " + bound] = far(norm, known);
        out["gradients " + bound] = far(
          clipped,
          { a: part(expected.a, 0), b: expected.b.map((x) => part(x, 0)) },
        );
      }
      const [, same] = nn.clipGradNormSharded({ a: mx.ones([4, 3]).multiply(3) }, 1);
      out.formula = Math.abs(same.item() / (Math.sqrt(size * 12) * 3) - 1);
      // One without gradients takes part, too.
      out.empty = Math.abs(nn.clipGradNormSharded({}, 1)[1].item());
      print(out);`,
  );

  near(
    "trains a fully sharded model as one process does the whole",
    `
      const make = () => {
        mx.random.seed(5);
        return [new nn.Embedding(12, 12), new nn.Linear(12, 12), new nn.RMSNorm(12), new nn.Linear(12, 12)];
      };
      class Model extends nn.Module {
        constructor(wrap) {
          super();
          [this.embedding, this.hidden, this.norm, this.output] = make().map(wrap);
        }
        forward(x) {
          const h = this.hidden.forward(this.embedding.forward(x));
          return this.output.forward(this.norm.forward(mx.tanh(h))).add(this.embedding.asLinear(h));
        }
      }
      const one = new Model((x) => x);
      const some = nn.fullyShard(new Model((x) => nn.fullyShard(x)), { group });
      const many = new nn.FullyShardedModule(new Model((x) => x), { group });
      const ids = mx.random.randint(0, 6, [6 * size, 3]);
      const targets = mx.random.randint(0, 6, [6 * size, 3]);
      const loss = (model) => (x, y) => nn.losses.crossEntropy(model.forward(x), y, { reduction: "mean" });
      const learn = (model, x, y, clip) => {
        const optimizer = new optim.AdamW(0.05, { weightDecay: 0.1 });
        const step = nn.valueAndGrad(model, loss(model));
        const losses = [];
        for (let i = 0; i < 4; i++) {
          losses.push(
            mx.tidy(() => {
              const [value, gradients] = step(x, y);
              const [clipped] = clip(gradients, 0.3);
              optimizer.update(model, clipped);
              return value;
            }),
          );
          mx.eval(losses, model, optimizer.state);
        }
        return losses;
      };
      const shared = (gradients, bound) => nn.clipGradNormSharded(gradients, bound, { group });
      const whole = learn(one, ids, targets, optim.clipGradNorm);
      const l1 = learn(many, part(ids, 0), part(targets, 0), shared);
      const l2 = learn(some, part(ids, 0), part(targets, 0), shared);
      const mean = (losses) => losses.map((x) => allSum(x).divide(size));
      const expected = utils.treeMap((x) => part(x, 0), one.parameters());
      const flat = (tree) => utils.treeFlatten(tree).map(([name, x]) => [name.replaceAll("module.", ""), x]);
      const named = (tree) => Object.fromEntries(flat(tree));
      const learnt = one.hidden.weight.subtract(make()[1].weight).abs().max().item();
      print({
        learnt: learnt > 0.05 ? 0 : learnt,
        losses: far(mean(l1), whole),
        nestedLosses: far(mean(l2), whole),
        parameters: far(named(many.parameters()), named(expected)),
        nestedParameters: far(named(some.parameters()), named(expected)),
        unwrapped: some instanceof nn.FullyShardedModule ? 1 : 0,
        wrapped: some.hidden instanceof nn.FullyShardedModule ? 0 : 1,
        asLinear: far(
          some.embedding.asLinear(mx.ones([12])),
          allGather(some.embedding.module.weight).sum(1),
        ),
        output: far(many.forward(ids), one.forward(ids)),
      });`,
    2e-5,
  );

  inRing(
    "frozen parameters are shared, too, and stay as they are",
    `
      const model = new nn.Linear(2, 12);
      model.freeze({ keys: "bias" });
      const expected = [part(model.weight, 0), part(model.bias, 0)].map((x) => x.tolist());
      const shared = nn.fullyShard(model, { computeDtype: mx.bfloat16 });
      const [, gradients] = nn.valueAndGrad(shared, (x) => shared.forward(x).astype(mx.float32).sum())(
        mx.ones([4, 2], mx.bfloat16),
      );
      print({
        names: [shared.parameters(), shared.trainableParameters()].map((tree) =>
          utils.treeFlatten(tree).map(([name]) => name),
        ),
        same: JSON.stringify([model.weight.tolist(), model.bias.tolist()]) === JSON.stringify(expected),
        dtype: [shared.forward(mx.ones([2], mx.bfloat16)).dtype.name, model.weight.dtype.name],
        gradients: utils.treeFlatten(gradients).map(([name, x]) => [name, x.dtype.name, x.tolist()]),
        text: String(shared).split("\\n")[0],
        again: nn.fullyShard(shared) === shared,
        nothing: nn.fullyShard(new nn.Identity()) instanceof nn.Identity,
      });`,
    (outcomes) => {
      for (const found of outcomes) {
        expect(found).toEqual({
          names: [["module.weight", "module.bias"], ["module.weight"]],
          same: true,
          dtype: ["bfloat16", "float32"],
          gradients: [["module.weight", "float32", Array(12 / size).fill([4, 4])]],
          text: "FullyShardedModule(numShardedParams=2",
          again: true,
          nothing: true,
        });
      }
    },
  );

  inRing(
    "what does not divide is an error, and changes nothing",
    `
      const linear = new nn.Linear(6, 7);
      const before = linear.weight;
      const model = new nn.Sequential(new nn.Linear(6, 12), linear);
      const message = (fn) => attempt(() => (fn(), "no error"));
      print([
        message(() => new nn.AllToShardedLinear(6, 7)),
        message(() => new nn.ShardedToAllLinear(7, 6, { bias: false })),
        message(() => nn.shardLinear(linear, "all-to-sharded")),
        message(() => nn.shardLinear(new nn.Linear(6, 12), "all-to-sharded", { segments: [1] })),
        message(() => nn.shardInplace(model, "all-to-sharded")),
        message(() => new nn.FullyShardedModule(model)),
        message(() => nn.fullyShard(linear)),
        linear.weight === before && model.layers[0].weight.shape.join() === "12,6",
        String(new nn.AllToShardedLinear(4, 12)),
        String(new nn.ShardedToAllLinear(12, 4, { bias: false })),
      ]);`,
    (outcomes) => {
      const multiple = `expected a multiple of ${size}, the number of processes, received 7`;
      const segments = `expected segments that divide among ${size} processes, along axis 0`;
      const given = "received float32 array of shape";
      for (const found of outcomes) {
        expect(found).toEqual([
          `RangeError: [AllToShardedLinear] outputDims: ${multiple}`,
          `RangeError: [ShardedToAllLinear] inputDims: ${multiple}`,
          `RangeError: [AllToShardedLinear] outputDims: ${multiple}`,
          `RangeError: [AllToShardedLinear.fromLinear] weight: ${segments}, ${given} [12, 6]`,
          `RangeError: [shardInplace] layers.1.weight: ${segments}, ${given} [7, 6]`,
          `RangeError: [FullyShardedModule] layers.1.weight: ${segments}, ${given} [7, 6]`,
          `RangeError: [FullyShardedModule] weight: ${segments}, ${given} [7, 6]`,
          true,
          "AllToShardedLinear(inputDims=4, outputDims=12, bias=true)",
          "ShardedToAllLinear(inputDims=12, outputDims=4, bias=false)",
        ]);
      }
    },
  );
});
