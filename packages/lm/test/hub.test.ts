import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
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
/** What requests said of who makes them, by the place that they came to. */
const tokens: Record<"hub" | "store", Set<string | undefined>> = {
  hub: new Set(),
  store: new Set(),
};
/** Who may read the files; by default everyone. */
let reader: string | undefined;
/** What a test changes about the answers. */
let served: (path: string) => Buffer | "cut" | "halves" | undefined = (path) => files[path];

function digest(path: string, content: Buffer): object {
  const size = content.length;
  const oid = createHash("sha1").update(`blob ${size}\0`).update(content).digest("hex");
  const lfs = { oid: createHash("sha256").update(content).digest("hex"), size, pointerSize: 130 };
  return { type: "file", path, size, oid, ...(path.endsWith(".json") ? {} : { lfs }) };
}

type Answer = ServerResponse<IncomingMessage>;

function sendJson(response: Answer, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** Sends the part of a file that is asked for, or what a test has in its place. */
function sendFile({ headers: { range } }: IncomingMessage, response: Answer, path: string): void {
  const given = served(path);
  const [, from = "0", to] = /bytes=(\d+)-(\d*)/.exec(range ?? "") ?? [];
  if (given === "cut" && to === "0") {
    response.writeHead(206, { etag: '"a"', "content-range": "bytes 0-0/4000" }).end("a");
    return;
  }
  if (given === "cut" || given === undefined) {
    response.writeHead(200, { "content-length": "4000" }).write("some");
    setTimeout(() => response.destroy(), 20);
    return;
  }
  const content = given === "halves" ? (files[path] as Buffer) : given;
  const [start, end] = [
    Number(from),
    to ? Math.min(Number(to) + 1, content.length) : content.length,
  ];
  const part = content.subarray(start, end);
  response.writeHead(range === undefined ? 200 : 206, {
    etag: '"a"',
    "content-length": part.length,
    ...(range === undefined
      ? {}
      : { "content-range": `bytes ${start}-${end - 1}/${content.length}` }),
  });
  if (given === "halves" && part.length > 30_000) {
    response.write(part.subarray(0, part.length / 2));
    setTimeout(() => response.destroy(), 20);
  } else {
    response.end(part);
  }
}

// As the Hub answers, as far as it is asked: small files by itself, and large ones by another host.
const server = createServer((request, response) => {
  const { url = "", headers } = request;
  requests.push(url);
  tokens.hub.add(headers.authorization);
  const [, name, rest = ""] = /^\/(?:api\/models\/)?(\w+\/\w+)\/(.*)$/.exec(url) ?? [];
  const [, path] = rest.match(new RegExp(`^resolve/${sha}/(.*)`)) ?? [];
  if (name === "former/name") {
    response.writeHead(307, { location: url.replace(name, "some/model") }).end();
  } else if (name !== "some/model") {
    sendJson(response, 401, { error: "Invalid username or password." });
  } else if (
    /^revision\/(main|v1|refs%2Fpr%2F1|0123456789abcdef0123456789abcdef01234567)\?/.test(rest)
  ) {
    sendJson(response, 200, { _id: "1", id: name, sha, lastModified: "2026-01-01T00:00:00Z" });
  } else if (rest.startsWith("revision/broken?")) {
    response
      .writeHead(200, { "content-type": "text/html" })
      .end("<html>Log in to this network</html>");
  } else if (rest.startsWith(`tree/${sha}?`)) {
    const listed = Object.entries(files).map(([path, content]) => digest(path, content));
    sendJson(response, 200, [...listed, { type: "directory", path: "other", size: 0, oid: "" }]);
  } else if (path !== undefined && reader !== undefined && headers.authorization !== reader) {
    const status = headers.authorization === undefined ? 401 : 403;
    sendJson(response, status, { error: "Access to model some/model is restricted" });
  } else if (path?.endsWith(".safetensors")) {
    const { port } = store.address() as AddressInfo;
    response.writeHead(302, { location: `http://localhost:${port}/${path}` }).end();
  } else if (path !== undefined) {
    sendFile(request, response, path);
  } else {
    sendJson(response, 404, { error: "Revision not found" });
  }
});

const store = createServer((request, response) => {
  tokens.store.add(request.headers.authorization);
  sendFile(request, response, (request.url ?? "").slice(1));
});

beforeAll(async () => {
  for (const each of [server, store]) {
    await new Promise<void>((resolve) => each.listen(0, "localhost", resolve));
  }
});
afterAll(() => {
  server.close();
  store.close();
  rmSync(folder, { recursive: true });
});

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(folder, "cache-"));
  requests.length = 0;
  served = (path) => files[path];
  reader = undefined;
  tokens.hub.clear();
  tokens.store.clear();
  vi.stubEnv("HF_HOME", join(cache, "home"));
  vi.stubEnv("HF_HUB_CACHE", cache);
  vi.stubEnv("HF_ENDPOINT", `http://localhost:${(server.address() as AddressInfo).port}`);
  vi.stubEnv("HF_HUB_OFFLINE", undefined);
  vi.stubEnv("HF_TOKEN", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const inCache = () => join(cache, "models--some--model");
const leftovers = () =>
  readdirSync(join(inCache(), "blobs")).filter((x) => x.includes("incomplete"));
const saying = (code: string, message: RegExp) => ({
  code,
  message: expect.stringMatching(message),
});

test("a name is fetched once, what is needed of it, and then read without a network", async () => {
  const seen: LoadProgress[] = [];
  const onProgress = (progress: LoadProgress) => seen.push(progress);
  const { model } = await loadModel("some/model", { onProgress });
  expect(distanceOf(model, "llama", "float32")).toBeLessThan(1e-5);
  const snapshot = join(inCache(), "snapshots", sha);
  expect(readdirSync(snapshot).sort()).toEqual(["config.json", "model.safetensors"]);
  expect(readFileSync(join(inCache(), "refs", "main"), "utf8")).toBe(sha);
  expect(readdirSync(join(inCache(), "blobs")).map((name) => name.length)).toEqual(
    expect.arrayContaining([40, 64]),
  );
  expect(leftovers()).toEqual([]);
  const came = seen.filter(({ stage }) => stage === "download");
  expect(new Set(came.map(({ total }) => total)).size).toBe(1);
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

test("a file goes on where the connection was cut", async () => {
  served = (path) => (path === "model.safetensors" ? "halves" : files[path]);
  const seen: LoadProgress[] = [];
  const { model } = await loadModel("some/model", { onProgress: (each) => seen.push(each) });
  expect(distanceOf(model, "llama", "float32")).toBeLessThan(1e-5);
  const { loaded, total } = seen.filter(({ stage }) => stage === "download").at(-1) as LoadProgress;
  expect(loaded).toBe(total);
  model.dispose();
});

test("a version is fetched by its branch, its tag or its commit, under a name that was changed", async () => {
  for (const revision of ["v1", "refs/pr/1"]) {
    (await loadModel("some/model", { revision })).model.dispose();
    expect(readFileSync(join(inCache(), "refs", revision), "utf8")).toBe(sha);
  }
  requests.length = 0;
  (await loadModel("some/model", { revision: sha })).model.dispose();
  expect(requests).toEqual([]);
  expect(readdirSync(join(inCache(), "refs")).sort()).toEqual(["refs", "v1"]);
  const refused = saying("ERR_MLX_LM_HUB", /or revision of it.*Revision not found/);
  await expect(loadModel("some/model", { revision: "v2" })).rejects.toMatchObject(refused);
  (await loadModel("former/name")).model.dispose();
  for (const revision of ["", "..", "a/../b", "/a", "a b", "a\\b"]) {
    await expect(loadModel("some/model", { revision })).rejects.toMatchObject(
      saying("ERR_OUT_OF_RANGE", /revision: expected a branch, a tag or the hash of a commit/),
    );
  }
  await expect(loadModel(folder, { revision: "v1" })).rejects.toMatchObject(
    saying("ERR_INVALID_ARG_TYPE", /revision: expected nothing beside a path, .* received "v1"/),
  );
});

test("a cache that Python's huggingface_hub wrote is read", async () => {
  // As version 2.4.0 writes it.
  const snapshot = join(inCache(), "snapshots", sha);
  const names = ["config.json", "model.safetensors"];
  for (const path of [snapshot, join(inCache(), "blobs"), join(inCache(), "refs")]) {
    mkdirSync(path, { recursive: true });
  }
  for (const name of names) {
    const content = files[name] as Buffer;
    const { oid, lfs } = digest(name, content) as { oid: string; lfs?: { oid: string } };
    const blob = lfs?.oid ?? oid;
    writeFileSync(join(inCache(), "blobs", blob), content);
    symlinkSync(join("..", "..", "blobs", blob), join(snapshot, name));
  }
  writeFileSync(join(inCache(), "refs", "main"), sha);
  (await loadModel("some/model")).model.dispose();
  expect(requests).toEqual([]);
  // Of another version there is the content already.
  rmSync(join(inCache(), "snapshots"), { recursive: true });
  (await loadModel("some/model")).model.dispose();
  expect(requests.filter((url) => url.includes("/resolve/"))).toEqual([]);
});

test("files that not everyone may read", async () => {
  reader = "Bearer hf_mine";
  const load = async () => (await loadModel("some/model")).model.dispose();
  const refused = (message: RegExp) => saying("ERR_MLX_LM_HUB", message);
  await expect(load()).rejects.toMatchObject(refused(/or set HF_TOKEN.*is restricted/));
  vi.stubEnv("HF_TOKEN", "hf_another");
  await expect(load()).rejects.toMatchObject(
    refused(
      /for those alone who were given access: ask for it at http.*some\/model, and set HF_TOK/,
    ),
  );
  vi.stubEnv("HF_TOKEN", "none");
  await expect(load()).rejects.toMatchObject(
    refused(/cannot be fetched\. .*must start with 'hf_'/),
  );
  // As `hf auth login` leaves it.
  vi.stubEnv("HF_TOKEN", undefined);
  mkdirSync(join(cache, "home"));
  writeFileSync(join(cache, "home", "token"), "hf_mine\n");
  vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
  await expect(load()).rejects.toMatchObject(refused(/is restricted/));
  vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", undefined);
  tokens.hub.clear();
  await load();
  expect(tokens).toEqual({ hub: new Set([reader]), store: new Set([undefined]) });
});

test("a network that answers for the Hub", async () => {
  await expect(loadModel("some/model", { revision: "broken" })).rejects.toMatchObject(
    saying(
      "ERR_MLX_LM_HUB",
      /^some\/model: it is not whole in the cache, .* cannot be fetched\. .*JSON/,
    ),
  );
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
  expect(existsSync(join(inCache(), "refs"))).toBe(false);
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
  expect(readdirSync(join(inCache(), "blobs"))).toEqual([]);
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
  expect(existsSync(join(inCache(), "refs"))).toBe(false);
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
  mkdirSync(join(inCache(), "refs", "main"), { recursive: true });
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
  expect(readdirSync(join(inCache(), "snapshots", sha))).toEqual(["other"]);
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
