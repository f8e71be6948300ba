/** The experiment: its settings, its course as text, and the charts. */
import type { TaskClient } from "../client.js";
import type { Positions, Task } from "../protocol.js";
import { lossChart, perplexityChart } from "./charts.js";
import { onSubmit } from "./form.js";
import { find, type Tab } from "./tabs.js";

const names: Record<Positions, string> = { alibi: "ALiBi", sinusoidal: "sinusoids" };

export const trainTab: Tab = { template: "train", label: "Positions", show };

function show(panel: HTMLElement, client: TaskClient): void {
  const form = find(panel, "form", HTMLFormElement);
  const status = find(panel, "[role=status]", HTMLElement);
  const loss = lossChart(find(panel, "#loss", HTMLElement));
  const perplexity = perplexityChart(find(panel, "#perplexity", HTMLElement));

  const hear = (progress: Task<"train">["progress"], steps: number) => {
    const model = names[progress.positions];
    if (progress.stage === "training") {
      loss.add(progress.positions, progress.step, progress.loss);
      const figures = `step ${progress.step} of ${steps}, loss ${progress.loss.toFixed(3)}`;
      status.textContent = `With ${model}: ${figures}`;
    } else {
      perplexity.add(progress.positions, progress.length, progress.perplexity);
      const figures = `${progress.length} characters, perplexity ${progress.perplexity.toFixed(2)}`;
      status.textContent = `With ${model}: read ${figures}`;
    }
  };

  const train = async (signal: AbortSignal) => {
    const number = (name: string) => find(form, `[name=${name}]`, HTMLInputElement).valueAsNumber;
    const input = {
      steps: number("steps"),
      length: number("length"),
      read: number("read"),
      seed: number("seed"),
    };
    loss.clear();
    perplexity.clear();
    status.textContent = "The model's process is reading the novel …";
    const { device, seconds } = await client.run("train", input, {
      signal,
      onProgress: (progress) => hear(progress, input.steps),
    });
    status.textContent = `Done in ${seconds.toFixed(0)} s, on the ${device.toUpperCase()}.`;
  };

  onSubmit(panel, train);
}
