import "mlx-js/testing";
import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";
import { AttentionPool, Reader } from "../../examples/own-layer/pool.mjs";
import { makeRows, train } from "../../examples/own-layer/task.mjs";

/** The layer's formula, a row at a time. */
function byHand(pool: AttentionPool, x: number[][][], mask: boolean[][]): number[][] {
  const weight = pool.key.weight.tolist<number[][]>();
  const query = pool.query.tolist<number[]>();
  const dot = (a: number[], b: number[]) => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);
  return x.map((row, i) => {
    const odds = row.map((vector, j) => {
      const key = weight.map((line) => dot(line, vector));
      return mask[i]?.[j] ? Math.exp(dot(key, query) / Math.sqrt(query.length)) : 0;
    });
    const total = odds.reduce((sum, v) => sum + v, 0) || 1;
    return query.map(
      (_, d) =>
        dot(
          odds,
          row.map((vector) => vector[d] ?? 0),
        ) / total,
    );
  });
}

describe("AttentionPool", () => {
  mx.random.seed(2);
  const pool = new AttentionPool(3);
  const x = mx.random.normal([2, 4, 3]);
  const values = x.tolist<number[][][]>();
  const mask = mx.array([
    [true, false, true, true],
    [false, true, false, false],
  ]);

  test("has its parameters, and no more", () => {
    const shapes = utils.treeFlatten(pool.parameters()).map(([name, p]) => [name, p.shape]);
    expect(shapes).toEqual([
      ["query", [3]],
      ["key.weight", [3, 3]],
    ]);
  });

  test("computes what the formula says, with and without a mask", () => {
    const all = values.map((row) => row.map(() => true));
    expect(pool.forward(x)).toBeCloseToArray(mx.array(byHand(pool, values, all)), { rtol: 1e-4 });
    const some = byHand(pool, values, mask.tolist<boolean[][]>());
    expect(pool.forward(x, { mask })).toBeCloseToArray(mx.array(some), { rtol: 1e-4 });
    expect(pool.forward(x, { mask: mask.astype(mx.int32) })).toEqual(pool.forward(x, { mask }));
    // One vector alone is the result.
    expect(pool.forward(x, { mask }).get(1)).toBeCloseToArray(x.get(1, 1));
    for (const none of [null, undefined]) {
      expect(pool.forward(x, { mask: none })).toEqual(pool.forward(x));
    }
  });

  test("does not see what is masked", () => {
    const other = mx.where(mask.get("...", null), x, 1e4);
    expect(pool.forward(other, { mask })).toEqual(pool.forward(x, { mask }));
    expect(pool.forward(other)).not.toEqual(pool.forward(x));
  });

  test("gives 0 where nothing counts, and finite gradients", () => {
    const none = mx.zeros([2, 4], mx.bool);
    expect(pool.forward(x, { mask: none }).tolist()).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    const [, gradients] = nn.valueAndGrad(pool, () => pool.forward(x, { mask: none }).sum())();
    for (const [, gradient] of utils.treeFlatten(gradients)) {
      expect(mx.isfinite(gradient).all().item()).toBe(true);
    }
  });

  test("has gradients of all its parameters", () => {
    const loss = () => pool.forward(x, { mask }).square().sum();
    const [, gradients] = nn.valueAndGrad(pool, loss)();
    const step = 1e-2;
    const query = pool.query;
    const slopes = [0, 1, 2].map((i) => {
      const at = (change: number) => {
        pool.query = query.at(i).add(change);
        return loss().item();
      };
      return (at(step) - at(-step)) / (2 * step);
    });
    pool.query = query;
    expect(gradients["query"]).toBeCloseToArray(mx.array(slopes), { rtol: 1e-2, atol: 1e-3 });
    expect(mx.any(mx.notEqual(gradients["key"].weight, 0)).item()).toBe(true);
  });
});

test("rows are marked where their answer is, and beyond their end", () => {
  const { x, mask, answer } = makeRows(50, 6, mx.random.key(3));
  const rows = x.tolist<number[][][]>();
  const inside = mask.tolist<boolean[][]>();
  answer.tolist<number[]>().forEach((expected, i) => {
    const marked = rows[i]?.filter((vector, j) => inside[i]?.[j] && vector[1] === 3);
    expect(marked?.map(([value]) => value)).toEqual([expected]);
    expect(rows[i]?.filter((vector, j) => !inside[i]?.[j] && vector[1] !== 3)).toEqual([]);
  });
  expect(new Set(mask.sum(1).tolist<number[]>())).toEqual(new Set([1, 2, 3, 4, 5, 6]));
});

test("a model with the layer learns what to read, and needs the mask for it", () => {
  mx.random.seed(0);
  const model = new Reader(8);
  const losses = train(model, 200);
  expect(losses[0]).toBeGreaterThan(0.5);
  expect(Math.max(...losses.slice(-20))).toBeLessThan(0.05);
  const { x, mask, answer } = makeRows(200, 6, mx.random.key(1000));
  const error = (read: mx.array) => read.subtract(answer).square().mean().item();
  expect(error(model.forward(x, { mask }))).toBeLessThan(0.05);
  expect(error(model.forward(x))).toBeGreaterThan(0.2);
});
