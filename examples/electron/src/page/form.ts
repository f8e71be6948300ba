/** The form of a tab, which runs one task at a time. */
import { TaskError } from "../protocol.js";
import { find } from "./tabs.js";

/** Whether a task was stopped before its end. */
export function isStopped(error: unknown): boolean {
  return error instanceof TaskError && error.code === "cancelled";
}

/** Runs a task at each submit, lets it be stopped, and says how it ended where it did not end well. */
export function onSubmit(panel: HTMLElement, run: (signal: AbortSignal) => Promise<void>): void {
  const form = find(panel, "form", HTMLFormElement);
  const start = find(form, "[type=submit]", HTMLButtonElement);
  const stop = find(form, "[name=stop]", HTMLButtonElement);
  const status = find(panel, "[role=status]", HTMLElement);
  const alert = find(panel, "[role=alert]", HTMLElement);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    stop.onclick = () => abort.abort();
    start.disabled = true;
    stop.disabled = false;
    alert.hidden = true;
    try {
      await run(abort.signal);
    } catch (error) {
      if (isStopped(error)) {
        status.textContent = "Stopped.";
      } else {
        status.textContent = "It went wrong.";
        alert.textContent = error instanceof Error ? error.message : String(error);
        alert.hidden = false;
      }
    } finally {
      start.disabled = false;
      stop.disabled = true;
    }
  });
}
