/** What the terminal shows: progress while it runs, a table and a verdict at the end. */
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { type Curve, names } from "./charts.js";
import type { Positions } from "./model.js";

/** A bar on stderr, as stdout is for the results; it shows what `details` names. */
export function progressBar(label: string, details = ""): SingleBar {
  return new SingleBar({
    format: `${label.padEnd(10)} {bar} {value}/{total} ${details}  {eta_formatted} left`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    etaBuffer: 50,
    // Ctrl-C is the program's to handle.
    gracefulExit: false,
    // Where there is no terminal, a line now and then.
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
}

/** Perplexities, a row for each model. */
export function table(curves: readonly Curve[], trained: number): string {
  const lengths = [1, 2, 4, 8].map((times) => times * trained);
  const out = new Table({
    head: ["perplexity at", ...lengths.map((length) => `${length} (${length / trained}x)`)],
    colAligns: ["left", ...lengths.map(() => "right" as const)],
    style: { head: [], border: [] },
  });
  for (const { positions, perplexity } of curves) {
    const cells = perplexity.map((point) => point.perplexity.toFixed(2));
    out.push([names[positions], ...lengths.map((_, i) => cells[i] ?? "-")]);
  }
  return out.toString();
}

/** How much a model's perplexity grows from the length it was trained at to four times that. */
export interface Verdict {
  alibi: number;
  sinusoidal: number;
  /** Whether ALiBi reads on as well as before, and sinusoids clearly do not. */
  holds: boolean;
}

/** At most this is as good as before. */
const asGood = 1.05;
/** At least this is clearly worse. */
const clearlyWorse = 1.2;

export function judge(curves: readonly Curve[], trained: number): Verdict | null {
  const growth = (positions: Positions) => {
    const points = curves.find((curve) => curve.positions === positions)?.perplexity ?? [];
    const at = (length: number) => points.find((point) => point.length === length)?.perplexity;
    return (at(4 * trained) ?? Number.NaN) / (at(trained) ?? Number.NaN);
  };
  const alibi = growth("alibi");
  const sinusoidal = growth("sinusoidal");
  if (Number.isNaN(alibi + sinusoidal)) {
    return null;
  }
  return { alibi, sinusoidal, holds: alibi <= asGood && sinusoidal >= clearlyWorse };
}

export function sentence({ alibi, sinusoidal, holds }: Verdict): string {
  const change = (ratio: number) =>
    `${ratio < 1 ? "-" : "+"}${(100 * Math.abs(ratio - 1)).toFixed(1)} %`;
  return (
    `From 1 to 4 times the length of training, perplexity changes by ${change(alibi)} with ALiBi ` +
    `and by ${change(sinusoidal)} with sinusoids: ` +
    (holds
      ? "trained short, ALiBi tests long."
      : `not what the paper shows (at most +5 %, at least +${Math.round(100 * (clearlyWorse - 1))} %). More --steps may help.`)
  );
}
