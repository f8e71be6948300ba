// Where files are, and what they are in place of what is expected.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { mx } from "mlx-js";
import {
  Embedder,
  KVCache,
  load,
  loadModel,
  loadPromptCache,
  savePromptCache,
  Tokenizer,
} from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { live } from "../../../test/support/live.js";
import { configs, weightsOf } from "./support/golden.js";

const folder = mkdtempSync(join(tmpdir(), "mlx-js-lm-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A checkpoint of a small Llama. */
const good = join(folder, "a model, 模型 ü %20#?");
mkdirSync(good);
writeFileSync(join(good, "config.json"), JSON.stringify(configs["llama"]));
const tokenizer = { model: { type: "BPE", vocab: { a: 0, b: 1 }, merges: [] } };
writeFileSync(join(good, "tokenizer.json"), JSON.stringify(tokenizer));
const weights = weightsOf("llama");
mx.saveSafetensors(join(good, "model.safetensors"), weights);
mx.dispose(weights);

/** A copy of it, in which something is another way. */
function changed(name: string, change: (path: string) => void): string {
  const path = join(folder, name);
  cpSync(good, path, { recursive: true });
  change(path);
  return path;
}

function folderFor(name: string): (path: string) => void {
  return (path) => {
    rmSync(join(path, name), { force: true });
    mkdirSync(join(path, name));
  };
}

const said = (promise: Promise<unknown>) =>
  promise.catch(({ code, message }) => ({ code, message }));

test("paths of any characters, and URLs", async () => {
  const url = pathToFileURL(good);
  for (const path of [good, `${good}/`, url, url.href, url.href.replace("file:", "FILE:")]) {
    using loaded = await load(path);
    expect(loaded.tokenizer.encode("ab")).toEqual([0, 1]);
    const { model } = await loadModel(path);
    model.dispose();
    expect((await Tokenizer.load(path)).vocabSize).toBe(2);
  }
});

describe("what is no model is said to be that", () => {
  test.each<[unknown, string, RegExp]>([
    [join(folder, "none"), "MODEL", /there is no folder or GGUF file ".*none"$/],
    [pathToFileURL(join(folder, "none")), "MODEL", /there is no folder or GGUF file ".*none"$/],
    [`${good}\0`, "MODEL", /there is no folder or GGUF file/],
    ["", "MODEL", /there is no folder or GGUF file ""$/],
    ["~/models", "MODEL", new RegExp(`; only a shell takes ~ for a home, such as ${homedir()}$`)],
    [
      "https://a.example/b/c",
      "MODEL",
      /; what is on the Hugging Face Hub is called owner\/name here$/,
    ],
    [
      new URL("https://a.example/b"),
      "INVALID_ARG_TYPE",
      /; as a URL, one of a file, received "https:/,
    ],
    [{ href: 5 }, "INVALID_ARG_TYPE", /pathOrName: expected the path of a folder or of a GGUF/],
  ])("%s", async (path, code, message) => {
    const pattern = expect.stringMatching(message);
    const codes = expect.stringMatching(new RegExp(`^ERR_(MLX_LM_)?${code}$`));
    expect(await said(load(path as never))).toEqual({ code: codes, message: pattern });
    expect(await said(Embedder.load(path as never))).toEqual({ code: codes, message: pattern });
  });

  test.runIf(process.platform !== "win32")("a link that leads to itself", async () => {
    const link = join(folder, "loop");
    symlinkSync("loop", link);
    expect(await said(load(link))).toEqual({
      code: "ERR_MLX_LM_MODEL",
      message: expect.stringMatching(/loop cannot be read: ELOOP/),
    });
  });

  test("a file where a folder is needed", async () => {
    const file = join(good, "config.json");
    await expect(Embedder.load(file)).rejects.toThrow(/received .*config\.json, which is a file$/);
    await expect(load(file)).rejects.toThrow(/config\.json is no GGUF file/);
  });

  test.each([
    ["config.json", /config\.json cannot be read: EISDIR/],
    ["tokenizer.json", /tokenizer\.json cannot be read: EISDIR/],
    ["tokenizer_config.json", /tokenizer_config\.json cannot be read: EISDIR/],
    ["model.safetensors.index.json", /index\.json cannot be read: EISDIR/],
    // Not one to be downloaded again.
    ["model.safetensors", /model\.safetensors cannot be read: \[load\] .* received a folder/],
  ])("a folder in the place of %s", async (name, message) => {
    const before = live();
    const path = changed(`folder for ${name}`, folderFor(name));
    expect(await said(load(path))).toEqual({
      code: "ERR_MLX_LM_MODEL",
      message: expect.stringMatching(message),
    });
    expect(live()).toBeLessThanOrEqual(before);
  });
});

test.each(["truncated", "replaced", "removed"])(
  "weights that are %s during a load",
  async (how) => {
    const path = changed(how, () => {});
    const file = join(path, "model.safetensors");
    const before = live();
    const onProgress = () => {
      if (how === "truncated") {
        truncateSync(file, 20_000);
      } else if (how === "replaced") {
        writeFileSync(file, "another file");
      } else {
        rmSync(file, { force: true });
      }
    };
    const loading = loadModel(path, { onProgress });
    if (how === "removed") {
      // It is open, and its content is there until it is closed.
      (await loading).model.dispose();
    } else {
      expect((await said(loading)) as object).toMatchObject({
        message: expect.stringMatching(/expected the file as it was when it was loaded/),
      });
    }
    expect(live()).toBeLessThanOrEqual(before);
  },
);

describe("prompt caches", () => {
  const file = join(folder, "cache.safetensors");
  const keys = mx.ones([1, 1, 2, 4]);

  test("of which there are none, or with texts that are none", () => {
    using cache = new KVCache();
    cache.update(keys, keys);
    expect(() => savePromptCache(file, [])).toThrow(/caches: expected at least one/);
    for (const metadata of [null, 5, { a: 5 }]) {
      expect(() => savePromptCache(file, [cache], metadata as never)).toThrow(
        /^\[savePromptCache\] metadata: expected a record of texts, received/,
      );
    }
  });

  test("where there is no place for them, or another file", () => {
    using cache = new KVCache();
    cache.update(keys, keys);
    const nowhere = join(folder, "none", "cache.safetensors");
    const missing = expect.objectContaining({ code: "ENOENT", path: nowhere });
    expect(() => savePromptCache(nowhere, [cache])).toThrow(missing);
    expect(() => loadPromptCache(nowhere)).toThrow(missing);
    const other = expect.objectContaining({
      code: "ERR_MLX_LM_CACHE",
      message: expect.stringMatching(
        /^\[loadPromptCache\] file: expected a prompt cache, received/,
      ),
    });
    for (const path of [join(good, "config.json"), join(good, "model.safetensors"), good]) {
      expect(() => loadPromptCache(path)).toThrow(other);
    }
  });
});
