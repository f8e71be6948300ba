/** Devices and streams: where operations run. */

import { withCode } from "./call/codes.js";
import { mismatch } from "./call/errors.js";
import { identify } from "./call/identity.js";
import { native } from "./call/native.js";
import { asFunction, asInteger } from "./call/numbers.js";
import { kind, optionsOf } from "./call/options.js";
import type { StreamId } from "./call/wire.js";
import { context, currentStream, enter, run } from "./lifetime/context.js";

/** A kind of device: `mx.cpu` or `mx.gpu`. */
export class DeviceType {
  static {
    identify(DeviceType, "a device", ({ name }) => `the device ${name}`);
  }

  readonly name: "cpu" | "gpu";
  /** @internal */
  readonly id: number;

  static readonly cpu = new DeviceType("cpu", 0);
  static readonly gpu = new DeviceType("gpu", 1);

  /** @internal */
  constructor(name: "cpu" | "gpu", id: number) {
    this.name = name;
    this.id = id;
    Object.freeze(this);
  }

  toString(): string {
    return `DeviceType.${this.name}`;
  }
}

/** The processor. */
export const cpu = DeviceType.cpu;
/** The GPU: Metal on a Mac, CUDA under Linux. */
export const gpu = DeviceType.gpu;

function typeOf(id: number | undefined): DeviceType {
  return id === 0 ? cpu : gpu;
}

/**
 * A device to run operations on.
 *
 * @example
 * String(new mx.Device(mx.cpu))
 * // Device(cpu, 0)
 */
export class Device {
  static {
    identify(Device, "a device", ({ type, index }) => `the device ${type.name}, ${index}`);
  }

  readonly type: DeviceType;
  readonly index: number;

  constructor(type: DeviceType, index = 0) {
    if (!(type instanceof DeviceType)) {
      throw mismatch("Device", "type", "mx.cpu or mx.gpu", type);
    }
    this.type = type;
    this.index = asInteger(index, "Device", "index");
  }

  /** Whether it is the same device. */
  equals(other: unknown): boolean {
    if (other instanceof DeviceType) {
      return this.type === other;
    }
    return other instanceof Device && other.type === this.type && other.index === this.index;
  }

  toString(): string {
    return `Device(${this.type.name}, ${this.index})`;
  }
}

/**
 * A queue of operations on a device: each runs when those before it are done.
 * Made by `mx.newStream`; `mx.defaultStream` gives the one in use. It belongs
 * to the thread that made it.
 */
export class Stream {
  static {
    identify(
      Stream,
      "a stream",
      ({ device, index }) => `the stream ${index} of the device ${device.type.name}`,
    );
  }

  /** @internal */
  readonly id: StreamId;
  readonly device: Device;
  readonly index: number;

  /** @internal */
  constructor(id: number) {
    const [type, device, index] = native.stream_parts(asInteger(id, "Stream", "id") as StreamId);
    this.id = id as StreamId;
    this.device = new Device(typeOf(type), device);
    this.index = index as number;
    Object.freeze(this);
  }

  /** Whether it is the same stream. */
  equals(other: unknown): boolean {
    return other instanceof Stream && other.index === this.index;
  }

  toString(): string {
    return `Stream(${this.device}, ${this.index})`;
  }
}

/** A stream of which each thread has its own. */
export class ThreadLocalStream extends Stream {
  override toString(): string {
    return `ThreadLocalStream(${this.device}, ${this.index})`;
  }
}

/** What runs an operation: a stream, or a device's default stream. */
export type StreamOrDevice = Stream | Device | DeviceType;

/** The option of every operation: the stream or device that it runs on. By default the current stream. */
export interface StreamOptions {
  /** The stream, or the device whose default stream is meant. */
  stream?: StreamOrDevice | undefined;
}

export function streamId(s: unknown, fn: string): StreamId {
  if (s instanceof Stream) {
    return s.id;
  }
  const [type, index] = parts(s, fn, "stream", "a stream or a device");
  // MLX would say so, too, but for some operations only when they are evaluated.
  if ((type !== cpu.id || index !== 0) && !native.is_available(type, index)) {
    const message = `[${fn}] stream: there is no device ${typeOf(type).name} ${index} here`;
    throw withCode(new Error(message), "ERR_MLX_OPERATION");
  }
  return native.device_stream(type, index) as StreamId;
}

function parts(d: unknown, fn: string, param: string, expected = "a device"): [number, number] {
  if (d instanceof DeviceType) {
    return [d.id, 0];
  }
  if (d instanceof Device) {
    return [d.type.id, d.index];
  }
  throw mismatch(fn, param, expected, d);
}

