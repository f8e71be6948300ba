/**
 * The programs of test/golden/transforms.json, as reference/transforms.py
 * has them in Python.
 */
import { mx } from "mlx-js";

type Array = mx.array;

const cubes = (x: Array) => mx.sum(mx.multiply(mx.multiply(x, x), x));

const mixed = (x: Array, y: Array) => mx.add(mx.multiply(mx.sin(x), y), mx.exp(mx.negative(x)));

const times = (x: Array, by: number) => mx.multiply(x, by);

/** x * y, whose rules give twice what is right. */
function doubling(rules: string[]) {
  const f = mx.customFunction((x: Array, y: Array) => mx.multiply(x, y));
  if (rules.includes("vjp")) {
    f.vjp(([x, y], c) => [times(mx.multiply(c, y), 2), times(mx.multiply(c, x), 2)]);
  }
  if (rules.includes("jvp")) {
    f.jvp(([x, y], [dx, dy]) => {
      const terms = [dx && mx.multiply(dx, y), dy && mx.multiply(dy, x)];
      return terms
        .filter((term) => term !== null)
        .map((term) => times(term, 2))
        .reduce((a, b) => mx.add(a, b));
    });
  }
  if (rules.includes("vmap")) {
    f.vmap((inputs, axes) => {
      const [x, y] = inputs.map((a, i) => {
        const axis = axes[i] ?? null;
        return axis === null ? a : mx.moveaxis(a, axis, 0);
      }) as [Array, Array];
      return [times(mx.multiply(x, y), 2), 0];
    });
  }
  return f;
}

function customValues(x: Array, y: Array, rules: string[]) {
  const f = doubling(rules);
  const squares = (b: Array) => mx.sum(mx.square(f(b, y)));
  return [
    f(x, y),
    mx.grad((a: Array, b: Array) => mx.sum(f(a, b)), [0, 1])(x, y),
    mx.jvp(f, [x, y], [y, x]),
    mx.jvp((a) => f(a, y), [x], [y]),
    mx.vmap(f)(x, y),
    mx.vmap(f, { inAxes: [-1, null], outAxes: -1 })(x, y.get(":", 0)),
    mx.vmap(mx.vmap(f))(x, y),
    mx.grad((a: Array) => mx.sum(mx.vmap(f)(a, y)))(x),
    mx.vmap(mx.grad((a: Array, b: Array) => mx.sum(f(a, b))))(x, y),
    mx.grad((a: Array) => mx.sum(mx.square(mx.grad(squares)(a))))(x),
    mx.jvp(mx.grad(squares), [x], [y]),
  ];
}

