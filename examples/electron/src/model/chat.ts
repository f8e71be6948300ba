/** A chat: the page has the conversation, and this process what the model has read of it. */
import { ChatSession, load } from "mlx-js-lm";
import type { Message, Task } from "../protocol.js";
import type { Context } from "./server.js";

interface Open {
  path: string;
  session: ChatSession;
  [Symbol.dispose](): void;
}

/** The model of the last chat, which stays until another one is asked for. */
let open: Open | undefined;

async function openModel(path: string, { signal, report }: Context<"chat">): Promise<Open> {
  if (open?.path !== path) {
    open?.[Symbol.dispose]();
    open = undefined;
    const loaded = await load(path, {
      signal,
      onProgress: ({ loaded, total }) => {
        report({ stage: "loading", done: total > 0 ? loaded / total : 0 });
      },
    });
    const session = new ChatSession(loaded, { maxTokens: 1024 });
    const close = () => {
      session.dispose();
      loaded[Symbol.dispose]();
    };
    open = { path, session, [Symbol.dispose]: close };
  }
  return open;
}

/** Whether the session is as far as the page, before what is said now. */
function goesOn({ messages }: ChatSession, before: readonly Message[]): boolean {
  return (
    messages.length === before.length &&
    before.every(({ role, content }, i) => {
      const known = messages[i];
      return known?.role === role && known.content === content;
    })
  );
}

export async function chat(
  { model, messages }: Task<"chat">["input"],
  context: Context<"chat">,
): Promise<Task<"chat">["result"]> {
  const { session } = await openModel(model, context);
  const { signal, report } = context;
  signal.throwIfAborted();
  let said = messages.slice(-1);
  if (!goesOn(session, messages.slice(0, -1))) {
    // Another conversation, or this process has begun anew: all of it is read.
    session.reset();
    said = messages;
  }
  let result: Task<"chat">["result"] = { finishReason: "stop", tokens: 0, perSecond: 0 };
  for await (const step of session.send(said, { signal })) {
    if (step.text !== "") {
      report({ stage: "answering", text: step.text });
    }
    const { finishReason, generationTokens, generationTps } = step;
    result = {
      finishReason: finishReason ?? "stop",
      tokens: generationTokens,
      perSecond: generationTps,
    };
  }
  return result;
}