/**
 * The device that operations run on by default: the GPU where there is one.
 *
 * @example
 * mx.defaultDevice() instanceof mx.Device
 * // true
 */
export function defaultDevice(): Device {
  const [type, index] = native.default_device();
  return new Device(typeOf(type), index);
}

/**
 * Makes a device the default for the whole process.
 *
 * @throws Error where there is no such device.
 */
export function setDefaultDevice(device: Device | DeviceType): void {
  native.set_default_device(...parts(device, "setDefaultDevice", "device"));
}

/**
 * Whether a device can be used.
 *
 * @example
 * mx.isAvailable(mx.cpu)
 * // true
 */
export function isAvailable(device: Device | DeviceType): boolean {
  return native.is_available(...parts(device, "isAvailable", "device"));
}

let hasGpu: boolean | undefined;

/** Whether operations without a stream of their own run on a GPU here. */
export function computesOnGpu(): boolean {
  hasGpu ??= native.is_available(gpu.id, 0);
  return hasGpu && native.is_of_gpu(currentStream());
}

/**
 * The number of devices of a kind.
 *
 * @example
 * mx.deviceCount(mx.cpu)
 * // 1
 */
export function deviceCount(deviceType: DeviceType): number {
  return native.device_count(parts(deviceType, "deviceCount", "deviceType")[0]);
}

/** Options of `deviceInfo`. */
export interface DeviceInfoOptions {
  /** The device. By default the default device. */
  d?: Device | DeviceType | undefined;
}

const deviceParts = kind<Device | DeviceType, [number, number] | undefined>(parts);
const readInfo = optionsOf<DeviceInfoOptions>()("deviceInfo", { d: deviceParts });

/** What is known of a device, such as its name and its memory in bytes. */
export function deviceInfo(options?: DeviceInfoOptions): Record<string, string | number> {
  const { d } = readInfo(options);
  const [type, index] = d ?? (native.default_device() as [number, number]);
  return native.device_info(type, index) as Record<string, string | number>;
}

/** The stream that operations on a device run on by default. */
export function defaultStream(device: Device | DeviceType): Stream {
  return new Stream(native.default_stream(...parts(device, "defaultStream", "device")));
}

/** Makes a stream the default of its device; the default device stays. */
export function setDefaultStream(stream: Stream): void {
  if (!(stream instanceof Stream)) {
    throw mismatch("setDefaultStream", "stream", "a stream", stream);
  }
  native.set_default_stream(stream.id);
}

/** A new stream on a device, for the thread that makes it. */
export function newStream(device: Device | DeviceType): Stream {
  return new Stream(native.new_stream(...parts(device, "newStream", "device")));
}

/** A new stream that any thread may use, if only one at a time does. */
export function newThreadUnsafeStream(device: Device | DeviceType): Stream {
  const d = parts(device, "newThreadUnsafeStream", "device");
  return new Stream(native.new_thread_unsafe_stream(...d));
}

/** A new stream that stands for another one in each thread. */
export function newThreadLocalStream(device: Device | DeviceType): ThreadLocalStream {
  const d = parts(device, "newThreadLocalStream", "device");
  return new ThreadLocalStream(native.new_thread_local_stream(...d));
}

/** Destroys all streams that this thread made. */
export function clearStreams(): void {
  native.clear_streams();
}

/** Waits until all operations of a stream are done; by default the current. */
export function synchronize(stream?: StreamOrDevice): void {
  native.synchronize(stream === undefined ? context().stream : streamId(stream, "synchronize"));
}

/** Makes a stream the current one, until it is disposed; `mx.stream` makes it. */
export class StreamContext {
  readonly #leave: () => void;

  constructor(s: StreamOrDevice) {
    this.#leave = enter({ ...context(), stream: streamId(s, "stream") });
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}

/**
 * Runs a function, synchronous or not, whose operations use a stream or a
 * device's default stream; or, without a function, makes it the current one
 * until the result is disposed (`using _ = mx.stream(mx.cpu)`).
 * Without a function it is for code that does not await: what runs meanwhile would
 * be affected, too.
 *
 * @example
 * mx.stream(mx.cpu, () => mx.add(mx.array([1, 2]), 1))
 * // array([2, 3], dtype=float32)
 */
export function stream<T>(s: StreamOrDevice, fn: () => T): T;
export function stream(s: StreamOrDevice): StreamContext;
export function stream<T>(s: StreamOrDevice, fn?: () => T): T | StreamContext {
  if (fn === undefined) {
    return new StreamContext(s);
  }
  asFunction(fn, "stream", "fn");
  return run("stream", { ...context(), stream: streamId(s, "stream") }, fn);
}
