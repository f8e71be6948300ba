/**
 * Runs in the page's process, before the page and apart from it. The page gets
 * two functions, and neither Electron nor Node.
 */
import { contextBridge, ipcRenderer } from "electron";
import { type Bridge, channels } from "./bridge.js";

const bridge: Bridge = {
  send(request) {
    ipcRenderer.send(channels.request, request);
  },
  onReply(listener) {
    ipcRenderer.on(channels.reply, (_event, reply) => listener(reply));
  },
};

contextBridge.exposeInMainWorld("model", bridge);
