import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { beforeAll, describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const { linalg } = mx;

// All but norm and cross run on the CPU only.
beforeAll(() => {
  mx.setDefaultDevice(mx.cpu);
});

const near = (a: mx.array, b: mx.array, atol = 1e-4) => {
  expect(a.shape).toEqual(b.shape);
  expect(mx.allclose(a, b, { atol }).item()).toBe(true);
};

const t = (a: mx.array) => mx.swapaxes(a, -1, -2);
const adjoint = (a: mx.array) => mx.conjugate(t(a));

const matrices = (...shape: number[]) =>
  mx.random.normal(shape, mx.float32, { key: mx.random.key(7) });
const complex = (...shape: number[]) =>
  mx.add(matrices(...shape), mx.multiply(mx.square(matrices(...shape)), { re: 0, im: 1 }));

const orthonormal = (q: mx.array) => {
  const n = q.shape.at(-1) as number;
  near(
    mx.matmul(adjoint(q), q),
    mx.broadcastTo(mx.eye(n, { dtype: q.dtype }), [...q.shape.slice(0, -2), n, n]),
  );
};

/** The diagonal matrices of vectors, with as many rows and columns. */
const diagonal = (s: mx.array, rows: number, columns: number) =>
  mx.multiply(mx.expandDims(mx.pad(s, [[0, rows - s.dim(0)]]), -1), mx.eye(rows, { m: columns }));

describe("norm", () => {
  const a = mx.array([
    [3, -4],
    [0, 12],
  ]);

  test("of vectors and of matrices", () => {
    expect(linalg.norm(a).item()).toBe(13);
    expect(linalg.norm(a, null, 0).tolist()).toEqual([3, Math.fround(Math.sqrt(160))]);
    expect(linalg.norm(a, Infinity, 1).tolist()).toEqual([4, 12]);
    expect(linalg.norm(a, Infinity).item()).toBe(12);
    expect(linalg.norm(a, 1).item()).toBe(16);
    expect(linalg.norm(a, 0, 1, { keepdims: true }).tolist()).toEqual([[2], [1]]);
    expect(linalg.norm(a, undefined, [0, 1]).item()).toBe(13);
  });

  test("has a gradient", () => {
    const g = mx.grad((x: mx.array) => linalg.norm(x))(mx.array([3, 4]));
    near(g, mx.array([0.6, 0.8]));
  });

  test("errors", () => {
    expect(() => linalg.norm(any("1"))).toThrow("[linalg.norm] a: expected an array");
    expect(() => linalg.norm(a, any({}))).toThrow(
      '[linalg.norm] ord: expected a number, "fro" or "nuc", received {}',
    );
    expect(() => linalg.norm(a, null, any("0"))).toThrow("[linalg.norm] axis: expected an integer");
    expect(() => linalg.norm(a, null, 0.5)).toThrow(TypeError);
    expect(() => linalg.norm(a, null, null, any({ keepDims: true }))).toThrow('"keepDims"');
    expect(() => linalg.norm(a, any("l2"))).toThrow("[linalg::norm] Invalid ord value 'l2'");
    expect(() => linalg.norm(a, 1, [0, 9])).toThrow("Invalid axis");
    expect(() => linalg.norm(a, "nuc", [-7, 5])).toThrow("Invalid axis");
  });
});

test("cross", () => {
  expect(linalg.cross(mx.array([1, 2]), mx.array([3, 4, 5])).tolist()).toEqual([10, -5, -2]);
  const [a, b] = [matrices(3, 2), mx.array([[1], [2], [3]])];
  near(linalg.cross(a, b, 0), t(linalg.cross(t(a), t(b))));
  expect(() => linalg.cross(a, b)).toThrow("size 2 or 3");
});

describe("decompositions give back what they take apart", () => {
  test.each([
    [4, 3],
    [3, 4],
    [2, 3, 3],
  ])("qr of %s %s %s", (...shape) => {
    const a = matrices(...shape.filter((n) => n > 0));
    const [q, r] = linalg.qr(a);
    orthonormal(q);
    near(mx.triu(r), r);
    near(mx.matmul(q, r), a);
  });

  test.each([mx.float32, mx.complex64])("svd in %s", (dtype) => {
    for (const [m, n] of [
      [4, 3],
      [3, 4],
      [3, 3],
    ] as const) {
      const a = dtype === mx.complex64 ? complex(m, n) : matrices(m, n);
      const [u, s, vt] = linalg.svd(a);
      orthonormal(u);
      orthonormal(vt);
      expect(s.dtype).toBe(mx.float32);
      const values = s.tolist<number[]>();
      expect(values).toEqual([...values].sort((x, y) => y - x));
      near(linalg.svd(a, { computeUv: false }), s);
      near(mx.matmul(mx.matmul(u, diagonal(s, m, n)), vt), a);
    }
  });

  test.each([mx.float32, mx.complex64])("eigh in %s", (dtype) => {
    const x = dtype === mx.complex64 ? complex(4, 4) : matrices(4, 4);
    const a = mx.add(x, adjoint(x));
    for (const UPLO of ["L", "U"] as const) {
      const [values, v] = linalg.eigh(mx[UPLO === "L" ? "tril" : "triu"](a), { UPLO });
      orthonormal(v);
      near(mx.matmul(mx.multiply(v, values), adjoint(v)), a);
      near(linalg.eigvalsh(a, { UPLO }), values);
    }
  });

  test("eig", () => {
    for (const a of [matrices(4, 4), complex(3, 3), matrices(2, 3, 3)]) {
      const [values, v] = linalg.eig(a);
      expect(values.dtype).toBe(mx.complex64);
      near(mx.matmul(a.astype(mx.complex64), v), mx.multiply(v, mx.expandDims(values, -2)));
      near(linalg.eigvals(a), values);
    }
  });

  test("cholesky", () => {
    const x = matrices(2, 3, 3);
    const a = mx.add(mx.matmul(x, t(x)), mx.eye(3));
    const l = linalg.cholesky(a);
    const u = linalg.cholesky(a, { upper: true });
    near(mx.tril(l), l);
    near(u, t(l));
    near(mx.matmul(l, t(l)), a);
    near(linalg.choleskyInv(l), linalg.inv(a), 1e-3);
    near(linalg.choleskyInv(u, { upper: true }), linalg.inv(a), 1e-3);
  });

  describe("cholesky of what is not positive definite", () => {
    const good = mx.array([4, 2, 2, 10]).reshape([2, 2]);
    const wrong = {
      indefinite: [1, 2, 2, 1],
      singular: [1, 2, 2, 4],
      zero: [0, 0, 0, 0],
      negative: [-1, 0, 0, 1],
      "not a number": [1, Number.NaN, Number.NaN, 1],
    };
    const text = "[linalg.cholesky] a: expected positive definite matrices";

    test.each(Object.entries(wrong))("%s", (_, values) => {
      const a = mx.array(values).reshape([2, 2]);
      const stack = mx.stack([good, a]);
      for (const upper of [false, true]) {
        const factors = (x: mx.array) => linalg.cholesky(x, { upper });
        const l = factors(a);
        expect(() => l.tolist()).toThrow(text);
        expect(() => mx.add(l, 1).tolist()).toThrow(text);
        expect(() => factors(stack).tolist()).toThrow(text);
        expect(() => factors(a.astype(mx.float64)).tolist()).toThrow(text);
        for (const inAxes of [0, 1, 2]) {
          const x = mx.moveaxis(stack, 0, inAxes);
          expect(() => mx.vmap(factors, { inAxes })(x).tolist()).toThrow(text);
        }
        expect(() => mx.compile(factors)(a).tolist()).toThrow(text);
        expect(() => linalg.choleskyInv(l, { upper }).tolist()).toThrow(text);
      }
    });

    test("leaves the others as they are", () => {
      const l = mx.array([2, 0, 1, 3]).reshape([2, 2]);
      const mapped = mx.vmap((x: mx.array) => linalg.cholesky(x), { inAxes: 2 });
      near(mapped(mx.stack([good, mx.multiply(good, 4)], 2)), mx.stack([l, mx.multiply(l, 2)]));
      expect(linalg.cholesky(mx.zeros([3, 0, 0])).shape).toEqual([3, 0, 0]);
    });

    test("in files of functions", () => {
      const folder = mkdtempSync(join(tmpdir(), "mlx-js-cholesky-"));
      try {
        const file = join(folder, "f.mlxfn");
        mx.exportFunction(file, (x: mx.array) => linalg.cholesky(x), [good]);
        const [l] = mx.importFunction(file)(good) as mx.array[];
        near(l as mx.array, linalg.cholesky(good));
        const [bad] = mx.importFunction(file)(mx.negative(good)) as mx.array[];
        expect(() => bad?.tolist()).toThrow(text);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  test.each([
    [3, 3],
    [4, 2],
    [2, 4],
  ])("lu of [%d, %d]", (m, n) => {
    const a = matrices(m, n);
    const [p, l, u] = linalg.lu(a);
    near(mx.tril(l), l);
    near(mx.triu(u), u);
    near(mx.take(mx.matmul(l, u), p, 0), a);
    const [both, pivots] = linalg.luFactor(a);
    near(mx.triu(both).get(`:${Math.min(m, n)}`), u);
    expect(pivots.shape).toEqual([Math.min(m, n)]);
  });

  test("luFactor gives a matrix that one can compute with", () => {
    const [both] = linalg.luFactor(matrices(300, 300));
    expect(mx.all(mx.equal(mx.subtract(both, both), 0)).item()).toBe(true);
    expect(mx.add(both, 1).get(299, 299).item()).toBeCloseTo(both.get(299, 299).item() + 1);
  });
});

test("inverses and solutions", () => {
  const a = mx.add(matrices(2, 3, 3), mx.multiply(4, mx.eye(3)));
  const b = matrices(2, 3, 2);
  const identity = mx.broadcastTo(mx.eye(3), [2, 3, 3]);
  near(mx.matmul(linalg.inv(a), a), identity);
  near(mx.matmul(a, linalg.solve(a, b)), b);
  near(mx.matmul(linalg.triInv(a), mx.tril(a)), identity);
  near(mx.matmul(linalg.triInv(a, { upper: true }), mx.triu(a)), identity);
  near(mx.matmul(mx.tril(a), linalg.solveTriangular(a, b)), b);
  near(mx.matmul(mx.triu(a), linalg.solveTriangular(a, b, { upper: true })), b);
  const wide = matrices(2, 4);
  near(mx.matmul(mx.matmul(wide, linalg.pinv(wide)), wide), wide);
});

test("determinants", () => {
  const a = matrices(5, 5);
  const [sign, log] = linalg.slogdet(a);
  near(mx.multiply(sign, mx.exp(log)), linalg.det(a));
  near(linalg.det(mx.multiply(2, a)), mx.multiply(32, linalg.det(a)), 1e-2);
});

describe("what is not there to decompose", () => {
  test("matrices without elements", () => {
    for (const shape of [
      [0, 0],
      [2, 0, 0],
    ]) {
      const e = mx.zeros(shape);
      const shapes = [
        ...[linalg.inv(e), linalg.triInv(e), linalg.choleskyInv(e), linalg.pinv(e)],
        ...[linalg.cholesky(e), linalg.solve(e, e), linalg.solveTriangular(e, e)],
      ];
      mx.eval(shapes);
      expect(shapes.every((x) => String(x.shape) === String(shape))).toBe(true);
      expect(mx.all(mx.equal(linalg.det(e), 1)).item()).toBe(true);
    }
    expect(linalg.solve(mx.zeros([0, 0]), mx.zeros([0])).tolist()).toEqual([]);
    expect(linalg.luFactor(mx.zeros([2, 0]))[0].tolist()).toEqual([[], []]);
    const [p, l, u] = linalg.lu(mx.zeros([2, 3, 0]));
    expect(p.tolist()).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    expect([l.shape, u.shape]).toEqual([
      [2, 3, 0],
      [2, 0, 0],
    ]);
    mx.eval(l, u);
    expect(() => linalg.inv(mx.zeros([2, 0]))).toThrow("square");
  });

  test.each([Number.NaN, Infinity, -Infinity])("matrices with %s", (bad) => {
    const a = mx.array([
      [
        [1, 2],
        [3, bad],
      ],
      [
        [2, 0],
        [0, 3],
      ],
    ]);
    const [values, vectors] = linalg.eig(a);
    expect(mx.all(mx.isnan(values), 1).tolist()).toEqual([true, false]);
    expect(mx.all(mx.isnan(vectors), [1, 2]).tolist()).toEqual([true, false]);
    near(mx.real(linalg.eigvals(a).get(1)), mx.array([2, 3]));
    for (const run of [
      () => linalg.svd(a),
      () => linalg.svd(a, { computeUv: false }),
      () => linalg.pinv(a),
      () => linalg.norm(a, "nuc", [1, 2]),
      () => linalg.norm(a, -2, [1, 2]),
    ]) {
      expect(() => mx.eval(run())).toThrow("[SVD::eval_cpu] SVD failed");
    }
  });

  test("many errors in a row", () => {
    const zeros = mx.zeros([3, 3]);
    for (let i = 0; i < 500; i++) {
      expect(() => mx.eval(linalg.inv(zeros))).toThrow("[Inverse::eval_cpu]");
      // Of varying length: what MLX must not lose count of is every tenth operation.
      let x = mx.array(1);
      for (let j = 0; j < i % 7; j++) {
        x = mx.add(x, 1);
      }
      expect(x.item()).toBe(1 + (i % 7));
    }
  });

  test("an error while others wait", async () => {
    await expect(mx.asyncEval(linalg.inv(mx.zeros([2, 2])))).rejects.toThrow("[Inverse::eval_cpu]");
    expect(linalg.det(mx.eye(4)).item()).toBe(1);
  });
});

test("errors", () => {
  const a = mx.eye(2);
  expect(() => linalg.eigh(a, { UPLO: any("X") })).toThrow(
    new TypeError('[linalg.eigh] UPLO: expected "L" or "U", received "X"'),
  );
  expect(() => linalg.eigvalsh(a, { UPLO: any(1) })).toThrow(TypeError);
  expect(() => linalg.svd(a, any({ computeUv: 0 }))).toThrow(
    "[linalg.svd] computeUv: expected a boolean",
  );
  expect(() => linalg.svd(a, any({ compute_uv: false }))).toThrow('"compute_uv"');
  expect(() => linalg.triInv(a, any({ upper: "yes" }))).toThrow("[linalg.triInv] upper");
  expect(() => linalg.solve(a, any(1))).toThrow("[linalg.solve] b: expected an array, received 1");
  expect(() => linalg.inv(any(undefined))).toThrow("[linalg.inv] a: expected an array");
  expect(() => linalg.cross(a, a, 0.5)).toThrow("[linalg.cross] axis: expected an integer");
  expect(() => linalg.eig(mx.zeros([2, 3]))).toThrow("[linalg::eig] Only defined for square");
  expect(() => linalg.eig(mx.array(1))).toThrow("dimensions");
  if (mx.isAvailable(mx.gpu)) {
    for (const run of [linalg.inv, linalg.svd, linalg.eig, linalg.det, linalg.lu]) {
      expect(() => run(a, { stream: mx.gpu })).toThrow("Explicitly pass a CPU stream");
    }
  }
});
