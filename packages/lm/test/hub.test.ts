import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mx } from "mlx-js";
import { type LoadProgress, loadModel } from "mlx-js-lm";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { foreignController } from "../../../test/support/foreign-signal.js";
import { configs, distanceOf, weightsOf } from "./support/golden.js";

const sha = "0123456789abcdef0123456789abcdef01234567";
const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-hub-"));

function safetensors(): Buffer {
  const file = join(folder, "weights.safetensors");
  mx.saveSafetensors(file, weightsOf("llama"));
  return readFileSync(file);
}

/** The files of a repository; those that are large are named by another hash. */
const files: Record<string, Buffer> = {
  "config.json": Buffer.from(JSON.stringify(configs["llama"])),
  "model.safetensors": safetensors(),
  "README.md": Buffer.from("not needed"),
  "pytorch_model.bin": Buffer.from("not needed"),
  "consolidated.safetensors": Buffer.from("the same again"),
  "other/model.gguf": Buffer.from("no GGUF file"),
};

const requests: string[] = [];
/** What a test changes about the answers. */
let served: (path: string) => Buffer | "cut" | undefined = (path) => files[path];

function digest(path: string, content: Buffer): object {
  const size = content.length;
  const oid = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
  const lfs = { oid: createHash("sha256").update(content).digest("hex"), size, pointerSize: 130 };
  return { type: "file", path, size, oid, ...(path.endsWith(".json") ? {} : { lfs }) };
}

// As the Hub answers, as far as it is asked.
const server = createServer(({ url = "", headers }, response) => {
  requests.push(url);
  const json = (status: number, value: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (url.startsWith("/api/models/some/model/revision/main?")) {
    json(200, { _id: "1", id: "some/model", sha, lastModified: "2026-01-01T00:00:00Z" });
  } else if (url.startsWith(`/api/models/some/model/tree/${sha}?`)) {
    const listed = Object.entries(files).map(([path, content]) => digest(path, content));
    json(200, [...listed, { type: "directory", path: "other", size: 0, oid: "" }]);
  } else if (url.startsWith(`/some/model/resolve/${sha}/`)) {
    const content = served(url.slice(`/some/model/resolve/${sha}/`.length));
    const [, start = "0", end] = /bytes=(\d+)-(\d*)/.exec(headers.range ?? "") ?? [];
    if (content === "cut" && end === "0") {
      response.writeHead(206, { etag: '"a"', "content-range": "bytes 0-0/4000" }).end("a");
    } else if (content === "cut" || content === undefined) {
      response.writeHead(200, { "content-length": "4000" }).write("some");
      setTimeout(() => response.destroy(), 20);
    } else {
      const part = content.subarray(Number(start), end ? Number(end) + 1 : content.length);
      const range = `bytes ${start}-${Number(start) + part.length - 1}/${content.length}`;
      response.writeHead(206, { etag: '"a"', "content-range": range }).end(part);
    }
  } else {
    json(404, { error: "Repository not found" });
  }
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(folder, "cache-"));
  requests.length = 0;
  served = (path) => files[path];
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_ENDPOINT", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  vi.stubEnv("HF_TOKEN", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const store = () => join(cache, "models--some--model");
const leftovers = () => readdirSync(join(store(), "blobs")).filter((x) => x.includes("incomplete"));
const saying = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message),
});

test("a name is fetched once, what is needed of it, and then read without a network", async () => {
  const seen: LoadProgress[] = [];
  const onProgress = (progress: LoadProgress) => seen.push(progress);
  const { model } = await loadModel("some/model", { onProgress });
  expect(distanceOf(model, "llama", "float32")).toBeLessThan(1e-5);
  const snapshot = join(store(), "snapshots", sha);
  expect(readdirSync(snapshot).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(readFileSync(join(store(), "refs", "main"), "utf8")).toBe(sha);
  expect(readdirSync(join(store(), "blobs")).map((name) => name.length)).toEqual(
    expect.arrayContaining([40, 64]),
  );
  expect(leftovers()).toEqual([]);
  const came = seen.filter(({ stage }) => stage === "download");
  const bytes = ["config.json", "model.safetensors"].map((name) => files[name]?.length ?? 0);
  expect(came.at(-1)).toEqual({
    stage: "download",
    loaded: (bytes[0] ?? 0) + (bytes[1] ?? 0),
    total: (bytes[0] ?? 0) + (bytes[1] ?? 0),
  });
  expect(seen.at(-1)?.stage).toBe("read");
  model.dispose();

  requests.length = 0;
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  const again = await loadModel("some/model");
  again.model.dispose();
  expect(requests).toEqual([]);
});

test("what came already is not fetched again after a cut, which leaves nothing half", async () => {
  served = (path) => (path === "model.safetensors" ? "cut" : files[path]);
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying(
      "ERR_MLX_LM_HUB",
      /^some\/model: it is not whole in the cache, .*connect to the network/,
    ),
  );
  expect(leftovers()).toEqual([]);
  expect(existsSync(join(store(), "refs"))).toBe(false);
  served = (path) => files[path];
  requests.length = 0;
  (await loadModel("some/model")).model.dispose();
  expect(requests.filter((url) => url.includes("/resolve/") && url.includes("config"))).toEqual([]);
});

