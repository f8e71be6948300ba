// The Electron app, on a stand-in for Electron (test/electron/electron.cjs): its
// program is not in the registry. The page is shown by a Chromium, if there is one.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { Bridge } from "../../examples/electron/src/bridge.js";
import { TaskClient } from "../../examples/electron/src/client.js";
import { type Child, ModelProcess } from "../../examples/electron/src/model-process.js";
import { type Reply, type Task, TaskError } from "../../examples/electron/src/protocol.js";
import { models } from "../../scripts/models.mjs";
import { requireTool, tools } from "../support/electron.js";
import { runtimes } from "../support/runtimes.js";
import { sanitized } from "../support/sanitized.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples", "electron");
const folder = mkdtempSync(join(tmpdir(), "mlx-js-electron-"));
const app = join(folder, "app");
const modules = join(app, "node_modules");

/** The packages that the app names, and those that are here, with their versions. */
const named: Record<string, string> = {};
const tested: Record<string, string> = {};

/** Where a package that the app names comes from. */
function sourceOf(name: string): string {
  const ours = name === "mlx-js" ? root : join(root, "node_modules", name);
  return ["electron", "@types/node"].includes(name) ? join(tools, "node_modules", name) : ours;
}

beforeAll(() => {
  // A copy, elsewhere, with what its package.json names: it stands alone.
  cpSync(example, app, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(app, "package.json"), "utf8"));
  Object.assign(named, manifest.dependencies, manifest.devDependencies);
  for (const name of Object.keys(named)) {
    // It is run by hand: npm run check:packages -- electron
    if (name !== "electron-builder") {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(sourceOf(name), join(modules, name), "junction");
      const { version } = JSON.parse(readFileSync(join(sourceOf(name), "package.json"), "utf8"));
      tested[name] = version;
    }
  }
  const bin = join(root, "node_modules", ".bin");
  const env = { ...process.env, PATH: [bin, process.env["PATH"]].join(delimiter) };
  for (const script of ["check", "build"]) {
    execFileSync("npm", ["run", "--silent", script], { cwd: app, env });
  }
  // The types have been read; from here on it is the stand-in that runs.
  rmSync(join(modules, "electron"));
  mkdirSync(join(modules, "electron"));
  cpSync(join(tools, "electron.cjs"), join(modules, "electron", "index.js"));
  cpSync(join(tools, "parent-port.mjs"), join(modules, "electron", "parent-port.mjs"));
  writeFileSync(join(modules, "electron", "package.json"), '{ "main": "index.js" }');
  const { harness } = electron();
  harness.node = runtimes.find(({ name }) => name === "node24")?.path ?? process.execPath;
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const requireApp = createRequire(join(app, "package.json"));
// biome-ignore lint/suspicious/noExplicitAny: the stand-in
const electron = (): any => requireApp("electron");

test("is tested with the versions that it names", () => {
  expect({ ...tested, "electron-builder": expect.any(String) }).toEqual(named);
});

/** The stand-in for a utility process. */
interface Forked extends Child {
  pid: number;
}

function fork(env: Record<string, string> = {}): Forked {
  return electron().utilityProcess.fork(join(app, "dist", "model.js"), [], {
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1", ...env },
  });
}

/** A client whose tasks run in a process of their own. */
function connect(env: Record<string, string> = {}) {
  const listeners: ((reply: Reply) => void)[] = [];
  const replies: Reply[] = [];
  const forked: Forked[] = [];
  const model = new ModelProcess(
    () => {
      const child = fork(env);
      forked.push(child);
      return child;
    },
    (reply) => {
      replies.push(reply);
      for (const listener of listeners) {
        listener(reply);
      }
    },
  );
  const bridge: Bridge = {
    send: (request) => model.send(request),
    onReply: (listener) => listeners.push(listener),
  };
  open.push(model);
  return { client: new TaskClient(bridge), model, forked, replies };
}

const open: ModelProcess[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((model) => model.quit()));
});

const small = { steps: 2, length: 8, read: 1024, seed: 0 };
const endless = { ...small, steps: 100_000 };

/** How a promise was rejected. */
async function failure(promise: Promise<unknown>): Promise<TaskError> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome?.status === "rejected" && outcome.reason instanceof TaskError) {
    return outcome.reason;
  }
  throw new Error(`expected a TaskError, received ${JSON.stringify(outcome)}`);
}

