/**
 * `mx.distributed`: processes that compute together, on one machine or many.
 *
 * Every process of a group calls the same functions in the same order, with
 * arrays of the same shape and dtype. MLX checks none of that: a process whose
 * peers call something else waits for ever, or receives their bytes as its own.
 *
 * The `ring` connects each process to the next over TCP. `MLX_HOSTFILE` names a
 * JSON file with the addresses to listen on, a list for each process, such as
 * `[["10.0.0.1:5000"], ["10.0.0.2:5000"]]`, and `MLX_RANK` is the process's
 * place in it. It sends and receives between neighbours only, does not split,
 * and scatters a sum by computing all of it. If a process ends, what its neighbours evaluate next throws `[ring]
 * connection to a peer was lost`, or waits for ever: MLX does not notice in time
 * for large arrays. Others only notice when their neighbours end, so they should.
 *
 * Communication is computed like everything else: `mx.eval` blocks until the
 * peers have done their part, `mx.asyncEval` leaves the event loop free. Await
 * one before the next begins, or their order may differ between processes.
 */
import { readFileSync } from "node:fs";
import { type array, make } from "./array/array.js";
import {
  asInteger,
  dtypeId,
  type Operand,
  operand,
  type Shape,
  shapeList,
} from "./call/arguments.js";
import { mismatch } from "./call/errors.js";
import { flag, kind, kindOf, nullable, optional, optionsOf } from "./call/kinds.js";
import { native } from "./call/native.js";
import { asFunction, asString } from "./call/numbers.js";
import type { GroupId, StreamId } from "./call/wire.js";
import { type StreamOptions, type StreamOrDevice, streamId } from "./device.js";
import type { Dtype } from "./dtype.js";
import { Group, idOf } from "./group.js";
import { about } from "./io/system.js";
import { currentStream } from "./lifetime/context.js";

export { Group, type GroupSplitOptions } from "./group.js";

/** What connects processes; `"any"` is the first that works of NCCL, the ring, MPI and JACCL. */
export type Backend = "any" | "ring" | "mpi" | "nccl" | "jaccl";

/** Sends bytes to all processes and gives the bytes of all, in the order of their ranks. */
export type AllGather = (bytes: Uint8Array, length: number) => ArrayBufferView;

type AllGatherFactory = (rank: number, size: number) => AllGather;

/** Options of `isAvailable`. */
export interface BackendOptions {
  /** The backend. By default `"any"`. */
  backend?: Backend | undefined;
}

/** Options of `init`. */
export interface InitOptions extends BackendOptions {
  /** Whether it is an error if there is no group to join. By default false. */
  strict?: boolean | undefined;
  /**
   * For `"jaccl"` only: makes what the processes exchange the addresses of their
   * connections with. Called once, while the group is made; both functions are
   * synchronous.
   */
  allGatherFactory?: AllGatherFactory | null | undefined;
}

/** Options of all communication. */
export interface GroupOptions extends StreamOptions {
  /** The processes that take part. By default those of `mx.distributed.init()`. */
  group?: Group | null | undefined;
}

const backend = kindOf((x, fn, param) => asString(x, fn, param) as Backend)("any");
const readBackend = optionsOf<BackendOptions>()("distributed.isAvailable", { backend });
const readInit = optionsOf<InitOptions>()("distributed.init", {
  backend,
  strict: flag(false),
  allGatherFactory: nullable(kindOf<AllGatherFactory>(asFunction)()),
});
const readGroup = optionsOf<GroupOptions>()("distributed.allSum", {
  group: optional(kind<Group, GroupId>((x, fn) => idOf(x, fn))),
  stream: kind<StreamOrDevice, StreamId | undefined>(streamId),
});

/**
 * Whether MLX has a backend here. `init` with `strict` tells whether there is a
 * group to join.
 *
 * @example
 * mx.distributed.isAvailable({ backend: "ring" })
 * // true
 */
export function isAvailable(options?: BackendOptions): boolean {
  return native.distributed_is_available(readBackend(options).backend);
}

/**
 * Joins the group of all processes, or gives it if that has happened. Where there
 * is none to join, it is a group of this process alone, in which communication
 * gives its input back.
 *
 * It blocks until the processes are connected: each connects to the next one for
 * half a minute, but waits without end for the one before.
 *
 * @throws Error if `strict` is set and there is none to join, for another
 * backend, and if the processes cannot connect; TypeError for a host file that
 * is none.
 * @example
 * const group = mx.distributed.init();
 * [group.rank(), group.size()]
 * // [ 0, 1 ]
 */
export function init(options?: InitOptions): Group {
  const { strict, backend, allGatherFactory: factory } = readInit(options);
  if (factory !== null) {
    return new Group(native.distributed_init_with(strict, backend, factory));
  }
  if ((backend === "ring" || backend === "any") && !joined.has(backend)) {
    checkRing("distributed.init");
  }
  const group = new Group(native.distributed_init(strict, backend));
  if (group.size() > 1) {
    joined.add(backend);
  }
  return group;
}