test("other bytes than the hash says are refused, and not kept", async () => {
  served = (path) => files[path]?.map((byte) => byte ^ 1) as Buffer | undefined;
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying("ERR_MLX_LM_HUB", /what came of config\.json is not what its hash says/),
  );
  expect(readdirSync(join(store(), "blobs"))).toEqual([]);
});

/** Aborts a download in the midst of its files: it ends with the reason, and leaves nothing half. */
async function abortDownload(controller: Pick<AbortController, "abort" | "signal">) {
  const reason = new Error("enough");
  const onProgress = ({ loaded }: LoadProgress) => {
    if (loaded > (files["config.json"]?.length ?? 0)) {
      controller.abort(reason);
    }
  };
  const loading = loadModel("some/model", { signal: controller.signal, onProgress });
  await expect(loading).rejects.toBe(reason);
  expect(leftovers()).toEqual([]);
}

test("an abort ends a download, and leaves nothing half", async () => {
  await abortDownload(new AbortController());
  expect(existsSync(join(store(), "refs"))).toBe(false);
});

test("an error of the caller's function comes out as it is", async () => {
  for (const error of [new TypeError("mine", { cause: "another" }), "mine", undefined]) {
    const onProgress = () => {
      throw error;
    };
    await expect(loadModel("some/model", { onProgress })).rejects.toBe(error);
    expect(leftovers()).toEqual([]);
  }
});

test("a signal of another realm ends a download", async () => {
  const { controller, listeners } = foreignController();
  await abortDownload(controller);
  expect(listeners()).toBe(0);
});

test("a cache that cannot be written, or read", async () => {
  const file = join(cache, "a file");
  writeFileSync(file, "");
  vi.stubEnv("HF_HUB_CACHE", file);
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying(
      "ERR_MLX_LM_HUB",
      /^some\/model cannot be stored in the cache, .*a file: E\w+: .*set HF_HUB_CACHE to a folder/,
    ),
  );
  vi.stubEnv("HF_HUB_CACHE", cache);
  mkdirSync(join(store(), "refs", "main"), { recursive: true });
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying("ERR_MLX_LM_MODEL", /refs.main cannot be read: EISDIR/),
  );
});

test("errors say what to do", async () => {
  await expect(loadModel("some/other")).rejects.toMatchObject(
    saying(
      "ERR_MLX_LM_HUB",
      /no such folder here, and no such model.*check the name, or set HF_TOKEN/,
    ),
  );
  await expect(loadModel("some/model/none.gguf")).rejects.toMatchObject(
    saying(
      "ERR_MLX_LM_HUB",
      /has no file none\.gguf\. It has these: some\/model\/other\/model\.gguf/,
    ),
  );
  // One GGUF file alone, which is none.
  await expect(loadModel("some/model/other/model.gguf")).rejects.toThrow(/gguf/i);
  expect(readdirSync(join(store(), "snapshots", sha))).toEqual(["other"]);
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying("ERR_MLX_LM_HUB", /not whole in the cache.*HF_HUB_OFFLINE is set/),
  );
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  // Where nobody listens.
  vi.stubEnv("HF_ENDPOINT", "http://127.0.0.1:9");
  await expect(loadModel("some/model")).rejects.toMatchObject(
    saying("ERR_MLX_LM_HUB", /not whole in the cache.*or give the path of a folder/),
  );
  for (const path of ["/none/here", "./none/here", "none", "a/b/c", "../a/b.gguf"]) {
    await expect(loadModel(path)).rejects.toMatchObject(
      saying("ERR_MLX_LM_MODEL", /pathOrName: there is no folder or GGUF file/),
    );
  }
});
