// The event loop while a computation of a second or two is under way: timers,
// and a server with a client that asks one thing after the other.
import { createServer, get } from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { mx } from "mlx-js";

// A product of this matrix with itself is this matrix.
const n = 512;
const x = mx.full([n, n], 1 / n);
/** @param {number} count */
const products = (count) => {
  let y = x;
  for (let i = 0; i < count; i++) {
    y = mx.matmul(y, x);
  }
  return y;
};
// The best of some, since the machine may be busy now and idle then.
const each = Math.min(
  ...Array.from({ length: 12 }, () => {
    const start = performance.now();
    mx.eval(products(4));
    return (performance.now() - start) / 4;
  }),
);

const server = createServer((request, response) => {
  const i = Number(new URL(request.url ?? "", "http://localhost").searchParams.get("i"));
  response.end(String(i * i));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
const address = server.address();
const port = typeof address === "object" ? address?.port : 0;
/** @param {number} i @returns {Promise<string>} */
const ask = (i) =>
  new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path: `/?i=${i}` }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
await ask(0);

let ticks = 0;
const timer = setInterval(() => ticks++, 5);
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

let done = false;
const y = products(Math.ceil(1500 / each));
const start = performance.now();
const computing = mx.asyncEval(y).then(() => {
  done = true;
});
const answers = { right: 0, wrong: 0 };
while (!done) {
  const i = answers.right + answers.wrong;
  const right = (await ask(i)) === String(i * i);
  answers[right ? "right" : "wrong"]++;
}
await computing;
const took = performance.now() - start;
delay.disable();
clearInterval(timer);
server.close();
const value = Number(y.get(3, 5).item()) * n;
console.log(JSON.stringify({ value, took, ticks, longest: delay.max / 1e6, ...answers }));
