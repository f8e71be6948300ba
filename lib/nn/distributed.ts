/** Gradients in processes that train together. */
import { mismatch } from "../core/call/errors.js";
import { integer, kindOf, kindWhere, nullable, optionsOf } from "../core/call/options.js";
import * as mx from "../core/index.js";
import { flattenOnlyArrays } from "../core/transforms/structure.js";
import { clipByNorm } from "../utils/clip.js";

/** The option of all that several processes do together. */
export interface SharedOptions {
  /** The processes that take part. By default those of `mx.distributed.init()`. */
  group?: mx.distributed.Group | null | undefined;
}

/** Checks that a value is a group of processes. */
export function asGroup(value: unknown, fn: string, param: string): mx.distributed.Group {
  if (!(value instanceof mx.distributed.Group)) {
    throw mismatch(fn, param, "a group", value);
  }
  return value;
}

/** An option that is a group; null stands for all processes. */
export const groupOption = nullable(kindOf(asGroup)());

const stream = kindWhere<mx.StreamOrDevice>(
  (x) => x instanceof mx.Stream || x instanceof mx.Device || x instanceof mx.DeviceType,
  "a stream or a device",
);

/** Options of {@link averageGradients}. */
export interface AverageGradientsOptions extends SharedOptions {
  /**
   * How many bytes of gradients to send at once, at least: small ones are joined until they
   * are as many. If it is 0 or less, each is sent by itself. By default 32 MiB.
   */
  allReduceSize?: number | undefined;
  /** The stream that sends them. By default the one that the backend chooses. */
  communicationStream?: mx.StreamOrDevice | null | undefined;
}

const readAverage = optionsOf<AverageGradientsOptions>()("averageGradients", {
  group: groupOption,
  allReduceSize: integer(33554432),
  communicationStream: nullable(stream()),
});

const readClip = optionsOf<SharedOptions>()("clipGradNormSharded", { group: groupOption });

/** Where arrays of these sizes end in one that joins them, without the last. */
export function inner(sizes: readonly number[]): number[] {
  let end = 0;
  return sizes.slice(0, -1).map((size) => {
    end += size;
    return end;
  });
}

/** Arrays in order, in groups of at least so many bytes; the last may have fewer. */
function groupsOf(arrays: readonly mx.array[], bytes: number): mx.array[][] {
  const groups: mx.array[][] = [];
  let size = bytes;
  for (const x of arrays) {
    if (size >= bytes) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)?.push(x);
    size += x.nbytes;
  }
  return groups;
}

/**
 * The mean of the gradients of all processes, the same in each: of N processes
 * `sum(g_i) / N`. Where every process computes the mean loss of as many examples
 * of its own, it is the gradient of the mean loss of all of them. All processes
 * have gradients of the same names, shapes and dtypes. Gradients of one dtype are
 * joined before they are sent, so that many small ones do not each wait for the
 * network. Of a process alone they are returned as they are.
 *
 * Sergeev and Del Balso, "Horovod", arXiv 1802.05799.
 *
 * @param gradients An array or a tree of arrays.
 * @throws TypeError if a leaf is no array.
 * @example
 * const model = new nn.Linear(2, 1, { bias: false });
 * const lossAndGradients = nn.valueAndGrad(model, (x) => mx.mean(model.forward(x)));
 * const [, gradients] = lossAndGradients(mx.array([[3, 4]]));
 * nn.averageGradients(gradients)
 * // { weight: array([[3, 4]], dtype=float32) }
 */
export function averageGradients<T>(gradients: T, options?: AverageGradientsOptions): T {
  const { group: given, allReduceSize, communicationStream } = readAverage(options);
  const [arrays, structure] = flattenOnlyArrays(gradients, "averageGradients", "gradients");
  const group = given ?? mx.distributed.init();
  const size = group.size();
  if (size === 1) {
    return gradients;
  }
  const stream = communicationStream ?? undefined;
  const average = (x: mx.array) => mx.distributed.allSum(x, { group, stream }).divide(size);
  const joins = allReduceSize > 0 && arrays.every(({ dtype }) => dtype === arrays[0]?.dtype);
  if (!joins) {
    return structure.fill(arrays.map(average)) as T;
  }
  const averages = groupsOf(arrays, allReduceSize).flatMap((some) => {
    const joined = average(mx.concatenate(some.map((x) => x.flatten())));
    return mx
      .split(joined, inner(some.map((x) => x.size)))
      .map((part, i) => part.reshape((some[i] as mx.array).shape));
  });
  return structure.fill(averages) as T;
}

/**
 * As `optim.clipGradNorm`, for gradients of which each process has a share, such
 * as those of {@link fullyShard}: scaled down, if need be, such that the norm of
 * all shares together is no more than a bound, and the norm that they had. Both
 * are the same as if one process had all gradients. An array that every process
 * has whole counts once for each.
 *
 * Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
 * networks", ICML 2013, arXiv 1211.5063.
 *
 * @param gradients An array or a tree of arrays.
 * @throws RangeError if `maxNorm` is negative, TypeError if a leaf is no array.
 * @example
 * nn.clipGradNormSharded({ w: mx.array([3, 0]), b: mx.array(4) }, 2.5)
 * // [
 * //   { w: array([1.5, 0], dtype=float32), b: array(2, dtype=float32) },
 * //   array(5, dtype=float32)
 * // ]
 */
export function clipGradNormSharded<T>(
  gradients: T,
  maxNorm: number,
  options?: SharedOptions,
): [T, mx.array] {
  const { group } = readClip(options);
  return clipByNorm("clipGradNormSharded", gradients, "gradients", maxNorm, (sum) =>
    mx.distributed.allSum(sum, { group }),
  );
}
