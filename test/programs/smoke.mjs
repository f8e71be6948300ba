// A dozen functions, from every part of the package.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";

const x = mx.array([
  [1, 2, 3],
  [4, 5, 6],
]);
const model = new nn.Linear(2, 1);
model.update({ weight: mx.array([[1, -1]]), bias: mx.array([0.5]) });
const optimizer = new optim.SGD(0.5);
const step = nn.valueAndGrad(model, () => mx.sum(mx.square(model.forward(mx.array([[3, 1]])))));
const [loss, gradients] = step();
optimizer.update(model, gradients);

const half = mx.customFunction((a) => mx.square(a)).vjp((_, c) => mx.multiply(c, 0.5));
const saved = mx.array([1.5, -2, 3]);
const halves = mx.array([0.5, -2, 3], mx.float16);
const into = halves.toTypedArray().fill(0);
let thrown = "nothing";
try {
  mx.add(x, mx.ones([4]));
} catch (error) {
  thrown = error instanceof Error ? error.name : "no error";
}
await mx.asyncEval(saved);

const folder = mkdtempSync(join(tmpdir(), "mlx-js-"));
const file = join(folder, "saved.safetensors");
const program = join(folder, "exported.mlxfn");
mx.saveSafetensors(file, { saved });
mx.exportFunction(program, (a) => mx.square(a), [saved]);
const loaded = Object.values(mx.load(file));
const squares = mx.importFunction(program)(saved);
mx.eval(...loaded, ...squares);
rmSync(folder, { recursive: true });

console.log(
  JSON.stringify({
    matmul: mx.matmul(x, x.T).tolist(),
    int: mx
      .array([2n ** 40n], mx.int64)
      .item()
      .toString(),
    half: mx.array([0.1], mx.float16).item(),
    halves: Array.from(new Uint8Array(halves.toTypedArray(into).buffer)),
    view: x.get(":", "::-1").tolist(),
    softmax: mx.softmax(mx.array([0, Math.log(3)])).tolist(),
    grad: mx
      .grad((a) => mx.sum(mx.multiply(a, a)))(saved)
      .tolist(),
    custom: mx
      .grad((a) => mx.sum(half(a)))(saved)
      .tolist(),
    vmap: mx
      .vmap((a) => mx.sum(a), { inAxes: 1 })(x)
      .tolist(),
    compiled: mx
      .compile((a) => mx.add(mx.exp(mx.multiply(a, 0)), a))(saved)
      .tolist(),
    random: mx.random.randint(0, 100, [3], mx.int32, { key: mx.random.key(7) }).tolist(),
    inverse: mx.linalg
      .inv(
        mx.array([
          [2, 0],
          [0, 4],
        ]),
        { stream: mx.cpu },
      )
      .tolist(),
    typed: Array.from(saved.toTypedArray(), Number),
    loaded: loaded.map((a) => a.tolist()),
    squares: squares.map((a) => a.tolist()),
    loss: loss.item(),
    trained: utils.treeMap((a) => a.tolist(), model.parameters()),
    thrown,
  }),
);
