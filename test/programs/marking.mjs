// How often V8 marks its heap in a second and a half of training, each step of which replaces
// parameters and what the optimizer remembers of them: a quarter of a megabyte.
import { constants, PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { mx, nn, optim } from "mlx-js";

const width = 144;
const model = new nn.Sequential(new nn.Linear(width, width), nn.relu, new nn.Linear(width, 1));
const optimizer = new optim.Adam(1e-3);
const inputs = mx.random.normal([64, width]);
const lossAndGradients = nn.valueAndGrad(model, () => mx.mean(mx.square(model.forward(inputs))));
const step = () => {
  const [loss, gradients] = lossAndGradients();
  optimizer.update(model, gradients);
  return loss;
};
/** @param {number} milliseconds */
const train = (milliseconds) => {
  let steps = 0;
  for (const start = performance.now(); performance.now() - start < milliseconds; steps++) {
    mx.eval(mx.tidy(step), model, optimizer.state);
  }
  return steps;
};

// The parameters themselves are new to the collector, too.
train(200);
await setImmediate();
const collections = { young: 0, marking: 0 };
/** @param {unknown} entry */
const kindOf = (entry) => /** @type {{ detail: { kind: number } }} */ (entry).detail.kind;
const observer = new PerformanceObserver((list) => {
  for (const kind of list.getEntries().map(kindOf)) {
    collections.young += Number(kind === constants.NODE_PERFORMANCE_GC_MINOR);
    collections.marking += Number(kind === constants.NODE_PERFORMANCE_GC_MAJOR);
  }
});
observer.observe({ entryTypes: ["gc"] });
const steps = train(1500);
// Entries come in turns of the event loop.
await setImmediate();
await setImmediate();
console.log(JSON.stringify({ steps, ...collections }));