// The backends that have connected processes: there is no second time.
const joined = new Set<string>();

// MLX divides by the number of hosts and takes the rank as an index, without a
// look at either.
function checkRing(fn: string): void {
  const [file, rank] = native.ring_settings();
  if (file === undefined || rank === undefined) {
    return;
  }
  if (!/^\d{1,9}$/.test(rank)) {
    throw mismatch(fn, "MLX_RANK", "the place of this process in MLX_HOSTFILE", rank);
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw about(error, file, fn, "read");
  }
  let hosts: unknown;
  try {
    hosts = JSON.parse(text);
  } catch {
    hosts = text;
  }
  if (!Array.isArray(hosts) || hosts.length === 0 || !hosts.every(isHost)) {
    throw mismatch(fn, "MLX_HOSTFILE", "a list of addresses for each process", hosts);
  }
}

function isHost(host: unknown): boolean {
  return (
    Array.isArray(host) && host.length > 0 && host.every((address) => typeof address === "string")
  );
}

// The last arguments of all that communicates.
type Place = [group: GroupId, stream: StreamId, askedFor: boolean];

function placeOf(options: GroupOptions | undefined, fn: string): Place {
  const { group, stream } = readGroup(options, fn);
  return [group ?? idOf(init(), fn), stream ?? currentStream(), stream !== undefined];
}

/**
 * The sum of the arrays of all processes. Its gradient is that of the sum alone:
 * every process takes its own.
 *
 * @example
 * mx.distributed.allSum(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export function allSum(x: Operand, options?: GroupOptions): array {
  const fn = "distributed.allSum";
  return make(native.all_sum(operand(x, fn, "x"), ...placeOf(options, fn)));
}

/**
 * The largest elements among the arrays of all processes.
 *
 * @example
 * mx.distributed.allMax(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export function allMax(x: Operand, options?: GroupOptions): array {
  const fn = "distributed.allMax";
  return make(native.all_max(operand(x, fn, "x"), ...placeOf(options, fn)));
}

/**
 * The smallest elements among the arrays of all processes.
 *
 * @example
 * mx.distributed.allMin(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export function allMin(x: Operand, options?: GroupOptions): array {
  const fn = "distributed.allMin";
  return make(native.all_min(operand(x, fn, "x"), ...placeOf(options, fn)));
}

/**
 * The arrays of all processes, `[n, ...]`, one after the other along the first
 * axis: `[size * n, ...]`. Single values become a vector.
 *
 * @example
 * mx.distributed.allGather(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export function allGather(x: Operand, options?: GroupOptions): array {
  const fn = "distributed.allGather";
  return make(native.all_gather(operand(x, fn, "x"), ...placeOf(options, fn)));
}

/**
 * The sum of the arrays of all processes, `[n, ...]`, of which each gets its
 * share of the first axis: `[n / size, ...]`. The ring and MPI have no such
 * operation in MLX: there it is the share of `allSum`, and as much is sent.
 *
 * @throws Error if the group's size does not divide n.
 * @example
 * mx.distributed.sumScatter(mx.array([1, 2]))
 * // array([1, 2], dtype=float32)
 */
export function sumScatter(x: Operand, options?: GroupOptions): array {
  const fn = "distributed.sumScatter";
  return make(native.sum_scatter(operand(x, fn, "x"), ...placeOf(options, fn)));
}

/**
 * Sends an array to another process, when the result is evaluated; the result is
 * the same array.
 *
 * @param dst The rank of the process that receives it.
 * @throws Error for a rank that is not in the group and for a group of one
 * process; in a ring, when it is computed, if the process is no neighbour.
 */
export function send(x: Operand, dst: number, options?: GroupOptions): array {
  const fn = "distributed.send";
  return make(native.send(operand(x, fn, "x"), asInteger(dst, fn, "dst"), ...placeOf(options, fn)));
}

/**
 * What another process sends, when the result is evaluated.
 *
 * @param shape The shape of the array that it sends.
 * @param dtype Its dtype.
 * @param src The rank of the process.
 * @throws Error for a rank that is not in the group and for a group of one
 * process; in a ring, when it is computed, if the process is no neighbour.
 */
export function recv(shape: Shape, dtype: Dtype, src: number, options?: GroupOptions): array {
  const fn = "distributed.recv";
  return make(
    native.recv(
      shapeList(shape, fn),
      dtypeId(dtype, fn),
      asInteger(src, fn, "src"),
      ...placeOf(options, fn),
    ),
  );
}

/**
 * What another process sends, of the shape and dtype of `x`; see `recv`.
 *
 * @throws Error for a rank that is not in the group and for a group of one
 * process.
 */
export function recvLike(x: Operand, src: number, options?: GroupOptions): array {
  const fn = "distributed.recvLike";
  return make(
    native.recv_like(operand(x, fn, "x"), asInteger(src, fn, "src"), ...placeOf(options, fn)),
  );
}
