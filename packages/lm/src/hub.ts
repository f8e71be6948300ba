// Models by their names on the Hugging Face Hub, in the cache that its other programs use.
import { createHash, type Hash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, open, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import type { ListFileEntry } from "@huggingface/hub";
import { mismatch } from "mlx-js/options";
import { failure, isOwn, reasonOf } from "./errors.js";
import { type FileUrl, indexName, isThere, pathOf, readText, weightFiles } from "./folder.js";
import { stopIfAborted } from "./options.js";
import type { LoadOptions } from "./weights.js";

/** What a folder of a model has beside its weights, as far as anything here reads it. */
const wanted = new Set([
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "chat_template.json",
  "modules.json",
  "sentence_bert_config.json",
  "1_Pooling/config.json",
  indexName,
]);

/** `owner/name`, the GGUF file in it, and its version. */
interface Name {
  repo: string;
  file: string | undefined;
  revision: string;
}

function nameOf(text: string, revision = "main"): Name | undefined {
  const match = /^(\w[\w.-]*\/\w[\w.-]*)(?:\/((?:\w[\w.-]*\/)*\w[\w.-]*\.gguf))?$/.exec(text);
  return match?.[1] === undefined ? undefined : { repo: match[1], file: match[2], revision };
}

/** Where the programs for Python have what is theirs. */
function home({ HF_HOME, XDG_CACHE_HOME }: NodeJS.ProcessEnv = process.env): string {
  return HF_HOME ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "huggingface");
}

/** As the programs for Python find it. */
function cacheFolder(): string {
  const { HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE } = process.env;
  return HF_HUB_CACHE ?? HUGGINGFACE_HUB_CACHE ?? join(home(), "hub");
}

/** The token that is set, or that of `hf auth login`. */
function accessToken(): string | undefined {
  const { HF_TOKEN, HF_TOKEN_PATH, HF_HUB_DISABLE_IMPLICIT_TOKEN = "" } = process.env;
  const stored = isOn(HF_HUB_DISABLE_IMPLICIT_TOKEN)
    ? undefined
    : (HF_TOKEN_PATH ?? join(home(), "token"));
  const token = HF_TOKEN || (stored && readText(dirname(stored), basename(stored)));
  return token?.trim() || undefined;
}

/** Whether a variable is set, as the programs for Python read it. */
function isOn(variable: string): boolean {
  return /^(1|true|yes|on)$/i.test(variable);
}

const isCommit = /^[0-9a-f]{40}$/;

function storeOf({ repo }: Name): string {
  return join(cacheFolder(), `models--${repo.replace("/", "--")}`);
}

/** The folder or the file in the cache, if it is whole. */
function cached(name: Name, fn: string): string | undefined {
  const commit = isCommit.test(name.revision)
    ? name.revision
    : readText(join(storeOf(name), "refs"), name.revision);
  if (commit === undefined) {
    return undefined;
  }
  const folder = join(storeOf(name), "snapshots", commit.trim());
  const has = (file: string) => existsSync(join(folder, file));
  if (name.file !== undefined) {
    return has(name.file) ? join(folder, name.file) : undefined;
  }
  const needed = fn === "loadModel" ? ["config.json"] : ["config.json", "tokenizer.json"];
  if (!needed.every(has)) {
    return undefined;
  }
  const weights = weightFiles(folder);
  return weights.length > 0 && weights.every(has) ? folder : undefined;
}

/** What git and its store of large files name a content by. */
function digestOf({ lfs, size }: ListFileEntry): Hash {
  return lfs === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
}

async function importHub(name: Name): Promise<typeof import("@huggingface/hub")> {
  try {
    return await import("@huggingface/hub");
  } catch (error) {
    throw failure(
      "ERR_MLX_LM_HUB",
      `${name.repo} is fetched with @huggingface/hub, which cannot be loaded: npm install @huggingface/hub`,
      error,
    );
  }
}

/** How often a file goes on after the connection was cut. */
const mostCuts = 8;

/** What a callback has thrown, which says nothing about a download. */
class FromCallback extends Error {}

/** A snapshot of a repository, into which files are fetched. */
class Download {
  readonly #hub: typeof import("@huggingface/hub");
  readonly #name: Name;
  readonly #onProgress: LoadOptions["onProgress"];
  readonly #signal: AbortSignal;
  readonly #request: { fetch: typeof fetch; hubUrl?: string; accessToken?: string };
  #commit = "";
  #loaded = 0;
  #total = 0;

