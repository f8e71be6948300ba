import { Template } from "@huggingface/jinja";
import { Tokenizer as Engine } from "@huggingface/tokenizers";
import type { mx } from "mlx-js";
import {
  asLength,
  asString,
  flag,
  kind,
  kindWhere,
  mismatch,
  optional,
  optionsOf,
  outOfRange,
  signalOption,
  text,
} from "mlx-js/options";
import { StreamingDetokenizer } from "./detokenizer.js";
import { engineOf, unknownKind } from "./engine.js";
import { failure, reasonOf } from "./errors.js";
import { type FileUrl, pathOf, readConfig, readJsonInTurns, readText } from "./folder.js";
import { record } from "./options.js";
import { atOnce, inTurns } from "./turns.js";

/** A parsed JSON file. */
export type Json = Readonly<Record<string, unknown>>;

/** What all turns of a conversation have. */
export interface Turn {
  /** Who speaks: "system", "user", "assistant", "tool". */
  role: string;
  /** What is said. */
  content?: string | null | undefined;
  /** Calls of tools that the assistant asks for. */
  tool_calls?: readonly unknown[] | undefined;
}

/** One turn of a conversation. It may have other fields, which the model's template knows. */
export type Message = Turn | (Turn & { [field: string]: unknown });

/** Options of {@link Tokenizer}. */
export interface TokenizerOptions {
  /**
   * The tokens that end a text: `eos_token_id` of `generation_config.json` or `config.json`. By default the
   * `eos_token` of `tokenizer_config.json`.
   */
  eosTokenIds?: number | readonly number[] | null | undefined;
  /** The template of conversations. By default the one of `tokenizer_config.json`. */
  chatTemplate?: string | null | undefined;
}

/** Options of `Tokenizer.load`. */
export interface TokenizerLoadOptions {
  /** Gives up when it is aborted, with its reason. */
  signal?: mx.Signal | undefined;
}

/** Options of `encode`. */
export interface EncodeOptions {
  /** Whether to add what the model expects at the beginning and the end. By default true. */
  addSpecialTokens?: boolean | undefined;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether to leave out tokens that are no text. By default false. */
  skipSpecialTokens?: boolean | undefined;
}

/** Options of `applyChatTemplate`. */
export interface ChatTemplateOptions {
  /** Descriptions of functions that the model may ask for, as JSON schemas: if the tokenizer `knowsTools`. */
  tools?: readonly unknown[] | undefined;
  /** Whether to begin the assistant's turn. By default true. */
  addGenerationPrompt?: boolean | undefined;
  /** Variables that the model's template knows, such as `{ enable_thinking: false }`. */
  variables?: Readonly<Record<string, unknown>> | undefined;
}

/** A special token, or undefined: a text, or a record with one. */
function special(config: Json, name: string): string | undefined {
  const token = config[name];
  const text =
    typeof token === "object" && token !== null ? (token as Json)["content"] : (token ?? undefined);
  return typeof text === "string" ? text : undefined;
}

/** A token, or several. */
function asTokens(value: unknown, fn: string, param: string): readonly number[] {
  if (typeof value !== "number" && !Array.isArray(value)) {
    throw mismatch(fn, param, "a token, or a list of tokens", value);
  }
  return [value].flat().map((token) => asLength(token, fn, param));
}

const readTokenizer = optionsOf<TokenizerOptions>()("Tokenizer", {
  eosTokenIds: optional(kind<number | readonly number[], readonly number[]>(asTokens)),
  chatTemplate: optional(text()),
});

const readTokenizerLoad = optionsOf<TokenizerLoadOptions>()("Tokenizer.load", {
  signal: signalOption(),
});

const readEncode = optionsOf<EncodeOptions>()("encode", { addSpecialTokens: flag(true) });

const readDecode = optionsOf<DecodeOptions>()("decode", { skipSpecialTokens: flag(false) });

const readChatTemplate = optionsOf<ChatTemplateOptions>()("applyChatTemplate", {
  tools: kindWhere<readonly unknown[]>(Array.isArray, "a list of JSON schemas")(),
  addGenerationPrompt: flag(true),
  variables: record({}),
});

function checked(tokenizer: Json): Json {
  const model = typeof tokenizer === "object" ? tokenizer?.["model"] : undefined;
  if (typeof model !== "object" || model === null) {
    const expected = "the content of a tokenizer.json, which has a model";
    throw mismatch("Tokenizer", "tokenizer", expected, tokenizer);
  }
  return tokenizer;
}

/** Templates by their names. */
function templatesOf(template: unknown): Map<string, string> {
  const named = Array.isArray(template) ? template : [{ name: "default", template }];
  const isText = (x: unknown) => typeof x === "string";
  if (template === undefined || template === null) {
    return new Map();
  }
  if (!named.every((each) => isText(each?.name) && isText(each.template))) {
    const expected = "a text, or a list of texts { name, template }";
    throw mismatch("Tokenizer", "chatTemplate", expected, template);
  }
  return new Map(named.map(({ name, template }) => [name, template]));
}

