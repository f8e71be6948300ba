// Computations where there is less memory than they need, more and less of it:
// every allocation is once the one that fails. To be run under a limit.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";

const mebi = 2 ** 20;
const n = 1024;
const cpu = { stream: mx.cpu };
const x = mx.multiply(mx.add(mx.arange(n * n).reshape([n, n]), 1), 2 ** -20);
const square = mx.add(mx.remainder(x, 0.37), mx.eye(n));
const image = x.reshape([1, 512, 512, 4]);
const kernel = mx.remainder(mx.arange(9 * 16).reshape([4, 3, 3, 4]), 7);
const noise = mx.random.normal([n, n], mx.float32, { key: mx.random.key(7) });
const half = square.astype(mx.float16);
const values = new Float32Array(mebi).fill(5);
// More than what arrays leave to others.
const large = mx.full([100 * mebi], 3);
// Not `mx.eval`: the thread that waits is made while there is room for it.
await mx.asyncEval(x, square, image, kernel, noise, half, large);
const step = mx.compile((a) => mx.exp(mx.negative(mx.square(a))));
const folder = mkdtempSync(join(tmpdir(), "mlx-js-memory-"));
const last = (/** @type {mx.array[]} */ arrays) => /** @type {mx.array} */ (arrays.at(-1));

/** @type {Record<string, () => mx.array>} */
const computations = {
  chain: () => mx.add(mx.exp(mx.multiply(x, x)), mx.transpose(x)),
  matmul: () => mx.matmul(mx.matmul(square, square.transpose()), square),
  matmulOfHalves: () => mx.matmul(half, half),
  convolution: () => mx.conv2d(image, kernel, { padding: 1 }),
  convolutionOfHalves: () => mx.conv2d(image.astype(mx.float16), kernel, { padding: [2, 1] }),
  convolutionsGradient: () =>
    mx.grad((/** @type {mx.array} */ k) => mx.sum(mx.conv2d(image, k, { padding: 1 })))(kernel),
  fft: () => mx.abs(mx.fft.fft2(x)),
  sort: () => mx.sort(mx.transpose(noise), 0),
  takeSorted: () => mx.take(x.flatten(), mx.argsort(noise.flatten())),
  softmax: () => mx.softmax(mx.transpose(noise), -1),
  scan: () => mx.cumsum(mx.transpose(x), 0),
  inverse: () => mx.linalg.inv(square, cpu),
  decomposition: () => last(mx.linalg.qr(square.get(":512", ":512"), cpu)),
  eigenvalues: () => mx.linalg.eigvalsh(square.get(":512", ":512"), cpu),
  random: () => mx.random.normal([n, n], mx.float32, { key: mx.random.key(3) }),
  gradient: () => mx.grad((/** @type {mx.array} */ a) => mx.sum(mx.exp(mx.matmul(a, x))))(noise),
  compiled: () => step(x),
  fromValues: () => mx.array(values),
  stored: () => {
    mx.save(join(folder, "x.npy"), mx.transpose(x));
    return /** @type {mx.array} */ (mx.load(join(folder, "x.npy")));
  },
};

const sum = (/** @type {mx.array} */ a) => mx.sum(mx.abs(a)).item();
/** @type {Record<string, unknown>} */
const expected = {};
for (const [name, compute] of Object.entries(computations)) {
  expected[name] = mx.tidy(() => sum(compute()));
}

/** @type {mx.array[]} */
const filling = [];
/** Leaves no 256 KB in a piece; each computation wants more than that at once. */
function fill() {
  for (let size = 64 * mebi; size >= mebi / 4; ) {
    try {
      const part = mx.zeros([size], mx.uint8);
      mx.eval(part);
      filling.push(part);
    } catch {
      size /= 4;
    }
  }
}
function empty(count = filling.length) {
  mx.dispose(filling.splice(filling.length - count));
  mx.clearCache();
}

/** @type {Record<string, number>} */
const failures = {};
/** @type {unknown[]} */
const wrong = [];
const errors = new Set();
/** What is said of any operation. @param {unknown} error */
const textOf = (error) =>
  String(error)
    .replace(/\d+/, "N")
    .replace(/ \(in \w+\)$/, "");
/** @type {(name: string, run: () => unknown, right: unknown) => unknown} */
function attempt(name, run, right) {
  try {
    const value = run();
    if (value !== right) {
      wrong.push([name, value, right]);
    }
  } catch (error) {
    failures[name] = (failures[name] ?? 0) + 1;
    errors.add(textOf(error));
  }
  return undefined;
}

for (const [name, compute] of Object.entries(computations)) {
  for (const spare of [0, 8, 15]) {
    fill();
    empty(spare);
    attempt(name, () => mx.tidy(() => sum(compute())), expected[name]);
    if (mx.sum(mx.add(mx.array([1, 2]), 1)).item() !== 5) {
      wrong.push(`a small computation after ${name}`);
    }
  }
}
fill();
attempt("toTypedArray", () => large.toTypedArray().length, large.size);
attempt("tolist", () => large.tolist(), large.size);
// Once more, as Node has collected garbage.
fill();
await mx.asyncEval(mx.matmul(x, x)).catch((error) => {
  failures["asyncEval"] = 1;
  errors.add(textOf(error));
});
empty();
for (const [name, compute] of Object.entries(computations)) {
  if (mx.tidy(() => sum(compute())) !== expected[name]) {
    wrong.push(`${name} afterwards`);
  }
}
rmSync(folder, { recursive: true });
const fine = [...Object.keys(computations), "toTypedArray", "tolist", "asyncEval"].filter(
  (name) => !failures[name],
);
console.log(JSON.stringify({ wrong, fine, errors: [...errors].sort() }));
