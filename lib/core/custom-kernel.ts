/** Kernels for the GPU, written in its own language. */

import { type array, isArray, make, makeAll } from "./array/array.js";
import { bytesOf } from "./array/typed-arrays.js";
import { asString, dtypeId, elements, type Operand, scalarCode, slots } from "./call/arguments.js";
import { mismatch, outOfRange } from "./call/errors.js";
import {
  flag,
  kind,
  length,
  number,
  oneOf,
  onStream,
  optionsOf,
  required,
  text,
} from "./call/kinds.js";
import { native } from "./call/native.js";
import { isInt32, sizeOf } from "./call/numbers.js";
import { type List, list, none } from "./call/wire.js";
import type { StreamOptions } from "./device.js";
import { Dtype } from "./dtype.js";

/** The size of a grid or of a threadgroup: positive integers. */
export type KernelSize = readonly [x: number, y: number, z: number];

/** What the call of a kernel takes. */
export interface KernelCall extends StreamOptions {
  /** One for each name; scalars are arrays of one value. */
  inputs: readonly Operand[];
  outputShapes: readonly (readonly number[])[];
  outputDtypes: readonly Dtype[];
  /** The number of threads, also for CUDA. */
  grid: KernelSize;
  /** The number of threads of a group. */
  threadgroup: KernelSize;
  /** Types, integers and booleans that the source uses by name. By default none. */
  template?: readonly (readonly [name: string, value: Dtype | number | boolean])[] | undefined;
  /** What the outputs hold before. By default whatever is in memory. */
  initValue?: number | undefined;
  /** Whether to print the source that is compiled. By default false. */
  verbose?: boolean | undefined;
}

/** A kernel: a function that gives its outputs. */
export type Kernel = (call: KernelCall) => array[];

/** How Metal compiles. */
export interface MetalCompileOptions {
  /** How exact arithmetic is: `"safe"` is as IEEE 754 says. By default `"safe"`. */
  mathMode?: "safe" | "relaxed" | "fast" | undefined;
}

/** Options of `metalKernel`. */
export interface MetalKernelOptions {
  /** What comes before the kernel's function, such as other functions. By default nothing. */
  header?: string | undefined;
  /** Whether inputs are made row-contiguous first. By default true. */
  ensureRowContiguous?: boolean | undefined;
  /** Whether outputs are `device atomic<…>`. By default false. */
  atomicOutputs?: boolean | undefined;
  /** How to compile. */
  compileOptions?: MetalCompileOptions | null | undefined;
}

/** Options of `cudaKernel`. */
export interface CudaKernelOptions {
  /** What comes before the kernel's function, such as other functions. By default nothing. */
  header?: string | undefined;
  /** Whether inputs are made row-contiguous first. By default true. */
  ensureRowContiguous?: boolean | undefined;
  /** The bytes of dynamic shared memory. By default 0. */
  sharedMemory?: number | undefined;
}

/** What `precompiledCudaKernel` takes. */
export interface PrecompiledKernelCall extends StreamOptions {
  /** The kernel's name in the compiled source. */
  name: string;
  /** PTX or cubin. */
  compiledSource: ArrayBufferView | string;
  inputs: readonly Operand[];
  outputShapes: readonly (readonly number[])[];
  outputDtypes: readonly Dtype[];
  /** Arguments that follow the outputs: integers are `int`, other numbers `float`. */
  scalars: readonly (number | boolean)[];
  /** The number of threads. */
  grid: KernelSize;
  /** The number of threads of a group. */
  threadgroup: KernelSize;
  /** The bytes of dynamic shared memory. By default 0. */
  sharedMemory?: number | undefined;
  /** What the outputs hold before. By default whatever is in memory. */
  initValue?: number | undefined;
  /** Whether inputs are made row-contiguous first. By default false. */
  ensureRowContiguous?: boolean | undefined;
}

function namesOf(x: unknown, fn: string, param: string): string[] {
  return elements(x, "a list of names", fn, param).map((name, i) =>
    asString(name, fn, `${param}[${i}]`),
  );
}

function size(x: unknown, fn: string, param: string): List {
  const all = elements(x, "three integers", fn, param);
  if (all.length !== 3 || !all.every(Number.isInteger)) {
    throw mismatch(fn, param, "three integers", x);
  }
  if (!all.every((n) => (n as number) >= 1 && (n as number) <= 0x7fffffff)) {
    throw outOfRange(fn, param, "three positive 32-bit integers", x);
  }
  return list(all as number[]);
}

