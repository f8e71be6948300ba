/** The model's process: the only one that loads mlx-js. */
import { order } from "../protocol.js";
import { TaskServer } from "./server.js";
import { runs } from "./tasks.js";

const { parentPort } = process;
const server = new TaskServer(runs, (reply) => parentPort.postMessage(reply));

parentPort.on("message", ({ data }) => {
  const message = order.parse(data);
  if (message.type === "quit") {
    // The evaluation that is under way is waited for, and nothing after it.
    server.close().then(() => process.exit());
  } else {
    server.receive(message);
  }
});
