/** Principal components and k-means. */
import { mx } from "mlx-js";

export interface Components {
  /** The mean of the points, shape (dimensions). */
  mean: mx.array;
  /** The directions of most variance, shape (dimensions, count). */
  directions: mx.array;
  /** How much of the variance each direction has, from 0 to 1, shape (count). */
  share: mx.array;
}

/** The directions in which points (count, dimensions) vary most. */
export function principalComponents(points: mx.array, count: number): Components {
  const mean = points.mean(0);
  const centred = points.subtract(mean);
  const covariance = centred
    .transpose()
    .matmul(centred)
    .divide(points.dim(0) - 1);
  // Eigenvalues come in ascending order. MLX decomposes matrices on the CPU.
  const [variances, vectors] = mx.linalg.eigh(covariance, { stream: mx.cpu });
  const last = `:${-count - 1}:-1` as const;
  return {
    mean,
    directions: vectors.get(":", last),
    share: variances.get(last).divide(variances.sum()),
  };
}

/** The points in the plane, or space, of the components: shape (points, count). */
export function project(points: mx.array, { mean, directions }: Components): mx.array {
  return points.subtract(mean).matmul(directions);
}

export interface Clusters {
  /** Shape (k, dimensions). */
  centres: mx.array;
  /** The index of each point's nearest centre, shape (points). */
  nearest: mx.array;
  /** The mean of the squared distances to the nearest centre. */
  spread: number;
  /** How many times the centres were moved. */
  moves: number;
}

/** Squared distances, shape (points, centres). */
function distances(points: mx.array, centres: mx.array): mx.array {
  return points.get(":", null).subtract(centres).square().sum(-1);
}

/** First centres far from each other: k-means++ of Arthur and Vassilvitskii (2007). */
function firstCentres(points: mx.array, k: number, seed: number): mx.array {
  const keys = mx.random.split(mx.random.key(seed), k);
  let centres = points.get([0]);
  for (const key of keys.get("1:")) {
    const odds = distances(points, centres).min(1).log();
    const next = mx.random.categorical(odds, -1, null, { key });
    centres = mx.concatenate([centres, points.get(next).get(null)]);
  }
  return centres;
}

/** Groups points (count, dimensions) around `k` centres, until no point changes its group. */
export function kMeans(points: mx.array, k: number, seed: number): Clusters {
  return mx.tidy(() => {
    let centres = firstCentres(points, k, seed);
    let nearest = distances(points, centres).argmin(1);
    for (let moves = 1; ; moves++) {
      const belongs = nearest.get(":", null).equal(mx.arange(k)).astype(points.dtype);
      const counts = belongs.sum(0).get(":", null);
      const means = belongs.transpose().matmul(points).divide(mx.maximum(counts, 1));
      centres = mx.where(counts.greater(0), means, centres);
      const far = distances(points, centres);
      const next = far.argmin(1);
      mx.eval(centres, next);
      if (mx.arrayEqual(next, nearest).item<boolean>()) {
        return { centres, nearest, spread: far.min(1).mean().item(), moves };
      }
      nearest = next;
    }
  });
}
