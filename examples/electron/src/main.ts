/** The main process: windows, and messages between their pages and the model's process. */
import { isAbsolute, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { app, BrowserWindow, ipcMain, net, protocol, utilityProcess } from "electron";
import { channels } from "./bridge.js";
import { ModelProcess } from "./model-process.js";

const here = import.meta.dirname;
const pages = join(here, "page");
const origin = "app://page";

// The page has a scheme of its own rather than file:, which could read all files.
protocol.registerSchemesAsPrivileged([
  { scheme: "app", privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);

function serve({ url }: Request): Response | Promise<Response> {
  const path = join(pages, decodeURIComponent(new URL(url).pathname));
  const inside = relative(pages, path);
  return inside.startsWith("..") || isAbsolute(inside)
    ? new Response(null, { status: 404 })
    : net.fetch(pathToFileURL(path).href);
}

let window: BrowserWindow | undefined;

const model = new ModelProcess(
  () =>
    utilityProcess.fork(join(here, "model.js"), [], {
      serviceName: "Model",
      // The products are small, and the app's other processes want cores, too.
      env: { OPENBLAS_NUM_THREADS: "1", ...process.env },
    }),
  (reply) => window?.webContents.send(channels.reply, reply),
);

function open(): void {
  window = new BrowserWindow({
    width: 960,
    height: 1000,
    webPreferences: {
      preload: join(here, "preload.cjs"),
      contextIsolation: true,
      nodeIntegration: false,
      sandbox: true,
    },
  });
  const { webContents } = window;
  webContents.setWindowOpenHandler(() => ({ action: "deny" }));
  webContents.on("will-navigate", (event) => event.preventDefault());
  // What a page has asked for goes with it.
  webContents.on("did-navigate", () => model.cancelAll());
  webContents.on("render-process-gone", () => model.cancelAll());
  window.on("closed", () => {
    window = undefined;
    model.cancelAll();
  });
  void window.loadURL(`${origin}/index.html`);
}

ipcMain.on(channels.request, (event, message: unknown) => {
  if (event.senderFrame?.origin === origin) {
    try {
      model.send(message);
    } catch (error) {
      // A page that is as it was built asks for nothing else.
      console.error(error);
    }
  }
});

app.on("window-all-closed", () => app.quit());

app.on("will-quit", (event) => {
  if (model.isAlive) {
    event.preventDefault();
    void model.quit().then(() => app.quit());
  }
});

// Not awaited: Electron is ready only once this module has been run to its end.
app.whenReady().then(() => {
  protocol.handle("app", serve);
  open();
});