/** A task that is under way, and what it has told so far. */
async function underWay(client: TaskClient, input = endless, signal?: AbortSignal) {
  const told: Task<"train">["progress"][] = [];
  let begun = () => {};
  const begins = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const task = client.run("train", input, {
    ...(signal ? { signal } : {}),
    onProgress: (progress) => {
      told.push(progress);
      begun();
    },
  });
  await Promise.race([begins, task]);
  return { task, told };
}

describe.skipIf(sanitized)("the model's process", () => {
  test("tells each step and each length, and gives the result", async () => {
    const { client } = connect();
    const { task, told } = await underWay(client, small);
    expect(await task).toEqual({ device: expect.any(String), seconds: expect.any(Number) });
    const steps = told.map((x) =>
      x.stage === "training" ? [x.positions, "step", x.step] : [x.positions, "length", x.length],
    );
    expect(steps).toEqual(
      ["alibi", "sinusoidal"].flatMap((positions) => [
        ...[1, 2].map((step) => [positions, "step", step]),
        ...[8, 16, 32, 64].map((length) => [positions, "length", length]),
      ]),
    );
    const [first, , ...rest] = told;
    // Near a guess among the 80 or so characters.
    expect(first).toMatchObject({ loss: expect.closeTo(Math.log(80), 0) });
    for (const x of rest.filter((x) => x.stage === "reading")) {
      expect(x.perplexity).toBeGreaterThan(5);
      expect(x.perplexity).toBeLessThan(100);
    }
    const others = await underWay(client, small);
    await others.task;
    expect(others.told).toEqual(told);
  });

  test("stops a task that is cancelled, and takes the next", async () => {
    const { client, forked } = connect();
    const abort = new AbortController();
    const { task, told } = await underWay(client, endless, abort.signal);
    abort.abort();
    // The next one waits until this one has ended.
    const next = client.run("train", { ...small, steps: 1 });
    expect(await failure(client.run("train", small))).toMatchObject({ code: "busy" });
    expect(await failure(task)).toMatchObject({ code: "cancelled" });
    const then = told.length;
    await next;
    expect(told).toHaveLength(then);
    expect(forked).toHaveLength(1);
    expect(await failure(client.run("train", small, { signal: abort.signal }))).toMatchObject({
      code: "cancelled",
    });
  });

  test("runs each task once at a time", async () => {
    const { client, model } = connect();
    const { task } = await underWay(client);
    expect(await failure(client.run("train", small))).toMatchObject({
      code: "busy",
      message: '"train" is running already.',
    });
    model.cancelAll();
    expect(await failure(task)).toMatchObject({ code: "cancelled" });
  });

  test("says what is wrong with a request", async () => {
    const { client, model, replies } = connect();
    expect(await failure(client.run("train", { ...small, steps: 0, read: 1 }))).toMatchObject({
      code: "bad-request",
      message: expect.stringMatching(/^steps: .*1\nread: .*1024$/),
    });
    const typo = { ...small, stpes: 3 };
    expect(await failure(client.run("train", typo))).toMatchObject({
      message: expect.stringContaining("stpes"),
    });
    model.send({ type: "start", id: "7", task: "dream", input: small });
    const error = { code: "bad-request", message: 'There is no task "dream".' };
    await vi.waitFor(
      () => expect(replies).toContainEqual({ type: "failed", id: "7", error }),
      20_000,
    );
    // What is no request is passed on to nobody.
    expect(() => model.send({ type: "quit" })).toThrow();
    expect(() => model.send({ type: "start", id: "", task: "train", input: small })).toThrow();
  });

  test("chats: streams an answer, goes on, stops, and begins anew", async () => {
    const { client } = connect();
    const model = models().smollm2;
    const chat = async (messages: Task<"chat">["input"]["messages"], stopAfter = Infinity) => {
      const abort = new AbortController();
      const stages: string[] = [];
      let text = "";
      let pieces = 0;
      const task = client.run(
        "chat",
        { model, messages },
        {
          signal: abort.signal,
          onProgress: (progress) => {
            stages.push(progress.stage);
            if (progress.stage === "answering") {
              text += progress.text;
              pieces += 1;
              if (pieces === stopAfter) {
                abort.abort();
              }
            }
          },
        },
      );
      const [outcome] = await Promise.allSettled([task]);
      return { outcome, text, pieces, isLoaded: stages.includes("loading") };
    };
    const question = { role: "user", content: "What is the capital of France?" } as const;
    const first = await chat([question]);
    expect(first).toMatchObject({
      outcome: { value: { finishReason: "stop", tokens: first.pieces + 1 } },
      text: "The capital of France is Paris.",
      isLoaded: true,
    });
    // The model stays, and knows what was said.
    const answer = { role: "assistant", content: first.text } as const;
    const next = await chat([question, answer, { role: "user", content: "And of Italy?" }]);
    expect(next).toMatchObject({ text: "The capital of Italy is Rome.", isLoaded: false });
    const story = { role: "user", content: "Tell me a long story." } as const;
    const stopped = await chat([story], 5);
    expect(stopped.outcome).toMatchObject({ reason: { code: "cancelled" } });
    expect(stopped.pieces).toBeGreaterThanOrEqual(5);
    expect(await chat([question])).toMatchObject({ text: first.text, isLoaded: false });
    // What the page has is what counts: here, that the first answer was another one.
    const other = { role: "assistant", content: "I do not know." } as const;
    const again = await chat([question, other, { role: "user", content: "And of Italy?" }]);
    expect(again.outcome).toMatchObject({ status: "fulfilled" });
  });

  test("says what is wrong with a chat, and loads another model then", async () => {
    const { client } = connect();
    const messages = [{ role: "user", content: "Hello" }] as const;
    const chat = (model: string) => client.run("chat", { model, messages: [...messages] });
    expect(await failure(chat(" "))).toMatchObject({
      code: "bad-request",
      message: "model: There is no model.",
    });
    expect(await failure(chat(join(folder, "nowhere.gguf")))).toMatchObject({
      code: "failed",
      message: expect.stringContaining("nowhere.gguf"),
    });
    expect(await chat(models().smollm2)).toMatchObject({ finishReason: "stop" });
  });

  test("says why mlx-js does not load", async () => {
    const { client } = connect({ MLX_JS_BACKEND: "tpu" });
    expect(await failure(client.run("train", small))).toMatchObject({
      code: "failed",
      message: expect.stringContaining("mlx-js 0.1.0 could not load its native library"),
    });
  });

  test("that ends fails what it ran, and another begins with the next task", async () => {
    const { client, forked, model } = connect();
    const { task } = await underWay(client);
    process.kill(forked[0]?.pid ?? 0, "SIGKILL");
    expect(await failure(task)).toMatchObject({ code: "ended" });
    expect(model.isAlive).toBe(false);
    await client.run("train", { ...small, steps: 1 });
    expect(forked).toHaveLength(2);
  });

  test("ends by itself in the middle of training, when the app quits", async () => {
    const { client, forked, model } = connect();
    const { task } = await underWay(client);
    const ended = new Promise((resolve) => forked[0]?.on("exit", resolve));
    const kill = vi.spyOn(forked[0] as Forked, "kill");
    const failed = failure(task);
    await model.quit();
    expect(await failed).toMatchObject({ code: "ended", message: "The app is being closed." });
    expect(await ended).toBe(0);
    expect(kill).not.toHaveBeenCalled();
  });

  test("ends by itself when the app has crashed", async () => {
    const file = join(folder, "exit");
    const program = `
      const { utilityProcess } = require("electron");
      const child = utilityProcess.fork("dist/model.js");
      child.on("message", () => console.log(child.pid));
      child.postMessage({ type: "start", id: "1", task: "train", input: ${JSON.stringify(endless)} });`;
    const parent = spawn(process.execPath, ["-e", program], {
      cwd: app,
      env: { ...process.env, OPENBLAS_NUM_THREADS: "1", EXIT_FILE: file },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [pid] = await once(parent.stdout, "data");
    parent.kill("SIGKILL");
    await once(parent, "exit");
    await vi.waitFor(() => expect(() => process.kill(Number.parseInt(pid, 10), 0)).toThrow(), {
      timeout: 20_000,
      interval: 50,
    });
    expect(readFileSync(file, "utf8")).toBe("0");
  });

  test("that does not end by itself is ended", async () => {
    vi.useFakeTimers();
    try {
      let exit = (_code: number) => {};
      const kill = vi.fn(() => {
        exit(1);
        return true;
      });
      const stuck: Child = {
        postMessage: () => {},
        on: (event: string, listener: (value: number) => void) => {
          exit = event === "exit" ? listener : exit;
        },
        kill,
      };
      const replies: Reply[] = [];
      const model = new ModelProcess(
        () => stuck,
        (reply) => replies.push(reply),
      );
      model.send({ type: "start", id: "1", task: "train", input: endless });
      const quit = model.quit();
      await vi.advanceTimersByTimeAsync(4_900);
      expect(kill).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(200);
      await quit;
      expect(kill).toHaveBeenCalledOnce();
      expect(replies).toMatchObject([{ type: "failed", id: "1", error: { code: "ended" } }]);
    } finally {
      vi.useRealTimers();
    }
  });
});

const chromium = process.env["CHROMIUM"];
if (chromium === undefined) {
  console.log("Not tested: the page of examples/electron, as there is no Chromium.");
}

describe.skipIf(sanitized || chromium === undefined)("the app", () => {
  // biome-ignore lint/suspicious/noExplicitAny: playwright-core's, which is installed above
  let browser: any;
  // biome-ignore lint/suspicious/noExplicitAny: the same
  let page: any;
  const errors: string[] = [];
  // What a test keeps from the page: replies from the first of the second model on.
  let held: Reply[] | undefined;
  const isOfSecond = (reply: Reply) =>
    reply.type === "progress" &&
    (reply.progress as Task<"train">["progress"]).positions === "sinusoidal";
  const tell = (reply: Reply) => {
    page.evaluate((reply: Reply) => hear(reply), reply).catch(() => {});
  };

  beforeAll(async () => {
    const playwright = requireTool("playwright-core");
    browser = await playwright.chromium.launch({
      executablePath: chromium,
      args: ["--no-sandbox", "--disable-gpu"],
    });
    // A container without locales has none that Intl takes.
    page = await browser.newPage({ viewport: { width: 960, height: 1000 }, locale: "en-US" });
    // biome-ignore lint/suspicious/noExplicitAny: the same
    page.on("console", (message: any) => {
      if (message.type() === "error") {
        errors.push(message.text());
      }
    });
    page.on("pageerror", (error: Error) => errors.push(error.message));
    const { harness } = electron();
    // Only Electron has schemes of its own.
    const server = "https://page.test";
    // biome-ignore lint/suspicious/noExplicitAny: the same
    await page.route(`${server}/**`, async (route: any) => {
      const url = route.request().url().replace(server, "app://page");
      const reply: Response = await harness.schemes.app(new Request(url));
      await route.fulfill({
        status: reply.status,
        contentType: reply.headers.get("content-type") ?? "",
        body: Buffer.from(await reply.arrayBuffer()),
      });
    });
    harness.children = [];
    harness.show = async (window: { options: { webPreferences: Preferences } }, url: string) => {
      const { preload, contextIsolation, nodeIntegration, sandbox } = window.options.webPreferences;
      expect({ contextIsolation, nodeIntegration, sandbox }).toEqual({
        contextIsolation: true,
        nodeIntegration: false,
        sandbox: true,
      });
      requireApp(preload);
      const bridge: Bridge = harness.exposed.model;
      await page.exposeFunction("send", bridge.send);
      await page.addInitScript(`
        const listeners = [];
        window.model = { send, onReply: (listener) => listeners.push(listener) };
        window.hear = (reply) => listeners.forEach((listener) => listener(reply));`);
      bridge.onReply((reply) => {
        if (held !== undefined && (held.length > 0 || isOfSecond(reply))) {
          held.push(reply);
        } else {
          tell(reply);
        }
      });
      await page.goto(url.replace("app://page", server));
    };
    await import(pathToFileURL(join(app, "dist", "main.js")).href);
    harness.ready();
    await page.waitForSelector("canvas");
  });

  afterAll(async () => {
    const ended = electron().harness.children.map(
      (child: NodeJS.EventEmitter & { exitCode: number | null }) =>
        child.exitCode ?? once(child, "exit"),
    );
    electron().app.quit();
    await Promise.all(ended);
    await browser.close();
  });

  const untilStatus = (expected: RegExp) =>
    vi.waitFor(async () => {
      const alert = await page.textContent("[role=alert]");
      expect(await page.textContent("[role=status]"), alert).toMatch(expected);
    }, 30_000);
  const fill = async (values: Record<string, number>) => {
    for (const [name, value] of Object.entries(values)) {
      await page.fill(`[name=${name}]`, String(value));
    }
  };
  /** How many points of a chart have about the colour. */
  const count = (chart: string, colour: readonly number[]): Promise<number> =>
    page.evaluate(`{
      const canvas = document.querySelector("#${chart} canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        count += ${JSON.stringify(colour)}.every((x, j) => Math.abs(data[i + j] - x) < 16);
      }
      count;
    }`);
  const blue = [0x00, 0x72, 0xb2];
  const vermillion = [0xd5, 0x5e, 0x00];

  test("shows its page, and serves nothing else", async () => {
    expect(await page.textContent("h1")).toBe("Train short, test long");
    expect(await page.textContent("[role=tab][aria-selected=true]")).toBe("Positions");
    const { harness } = electron();
    expect(harness.privileged).toMatchObject([{ scheme: "app" }]);
    const outside = await harness.schemes.app(new Request("app://page/..%2fmodel.js"));
    expect(outside.status).toBe(404);
    expect(await count("loss", blue)).toBe(0);
  });

  test("begins no process for messages that are no requests, or not the page's", () => {
    const { harness, ipcRenderer } = electron();
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    ipcRenderer.send("model:request", { type: "quit" });
    expect(log).toHaveBeenCalledOnce();
    const start = { type: "start", id: "1", task: "train", input: small };
    ipcRenderer.send("model:request", start, "https://elsewhere.test");
    log.mockRestore();
    expect(harness.children).toHaveLength(0);
  });

  test("draws while the models train, and what they read", async () => {
    await fill({ ...small, steps: 12 });
    // Else the second model might have begun before the page is looked at.
    held = [];
    await page.click("[type=submit]");
    await vi.waitFor(async () => expect(await count("loss", blue)).toBeGreaterThan(20), 20_000);
    expect(await count("loss", vermillion)).toBe(0);
    await untilStatus(/^With ALiBi: (step \d+ of 12, loss [34]\.\d{3}|read )/);
    held.forEach(tell);
    held = undefined;
    await untilStatus(/^Done in \d+ s, on the [CG]PU\.$/);
    await vi.waitFor(async () => {
      for (const chart of ["loss", "perplexity"]) {
        expect(await count(chart, blue), chart).toBeGreaterThan(100);
        expect(await count(chart, vermillion), chart).toBeGreaterThan(100);
      }
    }, 20_000);
    expect(await page.textContent("#perplexity .u-legend")).toMatch(/ALiBi.*sinusoidal/s);
  });

  test("stops, and says what was wrong", async () => {
    await fill(endless);
    await page.click("[type=submit]");
    await untilStatus(/step/);
    expect(await page.isDisabled("[type=submit]")).toBe(true);
    await page.click("[type=button]");
    await untilStatus(/^Stopped\.$/);
    expect(await page.isVisible("[role=alert]")).toBe(false);
    // The page's own checks off, as if they were forgotten.
    await page.evaluate('document.querySelector("form").noValidate = true');
    await fill({ length: 7 });
    await page.click("[type=submit]");
    await page.waitForSelector("[role=alert]:not([hidden])");
    expect(await page.textContent("[role=alert]")).toMatch(/^length: /);
    expect(await page.isDisabled("[type=submit]")).toBe(false);
  });

  test("chats: an answer comes, another is stopped, and a conversation begins anew", async () => {
    await page.click("[role=tab]:text('Chat')");
    const panel = "section[aria-label=Chat]";
    const status = (expected: RegExp) =>
      vi.waitFor(
        async () => expect(await page.textContent(`${panel} [role=status]`)).toMatch(expected),
        { timeout: 60_000, interval: 20 },
      );
    const say = async (message: string) => {
      await page.fill(`${panel} [name=message]`, message);
      await page.click(`${panel} [type=submit]`);
    };
    const said = () =>
      page.evaluate(
        `Array.from(document.querySelectorAll("${panel} [role=log] p"), (p) => p.textContent)`,
      );
    await page.fill(`${panel} [name=model]`, join(folder, "nowhere.gguf"));
    await say("What is the capital of France?");
    await page.waitForSelector(`${panel} [role=alert]:not([hidden])`);
    expect(await page.textContent(`${panel} [role=alert]`)).toContain("nowhere.gguf");
    expect(await said()).toEqual([]);
    expect(await page.inputValue(`${panel} [name=message]`)).toBe("What is the capital of France?");

    await page.fill(`${panel} [name=model]`, models().smollm2);
    await page.click(`${panel} [type=submit]`);
    await status(/^\d+ tokens, [\d.]+ a second\.$/);
    expect(await page.isVisible(`${panel} [role=alert]`)).toBe(false);
    const answered = ["What is the capital of France?", "The capital of France is Paris."];
    expect(await said()).toEqual(answered);

    await say("Tell me a long story.");
    await status(/^Answering/);
    expect(await page.isDisabled(`${panel} [type=submit]`)).toBe(true);
    await page.click(`${panel} [name=stop]`);
    await status(/^Stopped\.$/);
    const stopped: string[] = await said();
    expect(stopped.slice(0, 3)).toEqual([...answered, "Tell me a long story."]);
    expect(stopped[3]).not.toBe("");

    await page.click(`${panel} [name=reset]`);
    expect(await said()).toEqual([]);
    await say("What is the capital of France?");
    await status(/^\d+ tokens/);
    expect(await said()).toEqual(answered);
    await page.click("[role=tab]:text('Positions')");
  });

  // MLX_JS_PICTURES=1 npx vitest run test/examples/electron.test.ts makes the README's.
  test.runIf(process.env["MLX_JS_PICTURES"])(
    "has its picture taken",
    { timeout: 900_000 },
    async () => {
      const panel = "section[aria-label=Chat]";
      const size = { width: 760, height: 1060 };
      const view = page.viewportSize();
      await page.setViewportSize(size);
      await page.reload();
      await page.waitForSelector("canvas");
      await page.click("[type=submit]");
      await vi.waitFor(
        async () => expect(await page.textContent("[role=status]")).toMatch(/^Done/),
        { timeout: 800_000, interval: 1000 },
      );
      const training: Buffer = await page.screenshot();

      await page.click("[role=tab]:text('Chat')");
      await page.fill(`${panel} [name=model]`, models().smollm2);
      for (const message of ["What is the capital of France?", "And of Italy?"]) {
        await page.fill(`${panel} [name=message]`, message);
        await page.click(`${panel} [type=submit]`);
        await page.waitForSelector(`${panel} [type=submit]:disabled`);
        await page.waitForSelector(`${panel} [type=submit]:enabled`, { timeout: 60_000 });
      }
      // Not the folder of this machine.
      await page.fill(`${panel} [name=model]`, "models/SmolLM2-135M-Instruct");
      const chat: Buffer = await page.screenshot();
      await page.click("[role=tab]:text('Positions')");
      await page.setViewportSize(view);

      const edge = { top: 1, bottom: 1, left: 1, right: 1, background: "#d0d7de" };
      const [left, right] = await Promise.all(
        [training, chat].map((picture) => sharp(picture).extend(edge).toBuffer()),
      );
      const gap = 24;
      await sharp({
        create: {
          width: 2 * (size.width + 2) + gap,
          height: size.height + 2,
          channels: 3,
          background: "#fff",
        },
      })
        .composite([
          { input: left as Buffer, left: 0, top: 0 },
          { input: right as Buffer, left: size.width + 2 + gap, top: 0 },
        ])
        .png({ palette: true })
        .toFile(join(example, "app.png"));
    },
  );

  test("its texts can be read", async () => {
    // Contrast as WCAG has it, of each text against what is behind it.
    const worst = await page.evaluate(`{
      const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
        .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (element) => {
        const colour = parts(getComputedStyle(element).backgroundColor);
        return colour[3] === 0 && element.parentElement ? behind(element.parentElement)
          : colour[3] === 0 ? [255, 255, 255] : colour;
      };
      Math.min(...[...document.querySelectorAll("h1, h2, p, label, pre, [role=tab], th")].map((x) => {
        const [a, b] = [light(parts(getComputedStyle(x).color)), light(behind(x))];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      }));
    }`);
    expect(worst).toBeGreaterThan(4.5);
    const cut = await page.evaluate("document.documentElement.scrollWidth > innerWidth");
    expect(cut).toBe(false);
  });

  test("what a page asked for stops when another takes its place", async () => {
    const { harness } = electron();
    await fill({ ...endless });
    await page.click("[type=submit]");
    await untilStatus(/step/);
    const before = harness.children.length;
    harness.windows[0].webContents.emit("did-navigate");
    await page.reload();
    await page.waitForSelector("canvas");
    await fill({ ...small, steps: 1 });
    await page.click("[type=submit]");
    await untilStatus(/^Done/);
    expect(harness.children).toHaveLength(before);
  });

  test("ends its model's process when it quits, and has logged no error", async () => {
    const { app, harness } = electron();
    const child = harness.children.at(-1);
    const exit = once(child, "exit");
    app.quit();
    expect(harness.hasQuit).toBe(false);
    expect(await exit).toEqual([0, null]);
    await vi.waitFor(() => expect(harness.hasQuit).toBe(true), 20_000);
    expect(errors).toEqual([]);
  });
});

interface Preferences {
  preload: string;
  contextIsolation: boolean;
  nodeIntegration: boolean;
  sandbox: boolean;
}

/** In the page. */
declare function hear(reply: Reply): void;
