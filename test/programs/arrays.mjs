// Plain loops, without a scope and without a turn of the event loop.
import { mx } from "mlx-js";

const a = mx.array([1, 2, 3]);
let alive = 0;
/** @param {number} i */
const look = (i) => {
  if (i % 500 === 0) {
    alive = Math.max(alive, mx.memory().arrays);
  }
};

/** @type {mx.array | undefined} */
let sum;
for (let i = 0; i < 300_000; i++) {
  sum = mx.add(a, i);
  look(i);
}
const additions = { alive, last: sum?.tolist() };

alive = 0;
/** @type {mx.array | undefined} */
let small;
for (let i = 0; i < 1_000_000; i++) {
  small = mx.array([i, 7]);
  look(i);
}
console.log(JSON.stringify({ additions, small: { alive, last: small?.tolist() } }));