  constructor(
    hub: typeof import("@huggingface/hub"),
    name: Name,
    onProgress: LoadOptions["onProgress"],
    signal: AbortSignal,
  ) {
    const { HF_ENDPOINT: hubUrl } = process.env;
    const token = accessToken();
    this.#hub = hub;
    this.#name = name;
    this.#onProgress = onProgress;
    this.#signal = signal;
    this.#request = {
      fetch: (input, init) => fetch(input, { ...init, signal }),
      ...(hubUrl ? { hubUrl } : {}),
      ...(token === undefined ? {} : { accessToken: token }),
    };
  }

  get #folder(): string {
    return join(storeOf(this.#name), "snapshots", this.#commit);
  }

  /** Fetches what is needed, and returns where it is. */
  async run(): Promise<string> {
    const { repo, file, revision } = this.#name;
    const { sha } = await this.#hub.modelInfo({
      ...this.#request,
      name: repo,
      revision,
      additionalFields: ["sha"],
    });
    if (!isCommit.test(sha)) {
      throw failure("ERR_MLX_LM_HUB", `${repo}: expected the hash of a commit, received ${sha}`);
    }
    this.#commit = sha;
    const entries: ListFileEntry[] = [];
    const place = { ...this.#request, repo, revision: sha };
    for await (const entry of this.#hub.listFiles({ ...place, recursive: true })) {
      // Not what would lie elsewhere.
      if (entry.type === "file" && !/(^|[/\\])(\.\.)?([/\\]|$)/.test(entry.path)) {
        entries.push(entry);
      }
    }
    const names = entries.map(({ path }) => path);
    const these = (chosen: (path: string) => boolean) => entries.filter(({ path }) => chosen(path));
    if (file === undefined) {
      this.#checkFolder(names);
      // First what says which files have the weights, so that all the rest is known when it begins.
      await this.#fetchAll(these((path) => path === indexName));
      const weights = weightFiles(this.#folder, names);
      const needed = new Set([...wanted, ...weights]);
      await this.#fetchAll(these((path) => needed.has(path)));
    } else if (names.includes(file)) {
      await this.#fetchAll(these((path) => path === file));
    } else {
      throw failure("ERR_MLX_LM_HUB", `${repo} has no file ${file}${this.#ggufs(names)}`);
    }
    // Last, so that what was interrupted is not taken for whole.
    if (revision !== sha) {
      const ref = join(storeOf(this.#name), "refs", revision);
      await mkdir(dirname(ref), { recursive: true });
      await writeFile(ref, sha);
    }
    return file === undefined ? this.#folder : join(this.#folder, file);
  }

  #ggufs(names: readonly string[]): string {
    const files = names.filter((name) => name.endsWith(".gguf"));
    const most = 8;
    const shown = files.slice(0, most).map((name) => `${this.#name.repo}/${name}`);
    const more = files.length - most;
    return files.length === 0
      ? ""
      : `. It has these: ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  }

  #checkFolder(names: readonly string[]): void {
    const weights = names.some((name) => /^[^/]*\.safetensors$/.test(name));
    if (!names.includes("config.json") || !weights) {
      throw failure(
        "ERR_MLX_LM_HUB",
        `${this.#name.repo} has no config.json with *.safetensors${this.#ggufs(names)}`,
      );
    }
  }

  async #fetchAll(entries: readonly ListFileEntry[]): Promise<void> {
    const missing = entries.filter(({ path }) => !existsSync(join(this.#folder, path)));
    this.#total += missing.reduce((sum, { size }) => sum + size, 0);
    for (const entry of missing) {
      await this.#fetch(entry);
    }
  }

  #tell(bytes: number): void {
    this.#loaded += bytes;
    try {
      this.#onProgress?.({ stage: "download", loaded: this.#loaded, total: this.#total });
    } catch (error) {
      throw new FromCallback("", { cause: error });
    }
  }

  /** Fetches a file into the cache, where its content has the name of its hash. */
  async #fetch(entry: ListFileEntry): Promise<void> {
    const hash = entry.lfs?.oid ?? entry.oid;
    if (hash === undefined || !/^[0-9a-f]{40,64}$/.test(hash)) {
      throw failure("ERR_MLX_LM_HUB", `${this.#name.repo}: ${entry.path} is listed without a hash`);
    }
    const blob = join(storeOf(this.#name), "blobs", hash);
    await mkdir(dirname(blob), { recursive: true });
    if (existsSync(blob)) {
      this.#tell(entry.size);
    } else {
      await this.#fetchBlob(entry, hash, blob);
    }
    const pointer = join(this.#folder, entry.path);
    await mkdir(dirname(pointer), { recursive: true });
    try {
      await symlink(relative(dirname(pointer), blob), pointer);
    } catch (error) {
      // Windows lets not every user make links; another program may have made this one meanwhile.
      if (!existsSync(pointer)) {
        await copyFile(blob, pointer).catch(() => Promise.reject(error));
      }
    }
  }

  async #fetchBlob(entry: ListFileEntry, hash: string, blob: string): Promise<void> {
    const { repo } = this.#name;
    const place = { ...this.#request, repo, revision: this.#commit, path: entry.path };
    const content = await this.#hub.downloadFile(place);
    if (content === null) {
      throw failure("ERR_MLX_LM_HUB", `${repo} has no ${entry.path}, though it is listed`);
    }
    const digest = digestOf(entry);
    // Programs that fetch the same do not write into one file.
    const incomplete = `${blob}.${randomUUID()}.incomplete`;
    try {
      await this.#write(content, incomplete, digest);
      if (digest.digest("hex") !== hash) {
        throw failure(
          "ERR_MLX_LM_HUB",
          `${repo}: what came of ${entry.path} is not what its hash says: load it again`,
        );
      }
      await rename(incomplete, blob);
    } finally {
      await rm(incomplete, { force: true });
    }
  }

  /** Writes what comes, and goes on where it was after a cut. */
  async #write(content: Blob, file: string, digest: Hash): Promise<void> {
    const output = await open(file, "w");
    try {
      let cuts = 0;
      for (let done = 0, before = -1; done < content.size && done > before; ) {
        before = done;
        try {
          for await (const piece of content.slice(done).stream()) {
            await output.write(piece);
            digest.update(piece);
            done += piece.length;
            this.#tell(piece.length);
          }
        } catch (error) {
          cuts++;
          if (!isCut(error) || this.#signal.aborted || done === before || cuts > mostCuts) {
            throw error;
          }
        }
      }
    } finally {
      await output.close();
    }
  }
}

/** What fetch throws without a network, or where it ends meanwhile, and what the streams of files make of it. */
function isCut(error: unknown): boolean {
  return typeof error === "string" || (error instanceof TypeError && error.cause !== undefined);
}

/** What to do about a download that failed; other errors are left as they are. */
function explained(name: Name, error: unknown): unknown {
  if (error instanceof FromCallback) {
    return error.cause;
  }
  if (error instanceof Error && "syscall" in error) {
    return failure(
      "ERR_MLX_LM_HUB",
      `${name.repo} cannot be stored in the cache, ${cacheFolder()}: ${error.message}. Make room there, or ` +
        "set HF_HUB_CACHE to a folder that may be written",
      error,
    );
  }
  if (isOwn(error)) {
    return error;
  }
  const text = `${name.repo}: ${adviceFor(name, error)}. ${reasonOf(error)}`;
  return failure("ERR_MLX_LM_HUB", text, error);
}

function adviceFor({ repo }: Name, error: unknown): string {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  if (status === 403) {
    const hub = process.env["HF_ENDPOINT"] ?? "https://huggingface.co";
    return `it is for those alone who were given access: ask for it at ${hub}/${repo}, and set HF_TOKEN`;
  }
  if (status === 401 || status === 404) {
    return (
      "there is no such folder here, and no such model, or revision of it, on the Hugging Face Hub, or only for those who " +
      "may read it: check the name, or set HF_TOKEN"
    );
  }
  return isCut(error) ? offline() : notWhole();
}

function notWhole(): string {
  return `it is not whole in the cache, ${cacheFolder()}, and cannot be fetched`;
}

function offline(): string {
  return `${notWhole()}: connect to the network, or give the path of a folder`;
}

/** The path that was given, or that of what has this name on the Hugging Face Hub, which is fetched. */
export async function fetched(
  pathOrName: string | FileUrl,
  fn: string,
  options: LoadOptions,
): Promise<string> {
  const expected = "the path of a folder or of a GGUF file, or owner/name on the Hugging Face Hub";
  const path = pathOf(pathOrName, fn, "pathOrName", expected);
  const { signal, onProgress, revision } = options;
  if (isThere(path)) {
    if (revision !== undefined) {
      throw mismatch(fn, "revision", `nothing beside a path, and ${path} is one`, revision);
    }
    return path;
  }
  const name = nameOf(path, revision);
  if (name === undefined) {
    const hint = path.startsWith("~")
      ? `; only a shell takes ~ for a home, such as ${homedir()}`
      : /^https?:/i.test(path)
        ? "; what is on the Hugging Face Hub is called owner/name here"
        : "";
    throw failure(
      "ERR_MLX_LM_MODEL",
      `[${fn}] pathOrName: there is no folder or GGUF file ${JSON.stringify(path)}${hint}`,
    );
  }
  const found = cached(name, fn);
  if (found !== undefined) {
    return found;
  }
  if (isOn(process.env["HF_HUB_OFFLINE"] ?? "")) {
    throw failure("ERR_MLX_LM_HUB", `${name.repo}: ${offline()}. HF_HUB_OFFLINE is set`);
  }
  const hub = await importHub(name);
  stopIfAborted(signal);
  // fetch asks for a signal of its own realm.
  const ended = new AbortController();
  const end = () => ended.abort(signal?.reason);
  signal?.addEventListener("abort", end);
  try {
    return await new Download(hub, name, onProgress, ended.signal).run();
  } catch (error) {
    stopIfAborted(signal);
    throw explained(name, error);
  } finally {
    signal?.removeEventListener("abort", end);
  }
}