// biome-ignore lint/suspicious/noExplicitAny: the inputs come from the data
export const programs: Record<string, (...inputs: any[]) => unknown> = {
  secondDerivative: (x: Array) => mx.grad((z: Array) => mx.sum(mx.grad(cubes)(z)))(x),

  hessian: (x: Array) =>
    mx.vmap((v: Array) => mx.jvp(mx.grad(cubes), [x], [v])[1][0] as Array)(mx.eye(x.size)),

  jacobian: (x: Array, w: Array) => {
    const f = (z: Array) => mx.tanh(mx.matmul(w, z));
    return mx.vmap((v: Array) => mx.vjp(f, [x], [v])[1][0])(mx.eye(w.dim(0)));
  },

  jvpOfGrad: (x: Array, v: Array) => mx.jvp(mx.grad(cubes), [x], [v]),

  jvpOfVjp: (x: Array, v: Array, w: Array) =>
    mx.jvp((z) => mx.vjp((a) => mx.sin(a), [z], [w])[1], [x], [v]),

  jvpOfJvp: (x: Array, v: Array, w: Array) =>
    mx.jvp((z) => mx.jvp((a) => mx.sin(a), [z], [v])[1], [x], [w]),

  vmapOfGrad: (x: Array, y: Array) => {
    const gradient = mx.grad((a: Array, b: Array) => mx.sum(mixed(a, b)), 1);
    return mx.vmap(gradient, { inAxes: [0, null] })(x, y);
  },

  gradOfVmap: (x: Array, y: Array) => {
    const f = mx.vmap(mixed, { inAxes: [0, 1] });
    return mx.grad((a: Array, b: Array) => mx.sum(mx.square(f(a, b))), [0, 1])(x, y);
  },

  gradOfVmapOfCompiled: (x: Array, y: Array) => {
    const f = mx.vmap(mx.compile(mixed), { inAxes: [0, null] });
    return mx.grad((a: Array) => mx.sum(f(a, y)))(x);
  },

  compiledVmapOfGrad: (x: Array, y: Array) =>
    mx.compile(mx.vmap(mx.grad((a: Array, b: Array) => mx.sum(mixed(a, b)))))(x, y),

  jvpOfVmap: (x: Array, v: Array) =>
    mx.jvp(
      mx.vmap((a: Array) => mx.softmax(a), { inAxes: 1, outAxes: -1 }),
      [x],
      [v],
    ),

  nestedVmap: (x: Array, y: Array) => {
    const inner = mx.vmap(mixed, { inAxes: [null, 0] });
    return mx.vmap(inner, { inAxes: [0, null], outAxes: 1 })(x, y);
  },

  vmapOfVmapOfVmap: (x: Array) => {
    const inner = mx.vmap((a: Array) => mx.exp(a), { inAxes: -1 });
    return mx.vmap(mx.vmap(inner, { outAxes: 1 }), { inAxes: 1 })(x);
  },

  vmapOfTrees: (params: { w: Array; b: [Array] }, x: Array) => {
    const f = (p: typeof params, z: Array) => ({
      y: mx.add(mx.matmul(p.w, z), p.b[0]),
      more: [times(p.b[0], 2), mx.sum(z)],
    });
    return mx.vmap(f, {
      inAxes: [{ w: 0, b: [1] }, null],
      outAxes: { y: 1, more: [0, -1] },
    })(params, x);
  },

  vmapOfPrefixes: (params: { w: Array; b: [Array] }, x: Array) =>
    mx.vmap((p: typeof params, z: Array) => [mx.multiply(p.w, z), p.b[0]], {
      inAxes: [1, 0],
      outAxes: [-1, 0],
    })(params, x),

  vmapOfConstants: (x: Array) =>
    mx.vmap((a: Array) => [mx.array([1, 2]), times(a, 2)], { outAxes: [1, 0] })(x),

  vmapOfTheInput: (x: Array) =>
    mx.vmap((a: Array) => [a, mx.sum(a)], { inAxes: 1, outAxes: [1, 0] })(x),

  vmapOfOneTree: (x: Array, y: Array) =>
    mx.vmap(([a, b]: [Array, Array]) => mx.add(a, b), { inAxes: [0, 1] })([x, y]),

  scatters: (x: Array, i: Array, v: Array) => {
    const f = (a: Array, j: Array, w: Array) => [
      a.at(j).add(w),
      a.at(j).multiply(w),
      a.at(j).maximum(w),
      a.at(j).minimum(w),
    ];
    return [mx.vmap(f)(x, i, v), mx.vmap(f, { inAxes: [0, null, null] })(x, i.get(0), v.get(0))];
  },

  slices: (x: Array) =>
    mx.vmap(
      (a: Array) => [a.get("1:"), a.get("::-1"), a.get(0), a.get(null, ":2"), a.get("...", -1)],
      { inAxes: 1 },
    )(x),

  sliceUpdates: (x: Array, v: Array) => {
    const f = (a: Array, w: Array) => {
      const b = mx.add(a, 0);
      b.set(["1:3"], w);
      return b;
    };
    return mx.vmap(f, { inAxes: [0, 1] })(x, v);
  },

  randomInVmap: (x: Array) => {
    const key = mx.random.key(3);
    return mx.vmap((a: Array) => mx.add(a, mx.random.uniform(0, 1, [2], mx.float32, { key })))(x);
  },

  gradientsOfCheckpoint: (x: Array, w: Array) => {
    const f = mx.checkpoint((a: Array, b: Array) => mx.tanh(mx.matmul(a, b)));
    return mx.valueAndGrad((a: Array, b: Array) => mx.sum(f(a, b)), [0, 1])(x, w);
  },

  checkpointOfTrees: (x: Array) => {
    const f = mx.checkpoint((t: { x: Array }, n: number) => ({ a: [times(t.x, n)] as const, n }));
    const loss = (a: Array) => mx.sum(mx.square(f({ x: a }, 3).a[0]));
    return [mx.grad(loss)(x), f({ x }, 3)];
  },

  secondDerivativeOfCheckpoint: (x: Array) => {
    const f = mx.checkpoint(cubes);
    return mx.grad((z: Array) => mx.sum(mx.grad(f)(z)))(x);
  },

  checkpointInOtherTransforms: (x: Array, v: Array) => {
    const f = mx.checkpoint((a: Array) => mx.multiply(mx.sin(a), a));
    return [mx.jvp(f, [x], [v]), mx.vmap(f)(x), f(x)];
  },

  checkpointInCheckpoint: (x: Array) => {
    const f = mx.checkpoint((a: Array) =>
      mx.multiply(mx.checkpoint((b: Array) => mx.sin(b))(a), a),
    );
    return mx.grad((a: Array) => mx.sum(f(a)))(x);
  },

  vmapOfGradOfCheckpoint: (x: Array) => mx.vmap(mx.grad(mx.checkpoint((a: Array) => mx.sin(a))))(x),

  withoutRules: (x: Array, y: Array) => customValues(x, y, []),
  customVjp: (x: Array, y: Array) => customValues(x, y, ["vjp"]),
  customJvp: (x: Array, y: Array) => customValues(x, y, ["jvp"]),
  customVmap: (x: Array, y: Array) => customValues(x, y, ["vmap"]),
  allRules: (x: Array, y: Array) => customValues(x, y, ["vjp", "jvp", "vmap"]),

  rulesOverTrees: (x: Array, y: Array) => {
    const f = mx
      .customFunction((p: { a: Array; b: [Array] }, n: number) => ({
        s: mx.add(p.a, p.b[0]),
        d: [times(p.a, n)] as [Array],
      }))
      .vjp(([, n], c, out) => ({ a: mx.multiply(c.s, out.s), b: [times(c.d[0], n)] }))
      .jvp(([p], [t]) => [times(t.a as Array, 3), p.b[0]])
      .vmap(([p], [axes]) => [
        { s: times(p.a, 7), d: [p.a] },
        { s: axes.a, d: axes.a },
      ]);
    const g = (a: Array, b: Array) => {
      const out = f({ a, b: [b] }, 5);
      return mx.add(out.s, times(out.d[0], 2));
    };
    return [
      g(x, y),
      mx.grad((a: Array, b: Array) => mx.sum(g(a, b)), [0, 1])(x, y),
      mx.jvp((a) => g(a, y), [x], [y]),
    ];
  },

  rulesOfOneArgument: (x: Array) => {
    const seen: Array[][] = [];
    const f = mx
      .customFunction((a: Array) => mx.sin(a))
      .vjp((a, c, out) => {
        seen.push([a, c, out]);
        return times(c, 3);
      })
      .jvp((a, t) => {
        seen.push([a, t as Array]);
        return times(t as Array, 5);
      })
      .vmap((a, axis) => [times(a, (axis as number) + 7), axis]);
    const grads = mx.grad((a: Array) => mx.sum(f(a)))(x);
    const tangents = mx.jvp(f, [x], [x]);
    return [grads, tangents, mx.vmap(f, { inAxes: 1 })(x), seen];
  },

  capturedArraysAreConstants: (x: Array, y: Array) => {
    const g = (a: Array, b: Array) => {
      const f = mx.customFunction((c: Array) => mx.multiply(c, b));
      f.vjp((_, d) => times(d, 10));
      return mx.sum(f(a));
    };
    return mx.grad(g, [0, 1])(x, y);
  },

  straightThrough: (x: Array) => {
    const f = mx.customFunction((a: Array) => mx.round(a)).vjp((_, c) => c);
    return mx.valueAndGrad((a: Array) => mx.sum(mx.multiply(f(a), a)))(x);
  },

  rulesThatChange: (x: Array) => {
    const f = mx.customFunction((a: Array) => mx.sin(a)).vjp((_, c) => times(c, 2));
    const gradient = mx.grad((a: Array) => mx.sum(f(a)));
    const first = gradient(x);
    f.vjp((_, c) => times(c, 3));
    return [first, gradient(x)];
  },

  customInCheckpointInCompile: (x: Array) => {
    const f = mx.customFunction((a: Array) => mx.sin(a)).vjp((_, c, out) => mx.multiply(c, out));
    const g = mx.checkpoint((a: Array) => mx.multiply(f(a), a));
    return mx.compile(mx.grad((a: Array) => mx.sum(g(a))))(x);
  },

  notDifferentiableInVmap: (x: Array) =>
    mx.vmap(mx.grad((a: Array) => mx.sum(mx.depends(a, [times(a, 2)]))))(x),

  evaluationInVmap: (x: Array) => mx.vmap((a: Array) => mx.add(a, mx.sum(a).item()))(x),

  valueInGrad: (x: Array) => mx.grad((a: Array) => mx.sum(mx.multiply(a, mx.sum(a).item())))(x),

  vmapWithoutArguments: (x: Array) => mx.vmap(() => x)(),

  gradientsOfAVector: (x: Array) => mx.grad((a: Array) => mx.sin(a))(x),
  gradientsOfNoArray: (x: Array) => mx.valueAndGrad((a: Array) => [1, a])(x),
  gradientsOfAList: (x: Array) => mx.grad((a: Array) => [mx.sum(a), a] as never)(x),
  gradientsOfNoArgument: (x: Array) => mx.grad((a: Array) => mx.sum(a), [])(x),
  gradientsOfTooMany: (x: Array) => mx.grad((a: Array) => mx.sum(a), 1 as 0)(x),
  gradientsOfOneTwice: (x: Array) => mx.grad((a: Array) => mx.sum(a), [0, 0])(x),

  gradientsWithAux: (x: Array) =>
    mx.valueAndGrad((p: { a: Array }) => [mx.sum(p.a), { b: times(p.a, 2), c: [p.a, 3] }])({
      a: x,
    }),

  gradientsOfSome: (x: Array, y: Array) => {
    type Tree = { q: [Array, Array] };
    const f = (a: Array, t: Tree, b: Array) => mx.sum(mx.multiply(mx.multiply(a, t.q[0]), b));
    return mx.valueAndGrad(f, [0, 1])(x, { q: [y, x] }, x);
  },
};