function shapesOf(x: unknown, fn: string): number[][] {
  return elements(x, "a list of shapes", fn, "outputShapes").map((given, i) => {
    const shape = elements(given, "a shape", fn, `outputShapes[${i}]`);
    if (sizeOf(shape) === undefined) {
      throw mismatch(fn, `outputShapes[${i}]`, "a shape", given);
    }
    return shape as number[];
  });
}

function dtypesOf(x: unknown, fn: string): List {
  const all = elements(x, "a list of dtypes", fn, "outputDtypes");
  return list(all.map((dtype, i) => dtypeId(dtype as Dtype, fn, `outputDtypes[${i}]`)));
}

function inputsOf(x: unknown, fn: string): array[] {
  return elements(x, "a list of arrays and scalars", fn, "inputs").map((value, i) =>
    isArray(value) ? value : make(native.scalar(scalarCode(value, fn, `inputs[${i}]`), none)),
  );
}

/** Template arguments on their way: a dtype is its number in a list. */
function templateOf(x: unknown, fn: string): unknown[] {
  const expected = "pairs of a name and a dtype, a 32-bit integer or a boolean";
  return elements(x ?? [], expected, fn, "template").map((pair) => {
    const [name, value, more] = elements(pair, expected, fn, "template");
    const dtype = value instanceof Dtype;
    const known = dtype || typeof value === "boolean" || isInt32(value);
    if (typeof name !== "string" || !known || more !== undefined) {
      throw mismatch(fn, "template", expected, pair);
    }
    return [name, dtype ? [value.id] : value];
  });
}

/** Scalars on their way: a number that is no integer is in a list. */
function scalarsOf(x: unknown, fn: string): unknown[] {
  return elements(x, "a list of numbers and booleans", fn, "scalars").map((value, i) => {
    if (typeof value !== "number" && typeof value !== "boolean") {
      throw mismatch(fn, `scalars[${i}]`, "a number or a boolean", value);
    }
    return typeof value === "boolean" || isInt32(value) ? value : [value];
  });
}

// The inputs come first: they make arrays, and so they are read before all slots.
const launch = {
  inputs: required(kind<readonly Operand[], array[]>(inputsOf)),
  outputShapes: required(kind<readonly (readonly number[])[], number[][]>(shapesOf)),
  outputDtypes: required(kind<readonly Dtype[], List>(dtypesOf)),
  grid: required(kind<KernelSize, List>(size)),
  threadgroup: required(kind<KernelSize, List>(size)),
  initValue: number(),
  stream: onStream,
};

const readCall = optionsOf<KernelCall>()("kernel", {
  ...launch,
  template: kind<NonNullable<KernelCall["template"]>, unknown[]>(templateOf, []),
  verbose: flag(false),
});

const mathModes = ["safe", "relaxed", "fast"] as const;
const readMath = optionsOf<MetalCompileOptions>()("compileOptions", {
  mathMode: oneOf(mathModes, "safe"),
});

const source = { header: text(""), ensureRowContiguous: flag(true) };
const sharedMemory = length(0);

const readMetal = optionsOf<MetalKernelOptions>()("fast.metalKernel", {
  ...source,
  atomicOutputs: flag(false),
  compileOptions: kind<MetalCompileOptions | null, number>((x, fn) =>
    mathModes.indexOf(readMath(x ?? undefined, fn).mathMode),
  ),
});

const readCuda = optionsOf<CudaKernelOptions>()("fast.cudaKernel", { ...source, sharedMemory });

function callable(kernel: unknown, fn: string): Kernel {
  return (call) => {
    const { inputs, outputShapes, outputDtypes, grid, threadgroup, ...rest } = readCall(call, fn);
    const { template, initValue, verbose, stream } = rest;
    return makeAll(
      native.call_kernel(
        kernel,
        slots(inputs, fn, "inputs"),
        outputShapes,
        outputDtypes,
        grid,
        threadgroup,
        template,
        initValue,
        verbose,
        stream,
      ),
    );
  };
}

