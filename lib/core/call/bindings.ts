// Derived from native/ by scripts/bindings.mjs; not edited by hand.
import type {
  Callback,
  DtypeId,
  GroupId,
  Handler,
  List,
  OperandCode,
  OptionalDtypeId,
  OptionalList,
  OptionalSlot,
  Result,
  Slot,
  Slots,
  StreamId,
} from "./wire.js";

/** The addon's functions, under the names that MLX has in C++. */
export interface Bindings {
  readonly scratch: Float64Array;
  family(name: string): object;
  abs: (a: OperandCode, b: StreamId) => Result;
  add: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  addmm: (a: Slot, b: Slot, c: Slot, d: number, e: number, f: StreamId) => Result;
  all: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  all_gather: (a: OperandCode, b: GroupId, c: StreamId, d: boolean) => Result;
  all_max: (a: OperandCode, b: GroupId, c: StreamId, d: boolean) => Result;
  all_min: (a: OperandCode, b: GroupId, c: StreamId, d: boolean) => Result;
  all_sum: (a: OperandCode, b: GroupId, c: StreamId, d: boolean) => Result;
  allclose: (a: Slot, b: Slot, c: number, d: number, e: boolean, f: StreamId) => Result;
  any: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  arange: (a: number, b: number, c: number, d: DtypeId, e: StreamId) => Result;
  arccos: (a: OperandCode, b: StreamId) => Result;
  arccosh: (a: OperandCode, b: StreamId) => Result;
  arcsin: (a: OperandCode, b: StreamId) => Result;
  arcsinh: (a: OperandCode, b: StreamId) => Result;
  arctan: (a: OperandCode, b: StreamId) => Result;
  arctan2: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  arctanh: (a: OperandCode, b: StreamId) => Result;
  argmax: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  argmin: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  argpartition: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  argsort: (a: Slot, b: OptionalList, c: StreamId) => Result;
  array_equal: (a: OperandCode, b: OperandCode, c: boolean, d: StreamId) => Result;
  as_strided: (a: Slot, b: OptionalList, c: List, d: boolean, e: number, f: StreamId) => Result;
  assign: (a: number, b: number) => void;
  astype: (a: Slot, b: DtypeId, c: StreamId) => Result;
  async_eval: (a: List, b: number) => Promise<void>;
  atleast_1d: (a: List, b: StreamId) => Slots;
  atleast_2d: (a: List, b: StreamId) => Slots;
  atleast_3d: (a: List, b: StreamId) => Slots;
  bartlett: (a: number, b: StreamId) => Result;
  bitwise_and: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  bitwise_invert: (a: OperandCode, b: StreamId) => Result;
  bitwise_or: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  bitwise_xor: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  blackman: (a: number, b: StreamId) => Result;
  block_masked_mm: (a: Slot, b: Slot, c: number, d: OptionalSlot, e: OptionalSlot, f: OptionalSlot, g: StreamId) => Result;
  broadcast_arrays: (a: List, b: StreamId) => Slots;
  broadcast_shapes: (a: List, b: List) => number[];
  broadcast_to: (a: OperandCode, b: List, c: StreamId) => Result;
  call_compiled: (a: number, b: Callback, c: List, d: number, e: boolean, f: StreamId) => Slots | undefined;
  call_imported: (a: unknown, b: List, c: unknown, d: List) => Slots;
  call_kernel: (a: unknown, b: List, c: unknown, d: List, e: List, f: List, g: unknown, h: number | undefined, i: boolean, j: StreamId) => Slots;
  ceil: (a: OperandCode, b: StreamId) => Result;
  checkpoint: (a: List, b: Handler) => Slots;
  clear_cache: () => void;
  clear_streams: () => void;
  clip: (a: Slot, b: OperandCode | undefined, c: OperandCode | undefined, d: StreamId) => Result;
  close_exporter: (a: unknown) => void;
  close_file: (a: unknown) => boolean;
  computed_bytes: (a: Slot) => number;
  concatenate: (a: List, b: OptionalList, c: StreamId) => Result;
  conjugate: (a: OperandCode, b: StreamId) => Result;
  contiguous: (a: Slot, b: boolean, c: StreamId) => Result;
  conv_general: (a: Slot, b: Slot, c: List, d: List, e: List, f: List, g: List, h: number, i: boolean, j: StreamId) => Result;
  conv_transpose: (a: Slot, b: Slot, c: List, d: List, e: List, f: List, g: number, h: StreamId) => Result;
  convolve: (a: Slot, b: Slot, c: string, d: StreamId) => Result;
  copy_values: (a: Slot, b: ArrayBufferView) => void;
  cos: (a: OperandCode, b: StreamId) => Result;
  cosh: (a: OperandCode, b: StreamId) => Result;
  count_nonzero: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  crc32: (a: ArrayBufferView, b: number) => number;
  cross_entropy: (a: Slot, b: Slot, c: StreamId) => Result;
  cuda_is_available: () => boolean;
  cuda_kernel: (a: string, b: unknown, c: unknown, d: string, e: string, f: boolean, g: number) => unknown;
  cummax: (a: Slot, b: OptionalList, c: boolean, d: boolean, e: StreamId) => Result;
  cummin: (a: Slot, b: OptionalList, c: boolean, d: boolean, e: StreamId) => Result;
  cumprod: (a: Slot, b: OptionalList, c: boolean, d: boolean, e: OptionalDtypeId, f: StreamId) => Result;
  cumsum: (a: Slot, b: OptionalList, c: boolean, d: boolean, e: OptionalDtypeId, f: StreamId) => Result;
  custom_function: (a: List, b: Handler, c: boolean, d: boolean, e: boolean) => Slots;
  default_device: () => number[];
  default_stream: (a: number, b: number) => number;
  degrees: (a: OperandCode, b: StreamId) => Result;
  depends: (a: List, b: List) => Slots;
  dequantize: (a: Slot, b: Slot, c: OptionalSlot, d: number | undefined, e: number | undefined, f: string, g: OptionalSlot, h: OptionalDtypeId, i: StreamId) => Result;
  device_count: (a: number) => number;
  device_info: (a: number, b: number) => unknown;
  device_stream: (a: number, b: number) => number;
  diag: (a: Slot, b: number, c: StreamId) => Result;
  diagonal: (a: Slot, b: number, c: number, d: number, e: StreamId) => Result;
  diff: (a: Slot, b: number, c: number, d: StreamId) => Result;
  dims: (a: Slot) => number;
  disable_compile: () => void;
  distributed_init: (a: boolean, b: string) => GroupId;
  distributed_init_with: (a: boolean, b: string, c: unknown) => GroupId;
  distributed_is_available: (a: string) => boolean;
  divide: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  divmod: (a: OperandCode, b: OperandCode, c: StreamId) => Slots;
  dot: (a: List, b: unknown, c: List) => string;
  dtype: (a: Slot) => DtypeId;
  einsum: (a: string, b: List, c: StreamId) => Result;
  einsum_path: (a: string, b: List) => unknown;
  enable_compile: () => void;
  equal: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  erf: (a: OperandCode, b: StreamId) => Result;
  erfinv: (a: OperandCode, b: StreamId) => Result;
  eval: (a: List, b: unknown) => void;
  exp: (a: OperandCode, b: StreamId) => Result;
  expand_dims: (a: Slot, b: List, c: StreamId) => Result;
  expm1: (a: OperandCode, b: StreamId) => Result;
  export_steps: (a: Callback, b: Callback, c: List, d: unknown, e: List, f: boolean) => void;
  export_trace: (a: unknown, b: Callback, c: List, d: unknown, e: List) => void;
  eye: (a: number, b: number, c: number, d: DtypeId, e: StreamId) => Result;
  fft_fftfreq: (a: number, b: number, c: StreamId) => Result;
  fft_fftn: (a: Slot, b: OptionalList, c: OptionalList, d: number, e: StreamId) => Result;
  fft_fftshift: (a: Slot, b: OptionalList, c: StreamId) => Result;
  fft_ifftn: (a: Slot, b: OptionalList, c: OptionalList, d: number, e: StreamId) => Result;
  fft_ifftshift: (a: Slot, b: OptionalList, c: StreamId) => Result;
  fft_irfftn: (a: Slot, b: OptionalList, c: OptionalList, d: number, e: StreamId) => Result;
  fft_istft: (a: Slot, b: OptionalList, c: OptionalList, d: OptionalList, e: OptionalSlot, f: boolean, g: number, h: boolean, i: OptionalList, j: StreamId) => Result;
  fft_rfftfreq: (a: number, b: number, c: StreamId) => Result;
  fft_rfftn: (a: Slot, b: OptionalList, c: OptionalList, d: number, e: StreamId) => Result;
  fft_stft: (a: Slot, b: number, c: OptionalList, d: OptionalList, e: OptionalSlot, f: boolean, g: string, h: number, i: boolean, j: StreamId) => Result;
  flatten: (a: Slot, b: number, c: number, d: StreamId) => Result;
  flip: (a: Slot, b: OptionalList, c: StreamId) => Result;
  floor: (a: OperandCode, b: StreamId) => Result;
  floor_divide: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  forget_origins: () => void;
  from_bytes: (a: ArrayBufferView, b: List, c: DtypeId) => Result;
  from_floats: (a: ArrayBufferView, b: List, c: DtypeId) => Result;
  from_fp8: (a: Slot, b: DtypeId, c: StreamId) => Result;
  full: (a: List, b: OperandCode, c: OptionalDtypeId, d: StreamId) => Result;
  full_like: (a: Slot, b: OperandCode, c: OptionalDtypeId, d: StreamId) => Result;
  gated_delta_update: (a: Slot, b: Slot, c: Slot, d: Slot, e: Slot, f: OptionalSlot, g: OptionalSlot, h: StreamId) => Slots;
  gather_mm: (a: Slot, b: Slot, c: OptionalSlot, d: OptionalSlot, e: boolean, f: StreamId) => Result;
  gather_qmm: (a: Slot, b: Slot, c: Slot, d: OptionalSlot, e: OptionalSlot, f: OptionalSlot, g: boolean, h: number | undefined, i: number | undefined, j: string, k: OptionalSlot, l: boolean, m: StreamId) => Result;
  gather_qqmm: (a: Slot, b: Slot, c: OptionalSlot, d: OptionalSlot, e: OptionalSlot, f: number | undefined, g: number | undefined, h: string, i: OptionalSlot, j: OptionalSlot, k: boolean, l: StreamId) => Result;
  get_active_memory: () => number;
  get_array_buffer_size: (a: List) => number;
  get_cache_memory: () => number;
  get_memory_limit: () => number;
  get_peak_memory: () => number;
  give_up_eval: (a: number) => void;
  greater: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  greater_equal: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  group_rank: (a: GroupId) => number;
  group_size: (a: GroupId) => number;
  group_split: (a: GroupId, b: number, c: number) => GroupId;
  hadamard_transform: (a: Slot, b: number | undefined, c: StreamId) => Result;
  hamming: (a: number, b: StreamId) => Result;
  hanning: (a: number, b: StreamId) => Result;
  identity: (a: number, b: DtypeId, c: StreamId) => Result;
  imag: (a: OperandCode, b: StreamId) => Result;
  import_function: (a: string) => unknown;
  inner: (a: Slot, b: Slot, c: StreamId) => Result;
  is_available: (a: number, b: number) => boolean;
  is_computable: (a: Slot) => boolean;
  is_modest: (a: ArrayBufferView) => boolean;
  is_of_gpu: (a: StreamId) => boolean;
  is_there: (a: number) => boolean;
  isclose: (a: Slot, b: Slot, c: number, d: number, e: boolean, f: StreamId) => Result;
  isfinite: (a: OperandCode, b: StreamId) => Result;
  isinf: (a: OperandCode, b: StreamId) => Result;
  isnan: (a: OperandCode, b: StreamId) => Result;
  isneginf: (a: OperandCode, b: StreamId) => Result;
  isposinf: (a: OperandCode, b: StreamId) => Result;
  item: (a: Slot) => unknown;
  jvp: (a: Callback, b: List, c: List) => Slots;
  kron: (a: Slot, b: Slot, c: StreamId) => Result;
  layer_norm: (a: Slot, b: OptionalSlot, c: OptionalSlot, d: number, e: StreamId) => Result;
  left_shift: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  less: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  less_equal: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  linalg_cholesky: (a: Slot, b: boolean, c: StreamId) => Result;
  linalg_cholesky_inv: (a: Slot, b: boolean, c: StreamId) => Result;
  linalg_cross: (a: Slot, b: Slot, c: number, d: StreamId) => Result;
  linalg_det: (a: Slot, b: StreamId) => Result;
  linalg_eig: (a: Slot, b: StreamId) => Slots;
  linalg_eigh: (a: Slot, b: string, c: StreamId) => Slots;
  linalg_eigvals: (a: Slot, b: StreamId) => Result;
  linalg_eigvalsh: (a: Slot, b: string, c: StreamId) => Result;
  linalg_inv: (a: Slot, b: StreamId) => Result;
  linalg_lu: (a: Slot, b: StreamId) => Slots;
  linalg_lu_factor: (a: Slot, b: StreamId) => Slots;
  linalg_norm: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  linalg_norm_named: (a: Slot, b: string, c: OptionalList, d: boolean, e: StreamId) => Result;
  linalg_norm_ord: (a: Slot, b: number, c: OptionalList, d: boolean, e: StreamId) => Result;
  linalg_pinv: (a: Slot, b: StreamId) => Result;
  linalg_qr: (a: Slot, b: StreamId) => Slots;
  linalg_slogdet: (a: Slot, b: StreamId) => Slots;
  linalg_solve: (a: Slot, b: Slot, c: StreamId) => Result;
  linalg_solve_triangular: (a: Slot, b: Slot, c: boolean, d: StreamId) => Result;
  linalg_svd: (a: Slot, b: boolean, c: StreamId) => Slots;
  linalg_tri_inv: (a: Slot, b: boolean, c: StreamId) => Result;
  linspace: (a: number, b: number, c: number, d: boolean, e: DtypeId, f: StreamId) => Result;
  live_arrays: () => number;
  live_bytes: () => number;
  load_tensors: (a: unknown, b: List, c: StreamId) => Slots;
  log: (a: OperandCode, b: StreamId) => Result;
  log10: (a: OperandCode, b: StreamId) => Result;
  log1p: (a: OperandCode, b: StreamId) => Result;
  log2: (a: OperandCode, b: StreamId) => Result;
  logaddexp: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  logcumsumexp: (a: Slot, b: OptionalList, c: boolean, d: boolean, e: StreamId) => Result;
  logical_and: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  logical_not: (a: OperandCode, b: StreamId) => Result;
  logical_or: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  logical_xor: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  logsumexp: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  make_exporter: (a: string, b: boolean, c: string) => unknown;
  matmul: (a: Slot, b: Slot, c: StreamId) => Result;
  matrix_transpose: (a: OperandCode, b: StreamId) => Result;
  max: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  maximum: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  mean: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  median: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  meshgrid: (a: List, b: boolean, c: string, d: StreamId) => Slots;
  metal_is_available: () => boolean;
  metal_kernel: (a: string, b: unknown, c: unknown, d: string, e: string, f: boolean, g: boolean, h: number) => unknown;
  min: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  minimum: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  minmax: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Slots;
  mlx_version: () => string;
  moveaxis: (a: Slot, b: number, c: number, d: StreamId) => Result;
  multiply: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  nan_to_num: (a: OperandCode, b: number, c: OperandCode | undefined, d: OperandCode | undefined, e: StreamId) => Result;
  ndim: (a: Slot) => number;
  negative: (a: OperandCode, b: StreamId) => Result;
  new_compiled: (a: unknown) => number;
  new_evaluation: () => number;
  new_stream: (a: number, b: number) => number;
  new_thread_local_stream: (a: number, b: number) => number;
  new_thread_unsafe_stream: (a: number, b: number) => number;
  not_equal: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  note_origin: (a: Slot, b: string) => void;
  number_of_elements: (a: Slot, b: List, c: DtypeId, d: StreamId) => Result;
  ones: (a: List, b: DtypeId, c: StreamId) => Result;
  ones_like: (a: Slot, b: OptionalDtypeId, c: StreamId) => Result;
  open_file: (a: number, b: string) => unknown;
  outer: (a: Slot, b: Slot, c: StreamId) => Result;
  own: (a: object | undefined) => void;
  pad: (a: Slot, b: List, c: OperandCode, d: string, e: StreamId) => Result;
  partition: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  pick_classes: (a: Slot, b: Slot, c: number, d: string, e: StreamId) => Result;
  pick_rows: (a: Slot, b: Slot, c: string, d: StreamId) => Result;
  positive: (a: OperandCode, b: StreamId) => Result;
  power: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  precompiled_cuda_kernel: (a: string, b: ArrayBufferView, c: List, d: unknown, e: List, f: unknown, g: List, h: List, i: number, j: number | undefined, k: boolean, l: StreamId) => Slots;
  prod: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  promote_types: (a: DtypeId, b: DtypeId) => DtypeId;
  put_along_axis: (a: Slot, b: Slot, c: OperandCode, d: OptionalList, e: StreamId) => Result;
  qqmm: (a: Slot, b: Slot, c: OptionalSlot, d: number | undefined, e: number | undefined, f: string, g: OptionalSlot, h: OptionalSlot, i: StreamId) => Result;
  quantize: (a: Slot, b: number | undefined, c: number | undefined, d: string, e: OptionalSlot, f: StreamId) => Slots;
  quantized_matmul: (a: Slot, b: Slot, c: Slot, d: OptionalSlot, e: boolean, f: number | undefined, g: number | undefined, h: string, i: StreamId) => Result;
  radians: (a: OperandCode, b: StreamId) => Result;
  random_bernoulli: (a: OperandCode, b: OptionalList, c: OptionalSlot, d: StreamId) => Result;
  random_categorical: (a: Slot, b: number, c: OptionalList, d: number, e: OptionalSlot, f: StreamId) => Result;
  random_gumbel: (a: List, b: DtypeId, c: OptionalSlot, d: StreamId) => Result;
  random_key: (a: unknown) => Result;
  random_laplace: (a: List, b: DtypeId, c: number, d: number, e: OptionalSlot, f: StreamId) => Result;
  random_multivariate_normal: (a: Slot, b: Slot, c: List, d: DtypeId, e: OptionalSlot, f: StreamId) => Result;
  random_normal: (a: List, b: DtypeId, c: OperandCode | undefined, d: OperandCode | undefined, e: OptionalSlot, f: StreamId) => Result;
  random_permutation: (a: Slot, b: number, c: OptionalSlot, d: StreamId) => Result;
  random_permutation_of: (a: number, b: OptionalSlot, c: StreamId) => Result;
  random_randint: (a: OperandCode, b: OperandCode, c: List, d: DtypeId, e: OptionalSlot, f: StreamId) => Result;
  random_seed: (a: unknown) => void;
  random_split: (a: Slot, b: number, c: StreamId) => Result;
  random_state: () => Result;
  random_truncated_normal: (a: OperandCode, b: OperandCode, c: OptionalList, d: DtypeId, e: OptionalSlot, f: StreamId) => Result;
  random_uniform: (a: OperandCode, b: OperandCode, c: List, d: DtypeId, e: OptionalSlot, f: StreamId) => Result;
  real: (a: OperandCode, b: StreamId) => Result;
  reciprocal: (a: OperandCode, b: StreamId) => Result;
  recv: (a: List, b: DtypeId, c: number, d: GroupId, e: StreamId, f: boolean) => Result;
  recv_like: (a: OperandCode, b: number, c: GroupId, d: StreamId, e: boolean) => Result;
  release: (a: number) => void;
  release_all: (a: List) => void;
  release_with: (a: unknown, b: number) => void;
  remainder: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  repeat: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  report_memory: () => number;
  reset_peak_memory: () => void;
  reshape: (a: Slot, b: List, c: StreamId) => Result;
  right_shift: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  ring_settings: () => string[];
  rms_norm: (a: Slot, b: OptionalSlot, c: number, d: StreamId) => Result;
  roll: (a: Slot, b: List, c: OptionalList, d: StreamId) => Result;
  roll_by: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  rope: (a: Slot, b: number, c: boolean, d: number, e: number, f: OperandCode, g: OptionalSlot, h: StreamId) => Result;
  round: (a: OperandCode, b: number, c: StreamId) => Result;
  rsqrt: (a: OperandCode, b: StreamId) => Result;
  save_npy: (a: unknown, b: number, c: Slot) => void;
  save_values: (a: unknown, b: number, c: ArrayBufferView, d: List, e: number) => void;
  scalar: (a: OperandCode, b: OptionalDtypeId) => Result;
  scaled_dot_product_attention: (a: Slot, b: Slot, c: Slot, d: number, e: string, f: OptionalSlot, g: OptionalSlot, h: boolean, i: StreamId) => Result;
  searchsorted: (a: Slot, b: Slot, c: string, d: StreamId) => Result;
  segmented_mm: (a: Slot, b: Slot, c: Slot, d: StreamId) => Result;
  send: (a: OperandCode, b: number, c: GroupId, d: StreamId, e: boolean) => Result;
  set_cache_limit: (a: number) => number;
  set_default_device: (a: number, b: number) => void;
  set_default_stream: (a: StreamId) => void;
  set_memory_limit: (a: number) => number;
  set_metallib_path: (a: string) => void;
  set_random_state: (a: Slot) => void;
  set_wired_limit: (a: number) => number;
  settled_owners: () => object | undefined;
  sigmoid: (a: OperandCode, b: StreamId) => Result;
  sign: (a: OperandCode, b: StreamId) => Result;
  sin: (a: OperandCode, b: StreamId) => Result;
  sinh: (a: OperandCode, b: StreamId) => Result;
  size: (a: Slot) => number;
  slice: (a: Slot, b: Slot, c: List, d: List, e: StreamId) => Result;
  slice_update: (a: Slot, b: Slot, c: Slot, d: List, e: StreamId) => Result;
  softmax: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  sort: (a: Slot, b: OptionalList, c: StreamId) => Result;
  split: (a: Slot, b: number, c: number, d: StreamId) => Slots;
  split_at: (a: Slot, b: List, c: number, d: StreamId) => Slots;
  sqrt: (a: OperandCode, b: StreamId) => Result;
  square: (a: OperandCode, b: StreamId) => Result;
  squeeze: (a: Slot, b: OptionalList, c: StreamId) => Result;
  stack: (a: List, b: number, c: StreamId) => Result;
  start_capture: (a: string) => void;
  start_marking: () => void;
  std: (a: Slot, b: OptionalList, c: boolean, d: number, e: StreamId) => Result;
  stop_capture: () => void;
  stop_gradient: (a: OperandCode, b: StreamId) => Result;
  stream_parts: (a: StreamId) => number[];
  subscript_at: (a: Slot, b: List, c: string, d: OperandCode, e: StreamId) => Result;
  subscript_get: (a: Slot, b: List, c: StreamId) => Result;
  subscript_row: (a: Slot, b: number, c: StreamId) => Result;
  subscript_set: (a: number, b: List, c: OperandCode, d: StreamId) => void;
  subtract: (a: OperandCode, b: OperandCode, c: StreamId) => Result;
  sum: (a: Slot, b: OptionalList, c: boolean, d: StreamId) => Result;
  sum_scatter: (a: OperandCode, b: GroupId, c: StreamId, d: boolean) => Result;
  swapaxes: (a: Slot, b: number, c: number, d: StreamId) => Result;
  synchronize: (a: StreamId) => void;
  take: (a: Slot, b: Slot, c: OptionalList, d: StreamId) => Result;
  take_along_axis: (a: Slot, b: Slot, c: OptionalList, d: StreamId) => Result;
  take_at: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  tan: (a: OperandCode, b: StreamId) => Result;
  tanh: (a: OperandCode, b: StreamId) => Result;
  tensordot: (a: Slot, b: Slot, c: number, d: StreamId) => Result;
  tensordot_over: (a: Slot, b: Slot, c: List, d: List, e: StreamId) => Result;
  tile: (a: Slot, b: List, c: StreamId) => Result;
  to_fp8: (a: Slot, b: StreamId) => Result;
  to_string: (a: Slot, b: number) => string;
  topk: (a: Slot, b: number, c: OptionalList, d: StreamId) => Result;
  trace: (a: Slot, b: number, c: number, d: number, e: OptionalDtypeId, f: StreamId) => Result;
  transpose: (a: Slot, b: OptionalList, c: StreamId) => Result;
  tri: (a: number, b: number, c: number, d: DtypeId, e: StreamId) => Result;
  tril: (a: Slot, b: number, c: StreamId) => Result;
  triu: (a: Slot, b: number, c: StreamId) => Result;
  trunc: (a: OperandCode, b: StreamId) => Result;
  unflatten: (a: Slot, b: number, c: List, d: StreamId) => Result;
  unique: (a: Slot, b: number, c: boolean, d: boolean, e: boolean, f: OperandCode | undefined, g: StreamId) => Slots;
  unstack: (a: Slot, b: number, c: StreamId) => Slots;
  value_and_grad: (a: Callback, b: List) => Slots;
  var: (a: Slot, b: OptionalList, c: boolean, d: number, e: StreamId) => Result;
  vecdot: (a: Slot, b: Slot, c: number, d: StreamId) => Result;
  view: (a: OperandCode, b: DtypeId, c: StreamId) => Result;
  visit_recent_owners: (a: unknown) => void;
  vjp: (a: Callback, b: List, c: List) => Slots;
  vmap: (a: Callback, b: List, c: List) => Slots;
  where: (a: OperandCode, b: OperandCode, c: OperandCode, d: StreamId) => Result;
  zeros: (a: List, b: DtypeId, c: StreamId) => Result;
  zeros_like: (a: Slot, b: OptionalDtypeId, c: StreamId) => Result;
}

