/** `mlx.core`: arrays and what is done with them. */
import "./array/comparing.js";
import "./array/habits.js";
import "./array/methods.js";

export { type ArrayConstructor, type AsarrayOptions, array, asarray } from "./array/construct.js";
export type { ArrayInput } from "./array/input.js";
export type { Nested } from "./array/output.js";
export * from "./array/printing.js";
export { canCast, resultType } from "./array/result-type.js";
export { ArrayLike, type Complex, type Scalar } from "./array/stand-in.js";
export {
  ArrayAt,
  ArrayIterator,
  type BooleanList,
  type Index,
  type SetIndex,
  Slice,
  type SliceConstructor,
} from "./array/subscript.js";
export type { TypedArray } from "./array/typed-arrays.js";
export type { Operand } from "./call/arguments.js";
export type { Signal } from "./call/globals.js";
export * from "./constants.js";
export * as cuda from "./cuda.js";
export {
  clearStreams,
  cpu,
  Device,
  type DeviceInfoOptions,
  DeviceType,
  defaultDevice,
  defaultStream,
  deviceCount,
  deviceInfo,
  gpu,
  isAvailable,
  newStream,
  newThreadLocalStream,
  newThreadUnsafeStream,
  Stream,
  StreamContext,
  type StreamOptions,
  type StreamOrDevice,
  setDefaultDevice,
  setDefaultStream,
  stream,
  synchronize,
  ThreadLocalStream,
} from "./device.js";
export * as distributed from "./distributed.js";
export {
  bfloat16,
  bool,
  complex64,
  complexfloating,
  Dtype,
  DtypeCategory,
  type DtypeKind,
  type DtypeName,
  type FloatLimits,
  finfo,
  float16,
  float32,
  float64,
  floating,
  generic,
  type IntegerLimits,
  iinfo,
  inexact,
  int8,
  int16,
  int32,
  int64,
  integer,
  isdtype,
  issubdtype,
  number,
  signedinteger,
  uint8,
  uint16,
  uint32,
  uint64,
  unsignedinteger,
} from "./dtype.js";
export { asyncEval, type Evaluable, eval } from "./evaluation.js";
export * as fast from "./fast.js";
export * as fft from "./fft.js";
export { FormatError } from "./io/format-error.js";
export * from "./io/io.js";
export * from "./lifetime/memory.js";
export { dispose, Owner } from "./lifetime/owner.js";
export { keep, tidy } from "./lifetime/scope.js";
export * as linalg from "./linalg.js";
export { norm as matrixNorm } from "./linalg.js";
export * as metal from "./metal.js";
export * from "./ops/arithmetic.js";
export * from "./ops/comparison.js";
export * from "./ops/convolution.js";
export * from "./ops/creation.js";
export * from "./ops/indexing.js";
export * from "./ops/product.js";
export * from "./ops/quantization.js";
export * from "./ops/reduction.js";
export * from "./ops/shape.js";
export * from "./ops/sorting.js";
export * from "./pipeline.js";
export * as random from "./random.js";
export { type Report, report } from "./report.js";
export { setTracebacks } from "./tracebacks.js";
export * from "./transforms/compile.js";
export * from "./transforms/custom.js";
export * from "./transforms/export.js";
export { FunctionExporter } from "./transforms/exporter.js";
export * from "./transforms/transforms.js";
