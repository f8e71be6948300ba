import { Tokenizer as Engine } from "@huggingface/tokenizers";
import { failure } from "./errors.js";
import type { Json } from "./tokenizer.js";
import { stepsAtOnce, type Work } from "./turns.js";

/** What a tokenizer.json may leave out, and the engine misses. */
const absent = {
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
};

/** The engine's parts that are filled in pieces. */
interface Filled {
  tokens_to_ids: Map<string, number>;
  vocab: string[];
  unk_token_id: number | undefined;
  merges?: (readonly string[])[];
  bpe_ranks?: Map<string, number>;
}

/** The kinds of vocabularies that are filled in pieces; others are handed over as they are. */
const filled = ["BPE", "WordPiece"];

function make(tokenizer: Json, config: Json): Engine {
  try {
    return new Engine({ ...absent, ...tokenizer }, config);
  } catch (error) {
    throw unknownKind(error);
  }
}

/** For what the engine makes of a part that it does not know, or that is not as it should be. */
export function unknownKind(error: unknown): Error {
  const text = `[Tokenizer] tokenizer.json is damaged, or of a kind that is not known here: ${error}`;
  return failure("ERR_MLX_LM_TOKENIZER", text, error);
}

/** Pairs of names and values, of a record or a Map. */
function entriesOf(vocab: unknown): Iterable<[string, number]> {
  return vocab instanceof Map ? vocab : Object.entries(vocab as Record<string, number>);
}

/**
 * The engine of a tokenizer. Its constructor makes maps of all tokens and merges, which takes
 * so long that it gets none of them, and they are put in afterwards.
 */
export function* engineOf(tokenizer: Json, config: Json): Work<Engine> {
  const model = tokenizer["model"] as Json;
  const { vocab, merges = [] } = model;
  if (
    !filled.includes(model["type"] as string) ||
    typeof vocab !== "object" ||
    vocab === null ||
    !Array.isArray(merges)
  ) {
    const whole = vocab instanceof Map ? { ...model, vocab: Object.fromEntries(vocab) } : model;
    return make({ ...tokenizer, model: whole }, config);
  }
  const engine = make({ ...tokenizer, model: { ...model, vocab: {}, merges: [] } }, config);
  const inner = engine.model as unknown as Filled;
  const added = [...inner.tokens_to_ids];
  const ids = new Map<string, number>();
  const tokens: string[] = [];
  let steps = 0;
  for (const [token, id] of entriesOf(vocab)) {
    if (!(Number.isSafeInteger(id) && id >= 0)) {
      throw unknownKind(`expected the number of a token, received ${id}`);
    }
    ids.set(token, id);
    tokens[id] = token;
    if (++steps % stepsAtOnce === 0) {
      yield;
    }
  }
  inner.unk_token_id = ids.get(model["unk_token"] as string);
  for (const [token, id] of added) {
    ids.set(token, id);
    tokens[id] = token;
  }
  inner.tokens_to_ids = ids;
  inner.vocab = tokens;
  if (inner.bpe_ranks !== undefined) {
    const pairs: (readonly string[])[] = [];
    const ranks = new Map<string, number>();
    for (const [i, merge] of merges.entries()) {
      const pair = typeof merge === "string" ? merge.split(" ", 2) : merge;
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw unknownKind(`expected a pair of tokens, received ${merge}`);
      }
      pairs.push(pair);
      ranks.set(JSON.stringify(pair), i);
      if (i % stepsAtOnce === 0) {
        yield;
      }
    }
    inner.merges = pairs;
    inner.bpe_ranks = ranks;
  }
  return engine;
}