/**
 * A kernel in Metal's language, compiled when it is first run. The source is
 * the body of a function, whose signature MLX writes: it has the inputs and the
 * outputs, for each input that the source asks for it `name_shape`,
 * `name_strides` and `name_ndim`, and attributes such as
 * `thread_position_in_grid`.
 *
 * @param name The kernel's name. Kernels that differ need names that differ.
 * @throws Error for a kernel without outputs. The kernel throws an Error where
 * there is no Metal, except while a function is exported, or where its inputs
 * and outputs are not as many as their names.
 * @example
 * const source = `
 *   uint elem = thread_position_in_grid.x;
 *   T tmp = inp[elem];
 *   out[elem] = metal::exp(tmp);
 * `;
 * const kernel = mx.fast.metalKernel("myexp", ["inp"], ["out"], source);
 * const exp = (a) =>
 *   kernel({
 *     inputs: [a],
 *     template: [["T", mx.float32]],
 *     grid: [a.size, 1, 1],
 *     threadgroup: [256, 1, 1],
 *     outputShapes: [a.shape],
 *     outputDtypes: [a.dtype],
 *   })[0];
 */
export function metalKernel(
  name: string,
  inputNames: readonly string[],
  outputNames: readonly string[],
  source: string,
  options?: MetalKernelOptions,
): Kernel {
  const fn = "fast.metalKernel";
  const { header, ensureRowContiguous, atomicOutputs, compileOptions } = readMetal(options);
  const kernel = native.metal_kernel(
    asString(name, fn, "name"),
    namesOf(inputNames, fn, "inputNames"),
    namesOf(outputNames, fn, "outputNames"),
    asString(source, fn, "source"),
    header,
    ensureRowContiguous,
    atomicOutputs,
    compileOptions ?? 0,
  );
  return callable(kernel, fn);
}

/**
 * A kernel in CUDA, compiled when it is first run. The source is the body of a
 * function, as for {@link metalKernel}; the grid counts threads here, too.
 *
 * @throws Error where there is no CUDA, and for a kernel without outputs.
 * @example
 * const source = `
 *   auto elem = cooperative_groups::this_grid().thread_rank();
 *   T tmp = inp[elem];
 *   out[elem] = exp(tmp);
 * `;
 * const exp = (a) =>
 *   mx.fast.cudaKernel("myexp", ["inp"], ["out"], source)({
 *     inputs: [a],
 *     template: [["T", mx.float32]],
 *     grid: [a.size, 1, 1],
 *     threadgroup: [256, 1, 1],
 *     outputShapes: [a.shape],
 *     outputDtypes: [a.dtype],
 *   })[0];
 */
export function cudaKernel(
  name: string,
  inputNames: readonly string[],
  outputNames: readonly string[],
  source: string,
  options?: CudaKernelOptions,
): Kernel {
  const fn = "fast.cudaKernel";
  const { header, ensureRowContiguous, sharedMemory } = readCuda(options);
  const kernel = native.cuda_kernel(
    asString(name, fn, "name"),
    namesOf(inputNames, fn, "inputNames"),
    namesOf(outputNames, fn, "outputNames"),
    asString(source, fn, "source"),
    header,
    ensureRowContiguous,
    sharedMemory,
  );
  return callable(kernel, fn);
}

function sourceBytes(x: unknown, fn: string): ArrayBufferView {
  if (typeof x === "string") {
    return Buffer.from(x);
  }
  if (ArrayBuffer.isView(x)) {
    return bytesOf(x, fn, "compiledSource");
  }
  throw mismatch(fn, "compiledSource", "bytes or a text", x);
}

const readPrecompiled = optionsOf<PrecompiledKernelCall>()("fast.precompiledCudaKernel", {
  name: required(text()),
  compiledSource: required(kind<ArrayBufferView | string, ArrayBufferView>(sourceBytes)),
  ...launch,
  scalars: required(kind<readonly (number | boolean)[], unknown[]>(scalarsOf)),
  sharedMemory,
  ensureRowContiguous: flag(false),
});

/**
 * Runs a kernel for CUDA that is compiled already, to PTX or a cubin. It gets
 * the inputs, the outputs and then the scalars.
 *
 * @throws Error where there is no CUDA.
 */
export function precompiledCudaKernel(options: PrecompiledKernelCall): array[] {
  const { name, compiledSource, inputs, ...rest } = readPrecompiled(options);
  return makeAll(
    native.precompiled_cuda_kernel(
      name,
      compiledSource,
      slots(inputs, "fast.precompiledCudaKernel", "inputs"),
      rest.outputShapes,
      rest.outputDtypes,
      rest.scalars,
      rest.grid,
      rest.threadgroup,
      rest.sharedMemory,
      rest.initValue,
      rest.ensureRowContiguous,
      rest.stream,
    ),
  );
}
