// Stands for Electron, whose program is not there: as much of its modules as the
// app uses, on Node. The model's process is a forked one. Pages are for the test
// to show; it sets `harness.show`.
"use strict";
const { fork } = require("node:child_process");
const { EventEmitter } = require("node:events");
const { readFile } = require("node:fs/promises");
const { extname, join } = require("node:path");
const { fileURLToPath, pathToFileURL } = require("node:url");

/** @typedef {{ webPreferences: Record<string, unknown> }} WindowOptions */

let ready = () => {};
/** @type {Promise<void>} */
const whenReady = new Promise((resolve) => {
  ready = resolve;
});

const harness = {
  /** Electron is ready once the main module has been run to its end. */
  ready,
  /** Runs the model's process; Electron has a newer Node than the oldest that mlx-js runs on. */
  node: process.execPath,
  /** @type {import("node:child_process").ChildProcess[]} */
  children: [],
  /** @type {Record<string, (request: Request) => Response | Promise<Response>>} */
  schemes: {},
  /** @type {unknown[]} */
  privileged: [],
  /** @type {InstanceType<typeof BrowserWindow>[]} */
  windows: [],
  hasQuit: false,
  /** @type {(window: InstanceType<typeof BrowserWindow>, url: string) => Promise<void>} */
  show: async () => {},
  /** Messages to the page's process. */
  toPage: new EventEmitter(),
  /** @type {Record<string, any>} */
  exposed: {},
};

/** @param {EventEmitter} emitter @param {string} name */
function emitWithDefault(emitter, name) {
  let prevented = false;
  emitter.emit(name, {
    preventDefault: () => {
      prevented = true;
    },
  });
  return !prevented;
}

const app = Object.assign(new EventEmitter(), {
  whenReady: () => whenReady,
  quit() {
    for (const window of harness.windows.splice(0)) {
      window.emit("closed");
    }
    harness.hasQuit = emitWithDefault(app, "will-quit");
  },
});

class BrowserWindow extends EventEmitter {
  /** @param {WindowOptions} options */
  constructor(options) {
    super();
    this.options = options;
    this.webContents = Object.assign(new EventEmitter(), {
      setWindowOpenHandler() {},
      /** @param {string} channel @param {unknown} message */
      send: (channel, message) => harness.toPage.emit(channel, {}, message),
    });
    harness.windows.push(this);
  }

  /** @param {string} url */
  loadURL(url) {
    return harness.show(this, url);
  }
}

const ipcMain = new EventEmitter();

const ipcRenderer = {
  /** @param {string} channel @param {unknown} message */
  send: (channel, message, origin = "app://page") =>
    ipcMain.emit(channel, { senderFrame: { origin } }, message),
  /** @param {string} channel @param {(event: unknown, message: unknown) => void} listener */
  on: (channel, listener) => harness.toPage.on(channel, listener),
};

const contextBridge = {
  /** @param {string} name @param {unknown} api */
  exposeInMainWorld(name, api) {
    harness.exposed[name] = api;
  },
};

const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };

const net = {
  /** @param {string} url */
  async fetch(url) {
    const path = fileURLToPath(url);
    const type = Object.entries(types).find(([end]) => end === extname(path))?.[1] ?? "";
    return new Response(await readFile(path), { headers: { "content-type": type } });
  },
};

const protocol = {
  /** @param {unknown[]} schemes */
  registerSchemesAsPrivileged: (schemes) => harness.privileged.push(...schemes),
  /** @param {string} scheme @param {(request: Request) => Response | Promise<Response>} handler */
  handle(scheme, handler) {
    harness.schemes[scheme] = handler;
  },
};

const utilityProcess = {
  /** @param {string} path @param {string[]} args @param {{ env?: NodeJS.ProcessEnv }} options */
  fork(path, args = [], { env } = {}) {
    const port = pathToFileURL(join(__dirname, "parent-port.mjs")).href;
    const child = fork(path, args, {
      execPath: harness.node,
      execArgv: ["--import", port],
      serialization: "advanced",
      ...(env ? { env } : {}),
    });
    harness.children.push(child);
    return Object.assign(new EventEmitter(), {
      pid: child.pid,
      /** @param {any} message */
      postMessage: (message) => child.connected && child.send(message),
      kill: () => child.kill(),
      /** @param {string} event @param {(...args: any[]) => void} listener */
      on: (event, listener) => child.on(event, listener),
    });
  },
};

module.exports = {
  app,
  BrowserWindow,
  contextBridge,
  harness,
  ipcMain,
  ipcRenderer,
  net,
  protocol,
  utilityProcess,
};
