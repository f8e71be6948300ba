/** Names that arrays have elsewhere: what to write here instead. */
import { answerHabits } from "../call/habits.js";
import { array } from "./array.js";

const differentiated =
  "mx.grad(fun, argnums), which names the arguments to differentiate, or model.freeze()";

const inPlace = ", which gives a new array";
const rows = "[...x], a list of rows, or x.tolist()";

// Functions that are no methods, as in Python: of an array, and of more.
const ofOne =
  "argsort ceil diff erf erfinv expm1 flip floor isfinite isinf isnan median sigmoid sign sinh softmax " +
  "sort tan tanh trace tril triu trunc";
const ofMore =
  "addmm allclose argpartition atan2 divmod inner isclose kron logaddexp maximum minimum nanToNum outer " +
  "partition roll take takeAlongAxis tensordot tile topk unflatten unique unstack";
const calls = (names: string, rest: string) =>
  Object.fromEntries(names.split(" ").map((name) => [name, `mx.${name}(x${rest})`]));

// Without names that libraries probe for, such as `then`, `nodeType` or `equals`.
const habits = {
  ...calls(ofOne, ""),
  ...calls(ofMore, ", …"),
  clip: "mx.clip(x, aMin, aMax)",
  einsum: "mx.einsum(subscripts, [x, y])",
  meshgrid: "mx.meshgrid([x, y])",
  pad: "mx.pad(x, padWidth)",
  repeat: "mx.repeat(x, repeats, axis) or mx.tile(x, reps)",
  stack: "mx.stack([x, y])",
  where: "mx.where(condition, x, y)",
  // NumPy, Python
  numpy: "x.toTypedArray() or x.tolist()",
  tobytes: "x.toTypedArray()",
  toArray: "x.tolist()",
  copy: "mx.array(x)",
  dot: "x.matmul(y)",
  fill: "mx.full(x.shape, value)",
  ravel: "x.flatten()",
  eval: "mx.eval(x)",
  // lists
  map: rows,
  forEach: rows,
  filter: rows,
  reduce: rows,
  slice: 'x.get("1:3")',
  concat: "mx.concatenate([x, y])",
  // torch
  backward: "mx.grad(fun) or nn.valueAndGrad(model, fun), which give the gradients of a function",
  grad: "mx.grad(fun), which gives the gradients of a function",
  requires_grad: differentiated,
  requiresGrad: differentiated,
  requires_grad_: differentiated,
  detach: "mx.stopGradient(x)",
  clone: "mx.array(x)",
  cpu: "x itself: memory is shared, and operations have an option stream, such as { stream: mx.cpu }",
  cuda: "x itself: memory is shared, and operations have an option stream, such as { stream: mx.gpu }",
  to: "x.astype(dtype), or an operation's option { stream: mx.gpu }: memory is shared",
  device: "an operation's option stream: memory is shared",
  type: "x.dtype, or x.astype(dtype)",
  type_as: "x.astype(y.dtype)",
  float: "x.astype(mx.float32)",
  double: "x.astype(mx.float64), for the CPU alone",
  half: "x.astype(mx.float16)",
  bfloat16: "x.astype(mx.bfloat16)",
  long: "x.astype(mx.int64)",
  int: "x.astype(mx.int32)",
  bool: "x.astype(mx.bool)",
  t: "x.T",
  unsqueeze: "mx.expandDims(x, axis)",
  permute: "x.transpose(axes)",
  movedim: "x.moveaxis(source, destination)",
  swapdims: "x.swapaxes(axis1, axis2)",
  view_as: "x.reshape(y.shape)",
  reshape_as: "x.reshape(y.shape)",
  contiguous: "mx.contiguous(x)",
  expand: "mx.broadcastTo(x, shape)",
  expand_as: "mx.broadcastTo(x, y.shape)",
  chunk: "x.split(sections, axis)",
  unbind: "mx.unstack(x)",
  narrow: 'x.get("1:3")',
  select: "x.get(index)",
  index_select: "mx.take(x, indices, axis)",
  scatter: "mx.putAlongAxis(x, indices, values, axis)",
  ndimension: "x.ndim",
  numel: "x.size",
  nelement: "x.size",
  element_size: "x.itemsize",
  masked_fill: "mx.where(mask, value, x)",
  log_softmax: "nn.logSoftmax(x)",
  absolute: "x.abs()",
  inverse: "mx.linalg.inv(x)",
  add_: `x.add(y)${inPlace}`,
  sub_: `x.subtract(y)${inPlace}`,
  mul_: `x.multiply(y)${inPlace}`,
  div_: `x.divide(y)${inPlace}`,
  clamp_: `mx.clip(x, aMin, aMax)${inPlace}`,
  zero_: "mx.zerosLike(x)",
  fill_: "mx.full(x.shape, value)",
  copy_: 'x.set(["..."], y)',
  // short names of operations
  sub: "x.subtract(y)",
  mul: "x.multiply(y)",
  div: "x.divide(y)",
  pow: "x.power(y)",
  mod: "x.remainder(y)",
  neg: "x.negative()",
  mm: "x.matmul(y)",
  bmm: "x.matmul(y)",
  mv: "x.matmul(y)",
  matMul: "x.matmul(y)",
  eq: "x.equal(y)",
  ne: "x.notEqual(y)",
  gt: "x.greater(y)",
  ge: "x.greaterEqual(y)",
  lt: "x.less(y)",
  le: "x.lessEqual(y)",
  clamp: "mx.clip(x, aMin, aMax)",
  norm: "mx.linalg.norm(x)",
  relu: "nn.relu(x)",
  // tfjs
  data: "mx.asyncEval(x), then x.toTypedArray()",
  dataSync: "x.toTypedArray()",
  array: "mx.asyncEval(x), then x.tolist()",
  arraySync: "x.tolist()",
  asType: "x.astype(dtype)",
  cast: "x.astype(dtype)",
  toFloat: "x.astype(mx.float32)",
  toInt: "x.astype(mx.int32)",
  toBool: "x.astype(mx.bool)",
  rank: "x.ndim",
  print: "String(x)",
  gather: "mx.take(x, indices, axis)",
  expandDims: "mx.expandDims(x, axis)",
  oneHot: "mx.take(mx.eye(classes), x, 0)",
  // JAX
  block_until_ready: "mx.eval(x)",
};

answerHabits(array.prototype, "array", "x", habits, false);
