// What a program of a user's has of mlx-js-lm, for TypeScript to check. It is
// JavaScript as well: who runs it adds a line that prints the answer.
import { mx, utils } from "mlx-js";
import { ChatSession, Config, createModel, Tokenizer } from "mlx-js-lm";

const letters = "abcd";
const config = new Config(
  {
    ...{ model_type: "llama", vocab_size: 4, hidden_size: 4, intermediate_size: 4 },
    ...{ num_hidden_layers: 1, num_attention_heads: 1, tie_word_embeddings: false },
  },
  "the program",
);
// Its layers add nothing, and its last one gives the letter that comes next.
const model = createModel(config);
model.update(utils.treeMap((x) => mx.zerosLike(x), model.parameters()));
model.update(
  utils.treeUnflatten([
    ["model.embedTokens.weight", mx.eye(4)],
    ["model.norm.weight", mx.ones([4])],
    ["lmHead.weight", mx.roll(mx.eye(4), 1, 0)],
  ]),
);
const tokenizer = new Tokenizer(
  {
    pre_tokenizer: { type: "Split", pattern: { Regex: "." }, behavior: "Isolated" },
    decoder: { type: "Fuse" },
    model: {
      type: "BPE",
      vocab: Object.fromEntries([...letters].map((letter, id) => [letter, id])),
      merges: [],
    },
  },
  { chat_template: "{% for m in messages %}{{ m.content }}{% endfor %}" },
);

const loaded = { model, tokenizer };
const chat = new ChatSession(loaded, { maxTokens: 3 });
export let answer = "";
for await (const step of chat.send("a", { signal: undefined })) {
  answer += step.text;
}
chat.dispose();
export const logits = model.forward(mx.array([[0]], mx.int32));

export const refused = () =>
  // @ts-expect-error: an option that there is not
  new ChatSession(loaded, { maxtokens: 3 });
