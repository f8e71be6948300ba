import { mx } from "mlx-js";
import { Reader } from "./pool.mjs";
import { makeRows, train } from "./task.mjs";

mx.random.seed(0);
const model = new Reader(8);
console.log(String(model));
const losses = train(model, 300);
console.log(`loss: ${losses.at(0)?.toFixed(3)} at first, ${losses.at(-1)?.toFixed(3)} at last`);

const { x, mask, answer } = makeRows(4, 6, mx.random.key(1000));
console.log(`to be read:       ${answer}`);
console.log(`with the mask:    ${model.forward(x, { mask })}`);
console.log(`without the mask: ${model.forward(x)}`);
