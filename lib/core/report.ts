/** `mx.report()`: what an issue has to say about where it happened. */

import { availableParallelism, cpus, totalmem } from "node:os";
import { runtimeOf, systemOf } from "./call/diagnosis.js";
import { addonPath, native } from "./call/native.js";
import { host } from "./call/open.js";
import {
  cpu,
  Device,
  type DeviceType,
  defaultDevice,
  deviceCount,
  deviceInfo,
  gpu,
} from "./device.js";
import { type MemoryFigures, memory } from "./lifetime/memory.js";

/** What `mx.report()` gives. */
export interface Report {
  /** The versions of this package and of MLX. */
  versions: { "mlx-js": string; mlx: string };
  /** What computes: the processor, or a GPU through Metal or CUDA. */
  backend: "cpu" | "metal" | "cuda";
  /** The file of the addon, which tells the package that it comes from. */
  addon: string;
  /** Node, Electron, Bun or Deno, with its version. */
  runtime: string;
  /** The operating system, the kind of processor, and the version of the kernel or of glibc. */
  system: string;
  /** The processor, how many threads it runs at once, and the memory in bytes. */
  processor: { model: string; threads: number; memory: number };
  /** The device that operations run on by default. */
  defaultDevice: string;
  /** What MLX knows of each device; sizes are in bytes. */
  devices: Record<string, Record<string, string | number>>;
  /** What `mx.memory()` gives, in bytes. */
  memory: MemoryFigures;
  /** The environment variables that MLX and this package read and that are set. */
  settings: Record<string, string>;
}

function devicesOf(type: DeviceType): Device[] {
  return Array.from({ length: deviceCount(type) }, (_, index) => new Device(type, index));
}

/**
 * The versions, the platform, the devices and the memory: what to add to an
 * issue. It holds the path of the package, and nothing else that is personal.
 * In a shell: `node -p "require('mlx-js').mx.report()"`.
 *
 * @example
 * Object.keys(mx.report().versions).join(" ")
 * // mlx-js mlx
 */
export function report(): Report {
  const here = host();
  const devices = [...devicesOf(cpu), ...devicesOf(gpu)];
  const metal = native.metal_is_available();
  const settings = Object.entries(here.env).flatMap(([name, value]) =>
    value !== undefined && /^(MLX_|OPENBLAS_|OMP_|CUDA_|NVIDIA_)/.test(name) ? [[name, value]] : [],
  );
  return {
    versions: { "mlx-js": here.version, mlx: native.mlx_version() },
    backend: metal ? "metal" : native.cuda_is_available() ? "cuda" : "cpu",
    addon: addonPath(),
    runtime: runtimeOf(here),
    system: systemOf(here),
    processor: {
      model: cpus()[0]?.model ?? "unknown",
      threads: availableParallelism(),
      memory: totalmem(),
    },
    defaultDevice: String(defaultDevice()),
    devices: Object.fromEntries(
      devices.map((d) => [`${d.type.name} ${d.index}`, deviceInfo({ d })]),
    ),
    memory: memory(),
    settings: Object.fromEntries(settings),
  };
}