/** The tokens that end a text, as the first of a folder's files says that says it. */
function eosTokenIdsOf(folder: string): readonly number[] | undefined {
  for (const name of ["generation_config.json", "config.json"]) {
    const config = readConfig(folder, name);
    if (config?.has("eos_token_id")) {
      const isOne = typeof config.values["eos_token_id"] === "number";
      return isOne ? [config.number("eos_token_id")] : config.numbers("eos_token_id");
    }
  }
  return undefined;
}

/**
 * Makes tokens of texts, and texts of tokens, as a `tokenizer.json` says.
 *
 * @example
 * const tokenizer = await Tokenizer.load("all-MiniLM-L6-v2");
 * tokenizer.encode("Hello, world!")
 * // [ 101, 7592, 1010, 2088, 999, 102 ]
 */
export class Tokenizer {
  readonly #engine: Engine;
  readonly #config: Json;
  readonly #templates: Map<string, string>;
  readonly #compiled = new Map<string, Template>();
  readonly #specials: ReadonlySet<number>;
  /** The tokens that end a text. */
  readonly eosTokenIds: ReadonlySet<number>;
  /** The token that begins a text, if there is one. */
  readonly bosToken: string | undefined;
  /** How many tokens there are. */
  readonly vocabSize: number;

  /**
   * @param tokenizer What `tokenizer.json` has.
   * @param config What `tokenizer_config.json` has.
   */
  constructor(tokenizer: Json, config?: Json, options?: TokenizerOptions);
  constructor(tokenizer: Json | Engine, config: Json = {}, options?: TokenizerOptions) {
    if (typeof config !== "object" || config === null) {
      const expected = "the content of a tokenizer_config.json, which is a record";
      throw mismatch("Tokenizer", "config", expected, config);
    }
    const { eosTokenIds, chatTemplate } = readTokenizer(options);
    this.#engine =
      tokenizer instanceof Engine ? tokenizer : atOnce(engineOf(checked(tokenizer), config));
    this.#config = config;
    this.#templates = templatesOf(chatTemplate ?? config["chat_template"]);
    this.vocabSize = this.#engine.model?.tokens_to_ids.size ?? 0;
    this.bosToken = special(config, "bos_token");
    const eos = special(config, "eos_token");
    const named = eos === undefined ? undefined : this.#engine.token_to_id(eos);
    const unknown = eosTokenIds?.find((id) => this.#engine.id_to_token(id) === undefined);
    // Those of files may be nowhere.
    if (unknown !== undefined && !(tokenizer instanceof Engine)) {
      throw outOfRange("Tokenizer", "eosTokenIds", "tokens of this tokenizer", unknown);
    }
    this.eosTokenIds = new Set(eosTokenIds ?? (named === undefined ? [] : [named]));
    const added = this.#engine.get_added_tokens_decoder();
    this.#specials = new Set([...added].filter(([, { special }]) => special).map(([id]) => id));
  }

  /**
   * Reads a model's folder: `tokenizer.json` and, where they are, `tokenizer_config.json`,
   * `chat_template.jinja`, and the tokens that end a text from `generation_config.json` or `config.json`.
   */
  static async load(folder: string | FileUrl, options?: TokenizerLoadOptions): Promise<Tokenizer> {
    const path = pathOf(folder, "Tokenizer.load", "folder", "the path of a folder");
    const { signal } = readTokenizerLoad(options);
    const tokenizer = await readJsonInTurns(path, "tokenizer.json", "vocab", signal);
    if (tokenizer === undefined) {
      throw failure(
        "ERR_MLX_LM_TOKENIZER",
        `[Tokenizer.load] ${path} has no tokenizer.json. Where a model has another kind of ` +
          "tokenizer, AutoTokenizer.from_pretrained(…).save_pretrained(…) of Python's transformers " +
          "writes one.",
      );
    }
    const inJson = readConfig(path, "chat_template.json");
    const given = {
      eosTokenIds: eosTokenIdsOf(path),
      chatTemplate:
        readText(path, "chat_template.jinja") ??
        (inJson?.has("chat_template") ? inJson.text("chat_template") : undefined),
    };
    const { values } = readConfig(path, "tokenizer_config.json") ?? { values: {} };
    return Tokenizer.inTurns(tokenizer as Json, values, given, signal);
  }

  /**
   * As the constructor, while the event loop goes on; the vocabulary may be a Map.
   *
   * @internal
   */
  static async inTurns(
    tokenizer: Json,
    config: Json,
    options: TokenizerOptions,
    signal: mx.Signal | undefined,
  ): Promise<Tokenizer> {
    const engine = await inTurns(engineOf(checked(tokenizer), config), signal);
    return new Tokenizer(engine as unknown as Json, config, options);
  }

  /** Whether there is a template for conversations. */
  get hasChatTemplate(): boolean {
    return this.#templates.size > 0;
  }

  /** Whether the template for conversations tells the model of tools. */
  get knowsTools(): boolean {
    const template = this.#templates.get("default") ?? "";
    return this.#templates.has("tool_use") || /\btools\b/.test(template);
  }

  /** The tokens of a text. */
  encode(text: string, options?: EncodeOptions): number[] {
    asString(text, "encode", "text");
    const { addSpecialTokens } = readEncode(options);
    try {
      return this.#engine.encode(text, { add_special_tokens: addSpecialTokens }).ids;
    } catch (error) {
      throw unknownKind(error);
    }
  }

  /** The tokens of what a model is to go on with: those that begin a text are there once. */
  encodePrompt(text: string): number[] {
    asString(text, "encodePrompt", "text");
    const begins = this.bosToken !== undefined && text.startsWith(this.bosToken);
    return this.encode(text, { addSpecialTokens: !begins });
  }

  /** The text of tokens. Those that the tokenizer lacks have none: a model may have more than it. */
  decode(tokens: readonly number[], options?: DecodeOptions): string {
    if (!Array.isArray(tokens)) {
      throw mismatch("decode", "tokens", "a list of tokens", tokens);
    }
    for (const [i, token] of tokens.entries()) {
      asLength(token, "decode", `tokens[${i}]`);
    }
    const { skipSpecialTokens } = readDecode(options);
    const cleaned = this.#config["clean_up_tokenization_spaces"] === true;
    return this.#text(tokens, skipSpecialTokens, cleaned);
  }

  #text(tokens: readonly number[], skipSpecialTokens: boolean, cleaned: boolean): string {
    const known = tokens.filter(
      (token) =>
        this.#engine.id_to_token(token) !== undefined &&
        !(skipSpecialTokens && this.#specials.has(token)),
    );
    return known.length === 0
      ? ""
      : this.#engine.decode(known, { clean_up_tokenization_spaces: cleaned });
  }

  /** The token of a text that is one, such as "<|im_end|>". */
  tokenToId(token: string): number | undefined {
    return this.#engine.token_to_id(token);
  }

  /** The text that stands for a token in the vocabulary. */
  idToToken(id: number): string | undefined {
    return this.#engine.id_to_token(id);
  }

  /** Makes text of tokens as they come. */
  detokenizer(options?: DecodeOptions): StreamingDetokenizer {
    const { skipSpecialTokens } = readDecode(options, "detokenizer");
    return new StreamingDetokenizer((tokens) => this.#text(tokens, skipSpecialTokens, false));
  }

  /**
   * A conversation as the text that the model was trained to go on with.
   *
   * @throws Error if the model has no template, or if its template refuses the messages.
   */
  chatText(messages: readonly Message[], options?: ChatTemplateOptions): string {
    const { tools, addGenerationPrompt, variables } = readChatTemplate(options);
    if (!Array.isArray(messages) || !messages.every((each) => typeof each?.role === "string")) {
      throw mismatch("applyChatTemplate", "messages", "a list of { role, content }", messages);
    }
    if (tools !== undefined && tools.length > 0 && this.hasChatTemplate && !this.knowsTools) {
      throw failure(
        "ERR_MLX_LM_CHAT_TEMPLATE",
        "[applyChatTemplate] tools: expected none, since the model's chat template would not tell it of them, received " +
          `${tools.length}: take a model that was trained to use tools, or say in a message how to ask for them`,
      );
    }
    const specials = ["bos", "eos", "unk", "pad", "sep", "cls"].flatMap((name) => {
      const token = special(this.#config, `${name}_token`);
      return token === undefined ? [] : [[`${name}_token`, token]];
    });
    const template = this.#template(tools !== undefined);
    try {
      return template.render({
        ...Object.fromEntries(specials),
        ...variables,
        messages,
        tools: tools ?? null,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      throw failure(
        "ERR_MLX_LM_CHAT_TEMPLATE",
        `[applyChatTemplate] the model's template refuses these messages: ${reasonOf(error)}`,
        error,
      );
    }
  }

  /** The tokens of a conversation: of what `chatText` gives. */
  applyChatTemplate(messages: readonly Message[], options?: ChatTemplateOptions): number[] {
    return this.encode(this.chatText(messages, options), { addSpecialTokens: false });
  }

  #template(withTools: boolean): Template {
    const names = withTools ? ["tool_use", "default"] : ["default"];
    const name = names.find((name) => this.#templates.has(name));
    const text = name === undefined ? undefined : this.#templates.get(name);
    if (name === undefined || text === undefined) {
      const others = [...this.#templates.keys()].join(", ");
      throw failure(
        "ERR_MLX_LM_NO_CHAT_TEMPLATE",
        `[applyChatTemplate] the tokenizer has no chat template${others && ` (but ${others})`}: it is not ` +
          "one of a chat model. Give generate a text, or pass a template: new Tokenizer(…, …, { chatTemplate }).",
      );
    }
    let template = this.#compiled.get(name);
    if (template === undefined) {
      try {
        template = new Template(text);
      } catch (error) {
        const message = `[applyChatTemplate] the model's template cannot be read: ${reasonOf(error)}`;
        throw failure("ERR_MLX_LM_CHAT_TEMPLATE", message, error);
      }
      this.#compiled.set(name, template);
    }
    return template;
  }
}
