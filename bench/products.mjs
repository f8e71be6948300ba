// Products of quantized matrices and of half precision on the CPU: milliseconds
// here and in Python MLX, which gets the same BLAS.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { mx } from "mlx-js";
import { referencePython } from "../scripts/reference.mjs";

mx.setDefaultDevice(mx.cpu);
const [outputs, inputs] = [1536, 576];

/**
 * The best of several, in milliseconds.
 *
 * @param {() => mx.array} operation
 */
function measure(operation) {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 6; i++) {
    const start = performance.now();
    mx.tidy(() => mx.eval(operation()));
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

/** @type {Record<string, number>} */
const ours = {};
/** @type {[mx.QuantizationMode, number][]} */
const formats = [
  ...[2, 3, 4, 5, 6, 8].map((bits) => /** @type {["affine", number]} */ (["affine", bits])),
  ["mxfp4", 4],
  ["nvfp4", 4],
  ["mxfp8", 8],
];
const dtypes = { float32: mx.float32, float16: mx.float16, bfloat16: mx.bfloat16 };
for (const [name, dtype] of Object.entries(dtypes)) {
  for (const rows of [1, 2, 4, 8, 64]) {
    const x = mx.random.normal([rows, inputs]).astype(dtype);
    const weight = mx.random.normal([outputs, inputs]).astype(dtype);
    mx.eval(x, weight);
    for (const [mode, bits] of formats) {
      const [w, scales, biases] = mx.quantize(weight, { mode, bits });
      mx.eval(w, scales, ...(biases ? [biases] : []));
      const options = { biases, mode, bits };
      ours[`${name} ${rows} ${mode} ${bits}`] = measure(() =>
        mx.quantizedMatmul(x, w, scales, options),
      );
    }
    ours[`${name} ${rows} product`] = measure(() => mx.matmul(x, weight.transpose()));
    ours[`${name} ${rows} weight's gradient`] = measure(() => {
      const y = mx.random.normal([rows, outputs]).astype(dtype);
      return mx.matmul(y.transpose(), x);
    });
  }
}

const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));
const { stdout, stderr, status } = spawnSync(referencePython(), [path("reference/products.py")], {
  encoding: "utf8",
  env: { ...process.env, LD_PRELOAD: path("../build/Release/libopenblas-preload.so") },
});
if (status !== 0) {
  throw new Error(stderr);
}
/** @type {Record<string, number>} */
const theirs = JSON.parse(stdout);
for (const [name, time] of Object.entries(ours)) {
  const python = theirs[name] ?? Number.NaN;
  console.log(
    `${name.padEnd(30)} ${time.toFixed(3)} ms, Python ${python.toFixed(3)} ms, ratio ${(time / python).toFixed(2)}`,
  );
}
