// What Electron gives to a utility process, in a forked one of Node's. Electron
// ends such processes when the app is gone; here the channel closes then.
import { EventEmitter } from "node:events";
import { writeFileSync } from "node:fs";

const port = Object.assign(new EventEmitter(), {
  /** @param {unknown} message */
  postMessage: (message) => process.connected && process.send?.(message),
});
// Node keeps what comes until someone listens.
port.once("newListener", () => {
  process.on("message", (data) => port.emit("message", { data, ports: [] }));
});
process.on("disconnect", () => port.emit("message", { data: { type: "quit" }, ports: [] }));
Object.assign(process, { parentPort: port });

const { EXIT_FILE } = process.env;
if (EXIT_FILE) {
  process.on("exit", (code) => writeFileSync(EXIT_FILE, String(code)));
}
