import { mx } from "mlx-js";
import "mlx-js/testing";
import { expect, test } from "vitest";
import { kMeans, principalComponents, project } from "../../examples/clustering/cluster.mjs";
import { loadDigits } from "../../examples/digits/data.mjs";

const { test: digits } = loadDigits("examples/digits/digits.npz");

test("components are those of a case that can be computed by hand", () => {
  // Along (3, 4) by -10, 0 and 10, across it by -1, 2 and -1, around (1, 2, 7).
  const points = mx.array([
    [1 - 6 + 0.8, 2 - 8 - 0.6, 7],
    [1 - 1.6, 2 + 1.2, 7],
    [1 + 6 + 0.8, 2 + 8 - 0.6, 7],
  ]);
  const { mean, directions, share } = principalComponents(points, 2);
  expect(mean).toBeCloseToArray(mx.array([1, 2, 7]), { atol: 1e-5 });
  // A direction may be the opposite one.
  expect(directions.abs()).toBeCloseToArray(
    mx.array([
      [0.6, 0.8],
      [0.8, 0.6],
      [0, 0],
    ]),
    { atol: 1e-5 },
  );
  expect(share).toBeCloseToArray(mx.array([200 / 206, 6 / 206]), { atol: 1e-5 });
  const projected = project(points, { mean, directions, share });
  expect(projected.abs()).toBeCloseToArray(
    mx.array([
      [10, 1],
      [0, 2],
      [10, 1],
    ]),
    { atol: 1e-4 },
  );
});

test("projections of digits vary as the components say, each by itself", () => {
  const components = principalComponents(digits.images, 5);
  const points = project(digits.images, components);
  const total = digits.images.var(0, { ddof: 1 }).sum();
  expect(points.var(0, { ddof: 1 }).divide(total)).toBeCloseToArray(components.share, {
    rtol: 1e-3,
  });
  const covariance = points.transpose().matmul(points).divide(296);
  const between = covariance.subtract(mx.diag(mx.diag(covariance)));
  expect(between.abs().max().item()).toBeLessThan(1e-3);
  const shares = components.share.tolist<number[]>();
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
});

test("k-means finds three clouds", () => {
  mx.random.seed(1);
  const homes = mx.array([
    [0, 0],
    [10, 0],
    [0, 20],
  ]);
  const cloud = mx.concatenate([mx.zeros([5]), mx.ones([9]), mx.full([7], 2)]).astype(mx.int32);
  const points = homes.get(cloud).add(mx.random.normal([21, 2]));
  const { centres, nearest, spread } = kMeans(points, 3, 0);
  const groups = nearest.tolist<number[]>();
  const [a, b, c] = [groups[0], groups[5], groups[14]];
  expect(new Set([a, b, c]).size).toBe(3);
  expect(groups).toEqual(cloud.tolist<number[]>().map((i) => [a, b, c][i]));
  const mean = points.get("5:14").mean(0);
  expect(centres.get(b ?? 3)).toBeCloseToArray(mean, { rtol: 1e-4 });
  expect(spread).toBeCloseTo(
    points.subtract(centres.get(nearest)).square().sum(1).mean().item(),
    4,
  );
});

test("groups of digits are mostly of one digit, the same for the same seed", () => {
  const { centres, nearest } = kMeans(digits.images, 10, 0);
  expect(centres.shape).toEqual([10, 64]);
  const groups = nearest.tolist<number[]>();
  const labels = digits.labels.tolist<number[]>();
  let right = 0;
  for (let group = 0; group < 10; group++) {
    const inside = labels.filter((_, i) => groups[i] === group);
    expect(inside.length).toBeGreaterThan(0);
    right += Math.max(...labels.map((digit) => inside.filter((d) => d === digit).length));
  }
  expect(right / labels.length).toBeGreaterThan(0.65);
  expect(kMeans(digits.images, 10, 0).nearest.tolist()).toEqual(groups);
});

test("k-means leaves no arrays behind, and takes fewer different points than groups", () => {
  const points = mx.array([[1], [1], [5]]);
  const before = mx.memory().arrays;
  const { centres, nearest } = kMeans(points, 2, 3);
  expect(mx.memory().arrays - before).toBe(2);
  expect(centres.flatten().tolist<number[]>().sort()).toEqual([1, 5]);
  const [a, b, c] = nearest.tolist<number[]>();
  expect(a).toBe(b);
  expect(c).not.toBe(a);
  const same = kMeans(mx.array([[4], [4], [4]]), 2, 3);
  expect(same.centres.tolist()).toEqual([[4], [4]]);
  expect(same.spread).toBe(0);
});
