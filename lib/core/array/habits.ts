/** Names that arrays have elsewhere: what to write here instead. */
import { typeError } from "../call/codes.js";
import { array } from "./array.js";

// Without names that libraries probe for, such as `then`, `nodeType` or `equals`.
const habits = {
  // NumPy, Python
  numpy: "x.toTypedArray() or x.tolist()",
  copy: "mx.array(x)",
  dot: "x.matmul(y)",
  fill: "mx.full(x.shape, value)",
  // torch
  backward: "mx.grad(fun) or nn.valueAndGrad(model, fun), which give the gradients of a function",
  grad: "mx.grad(fun), which gives the gradients of a function",
  requires_grad: "mx.grad(fun, argnums), which names the arguments to differentiate",
  requiresGrad: "mx.grad(fun, argnums), which names the arguments to differentiate",
  detach: "mx.stopGradient(x)",
  clone: "mx.array(x)",
  cpu: "x itself: memory is shared, and operations have an option stream, such as { stream: mx.cpu }",
  cuda: "x itself: memory is shared, and operations have an option stream, such as { stream: mx.gpu }",
  to: "x.astype(dtype), or an operation's option { stream: mx.gpu }: memory is shared",
  device: "an operation's option stream: memory is shared",
  float: "x.astype(mx.float32)",
  half: "x.astype(mx.float16)",
  long: "x.astype(mx.int64)",
  int: "x.astype(mx.int32)",
  bool: "x.astype(mx.bool)",
  unsqueeze: "mx.expandDims(x, axis)",
  permute: "x.transpose(axes)",
  contiguous: "mx.contiguous(x)",
  repeat: "mx.repeat(x, repeats, axis) or mx.tile(x, reps)",
  expand: "mx.broadcastTo(x, shape)",
  numel: "x.size",
  masked_fill: "mx.where(mask, value, x)",
  // short names of operations
  sub: "x.subtract(y)",
  mul: "x.multiply(y)",
  div: "x.divide(y)",
  pow: "x.power(y)",
  mod: "x.remainder(y)",
  neg: "x.negative()",
  mm: "x.matmul(y)",
  matMul: "x.matmul(y)",
  eq: "x.equal(y)",
  ne: "x.notEqual(y)",
  gt: "x.greater(y)",
  ge: "x.greaterEqual(y)",
  lt: "x.less(y)",
  le: "x.lessEqual(y)",
  // functions that are no methods, as in Python
  argsort: "mx.argsort(x)",
  ceil: "mx.ceil(x)",
  diff: "mx.diff(x)",
  flip: "mx.flip(x)",
  floor: "mx.floor(x)",
  isfinite: "mx.isfinite(x)",
  isinf: "mx.isinf(x)",
  isnan: "mx.isnan(x)",
  median: "mx.median(x)",
  sigmoid: "mx.sigmoid(x)",
  sign: "mx.sign(x)",
  softmax: "mx.softmax(x)",
  sort: "mx.sort(x)",
  tan: "mx.tan(x)",
  tanh: "mx.tanh(x)",
  tril: "mx.tril(x)",
  triu: "mx.triu(x)",
  clip: "mx.clip(x, aMin, aMax)",
  clamp: "mx.clip(x, aMin, aMax)",
  norm: "mx.linalg.norm(x)",
  pad: "mx.pad(x, padWidth)",
  relu: "nn.relu(x)",
  where: "mx.where(condition, x, y)",
  // tfjs
  dataSync: "x.toTypedArray()",
  arraySync: "x.tolist()",
  asType: "x.astype(dtype)",
  cast: "x.astype(dtype)",
  toFloat: "x.astype(mx.float32)",
  rank: "x.ndim",
  expandDims: "mx.expandDims(x, axis)",
};

for (const [name, instead] of Object.entries(habits)) {
  const answer = () => {
    throw typeError(`[array] expected ${instead}, received x.${name}`);
  };
  Object.defineProperty(array.prototype, name, { get: answer, set: answer, configurable: true });
}
