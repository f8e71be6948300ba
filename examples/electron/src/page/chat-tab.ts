/** A chat: the conversation, which this page has, and what the model says as it comes. */
import type { TaskClient } from "../client.js";
import type { Message, Task } from "../protocol.js";
import { isStopped, onSubmit } from "./form.js";
import { find, type Tab } from "./tabs.js";

export const chatTab: Tab = { template: "chat", label: "Chat", show };

function show(panel: HTMLElement, client: TaskClient): void {
  const form = find(panel, "form", HTMLFormElement);
  const model = find(form, "[name=model]", HTMLInputElement);
  const said = find(form, "[name=message]", HTMLTextAreaElement);
  const reset = find(form, "[name=reset]", HTMLButtonElement);
  const log = find(panel, "[role=log]", HTMLElement);
  const status = find(panel, "[role=status]", HTMLElement);
  const alert = find(panel, "[role=alert]", HTMLElement);
  let conversation: Message[] = [];

  /** A text of the conversation, to which more can be added. */
  const add = (role: Message["role"], text: string) => {
    const paragraph = document.createElement("p");
    paragraph.className = role;
    paragraph.textContent = text;
    log.append(paragraph);
    return paragraph;
  };

  const answer = async (question: string, signal: AbortSignal) => {
    const messages: Message[] = [...conversation, { role: "user", content: question }];
    const asked = add("user", question);
    const paragraph = add("assistant", "");
    let text = "";
    const hear = (progress: Task<"chat">["progress"]) => {
      if (progress.stage === "loading") {
        status.textContent = `Loading the model: ${(100 * progress.done).toFixed(0)} %`;
      } else {
        text += progress.text;
        paragraph.textContent = text;
        status.textContent = "Answering …";
      }
    };
    try {
      const input = { model: model.value, messages };
      const { tokens, perSecond } = await client.run("chat", input, { signal, onProgress: hear });
      status.textContent = `${tokens} tokens, ${perSecond.toFixed(1)} a second.`;
    } catch (error) {
      if (!isStopped(error) || text === "") {
        asked.remove();
        paragraph.remove();
        said.value = question;
        throw error;
      }
      status.textContent = "Stopped.";
    }
    // What was stopped is said as far as it came.
    conversation = [...messages, { role: "assistant", content: text }];
  };

  onSubmit(panel, async (signal) => {
    const question = said.value;
    said.value = "";
    reset.disabled = true;
    status.textContent = "Waiting for the model …";
    try {
      await answer(question, signal);
    } finally {
      reset.disabled = false;
    }
  });

  reset.addEventListener("click", () => {
    conversation = [];
    log.replaceChildren();
    alert.hidden = true;
    status.textContent = "Nothing has been said yet.";
  });
}
