// Training goes on from files as if it had never stopped, to the bit.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx, nn, optim, utils } from "mlx-js";
import { expect, test } from "vitest";

class Model extends nn.Module {
  readonly layers = [new nn.Linear(3, 5), nn.relu, new nn.Linear(5, 4)];
  readonly head = { out: new nn.Linear(4, 2, { bias: false }) };
  readonly dropout = new nn.Dropout({ p: 0.25 });
  forward(x: mx.array): mx.array {
    const y = this.layers.reduce<mx.array>(
      (y, f) => (f instanceof nn.Linear ? f.forward(y) : f(y)),
      x,
    );
    return this.head.out.forward(this.dropout.forward(y));
  }
}

const decay = () => optim.exponentialDecay(0.1, 0.9);
const optimizers: Record<string, () => optim.Optimizer> = {
  SGD: () => new optim.SGD(decay(), { momentum: 0.9, nesterov: true }),
  Adam: () => new optim.Adam(0.01, { biasCorrection: true }),
  AdamW: () => new optim.AdamW(decay()),
  Adamax: () => new optim.Adamax(0.01),
  Adagrad: () => new optim.Adagrad(0.01),
  AdaDelta: () => new optim.AdaDelta(0.5),
  RMSprop: () => new optim.RMSprop(0.01),
  Lion: () => new optim.Lion(0.01),
  Adafactor: () => new optim.Adafactor(),
  Muon: () => new optim.Muon(0.01),
  MultiOptimizer: () =>
    new optim.MultiOptimizer([new optim.Muon(0.01), new optim.AdamW(decay())], {
      filters: [(path) => path.endsWith("weight")],
    }),
};

const x = mx.random.normal([16, 3], mx.float32, { key: mx.random.key(1) });
const y = mx.random.normal([16, 2], mx.float32, { key: mx.random.key(2) });

function train(model: Model, optimizer: optim.Optimizer, steps: number): void {
  const f = nn.valueAndGrad(model, () => nn.losses.mseLoss(model.forward(x), y));
  for (let i = 0; i < steps; i++) {
    optimizer.update(model, f()[1]);
    mx.eval(model, optimizer.state);
  }
}

const bytes = (tree: unknown) =>
  utils
    .treeFlatten(tree)
    .map(([name, x]) => [
      name,
      String(x.dtype),
      Buffer.from(x.toTypedArray().buffer).toString("hex"),
    ]);

const formats = [
  ["safetensors", mx.saveSafetensors],
  ["npz", mx.savez],
] as const;

for (const [format, save] of formats) {
  test.each(Object.entries(optimizers))(`%s, ${format}`, (_, make) => {
    const folder = mkdtempSync(join(tmpdir(), "mlx-js-"));
    mx.random.seed(3);
    const [model, optimizer] = [new Model(), make()];
    train(model, optimizer, 3);
    model.saveWeights(`${folder}/model.${format}`);
    const all = { optimizer: optimizer.state, random: mx.random.state[0] };
    save(`${folder}/state.${format}`, utils.treeFlatten(all, { destination: {} }));
    train(model, optimizer, 3);

    mx.random.seed(4);
    const [later, other] = [new Model(), make()];
    train(later, other, 1);
    later.loadWeights(`${folder}/model.${format}`);
    const loaded = mx.load(`${folder}/state.${format}`) as Record<string, mx.array>;
    const state = utils.treeUnflatten(loaded);
    other.state = state.optimizer;
    mx.random.state[0] = state.random;
    train(later, other, 3);
    expect(bytes(later.parameters())).toEqual(bytes(model.parameters()));
    expect(bytes(other.state).sort()).toEqual(bytes(optimizer.state).sort());
    expect(other.step.item()).toBe(6n);
  });
}
