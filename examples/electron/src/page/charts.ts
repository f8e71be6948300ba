/** The two charts, which grow as figures come in. */
import uPlot from "uplot";
import type { Positions } from "../protocol.js";

const names: Record<Positions, string> = { alibi: "ALiBi", sinusoidal: "sinusoidal" };
const both: readonly Positions[] = ["alibi", "sinusoidal"];
/** Okabe and Ito's blue and vermillion, which the colour-blind can tell apart. */
const colours: Record<Positions, string> = { alibi: "#0072b2", sinusoidal: "#d55e00" };

const font = "13px system-ui, sans-serif";
const axis: uPlot.Axis = {
  font,
  labelFont: font,
  stroke: "#57606a",
  grid: { stroke: "#eaeef2" },
  ticks: { stroke: "#d0d7de" },
};

interface Look {
  height: number;
  x: string;
  y: string;
  scales: uPlot.Scales;
  points: boolean;
}

/** A line for each model over the same places. */
export class Chart {
  readonly #plot: uPlot;
  readonly #values: Record<Positions, Map<number, number>> = {
    alibi: new Map(),
    sinusoidal: new Map(),
  };
  #isDue = false;

  constructor(parent: HTMLElement, { height, x, y, scales, points }: Look) {
    const series = both.map((positions) => ({
      label: names[positions],
      stroke: colours[positions],
      width: 2,
      points: { show: points, size: 8, fill: colours[positions] },
      value: (_: uPlot, value: number | null) => value?.toFixed(2) ?? "–",
    }));
    const options: uPlot.Options = {
      width: Math.max(1, parent.clientWidth),
      height,
      legend: { markers: { fill: (_, i) => colours[both[i - 1] ?? "alibi"] } },
      scales,
      axes: [
        { ...axis, label: x },
        { ...axis, label: y, size: 56 },
      ],
      series: [{ label: x, value: (_, at) => String(at ?? "–") }, ...series],
    };
    this.#plot = new uPlot(options, this.#data(), parent);
    new ResizeObserver(() => {
      this.#plot.setSize({ width: Math.max(1, parent.clientWidth), height });
    }).observe(parent);
  }

  clear(): void {
    for (const positions of both) {
      this.#values[positions].clear();
    }
    this.#draw();
  }

  add(positions: Positions, x: number, y: number): void {
    this.#values[positions].set(x, y);
    this.#draw();
  }

  #data(): uPlot.AlignedData {
    const places = both.flatMap((positions) => [...this.#values[positions].keys()]);
    const xs = [...new Set(places)].sort((a, b) => a - b);
    const of = (positions: Positions) => xs.map((x) => this.#values[positions].get(x) ?? null);
    return [xs, of("alibi"), of("sinusoidal")];
  }

  /** Once for all figures that come before the next frame. */
  #draw(): void {
    if (!this.#isDue) {
      this.#isDue = true;
      requestAnimationFrame(() => {
        this.#isDue = false;
        this.#plot.setData(this.#data());
      });
    }
  }
}

export const lossChart = (parent: HTMLElement): Chart =>
  new Chart(parent, {
    height: 240,
    x: "step",
    y: "loss",
    scales: { x: { time: false } },
    points: false,
  });

export const perplexityChart = (parent: HTMLElement): Chart =>
  new Chart(parent, {
    height: 260,
    x: "characters read at a time",
    y: "perplexity",
    scales: {
      // Each length is twice the one before.
      x: { time: false, distr: 3, log: 2 },
      y: { range: (_, __, most) => [0, Math.max(1, 1.1 * most)] },
    },
    points: true,
  });