/** The functions that do not make arrays, by how their results are read. */
export const results = {
  promises: [
    "async_eval",
  ],
  values: [
    "assign",
    "clear_cache",
    "clear_streams",
    "close_exporter",
    "close_file",
    "computed_bytes",
    "copy_values",
    "crc32",
    "cuda_is_available",
    "default_stream",
    "device_count",
    "device_stream",
    "dims",
    "disable_compile",
    "distributed_is_available",
    "dot",
    "dtype",
    "enable_compile",
    "eval",
    "export_steps",
    "export_trace",
    "forget_origins",
    "get_active_memory",
    "get_array_buffer_size",
    "get_cache_memory",
    "get_memory_limit",
    "get_peak_memory",
    "give_up_eval",
    "group_rank",
    "group_size",
    "is_available",
    "is_computable",
    "is_modest",
    "is_of_gpu",
    "is_there",
    "live_arrays",
    "live_bytes",
    "metal_is_available",
    "mlx_version",
    "ndim",
    "new_compiled",
    "new_evaluation",
    "new_stream",
    "new_thread_local_stream",
    "new_thread_unsafe_stream",
    "note_origin",
    "own",
    "promote_types",
    "random_seed",
    "release",
    "release_all",
    "release_with",
    "report_memory",
    "reset_peak_memory",
    "save_npy",
    "save_values",
    "set_cache_limit",
    "set_default_device",
    "set_default_stream",
    "set_memory_limit",
    "set_metallib_path",
    "set_random_state",
    "set_wired_limit",
    "settled_owners",
    "size",
    "start_capture",
    "start_marking",
    "stop_capture",
    "subscript_set",
    "synchronize",
    "to_string",
    "visit_recent_owners",
  ],
  objects: [
    "broadcast_shapes",
    "cuda_kernel",
    "default_device",
    "device_info",
    "distributed_init",
    "distributed_init_with",
    "einsum_path",
    "group_split",
    "import_function",
    "item",
    "make_exporter",
    "metal_kernel",
    "open_file",
    "ring_settings",
    "stream_parts",
  ],
} as const;
