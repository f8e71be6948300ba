/** The two pictures, as SVG: Vega draws them without a browser. */
import { nn } from "mlx-js";
import type { Spec } from "vega";
import type { Perplexity } from "./evaluate.js";
import type { Positions } from "./model.js";

/** A model's perplexity at each length. */
export interface Curve {
  positions: Positions;
  perplexity: readonly Perplexity[];
}

export const names: Record<Positions, string> = { alibi: "ALiBi", sinusoidal: "sinusoidal" };

/** Okabe and Ito's blue and vermillion, which the colour-blind can tell apart. */
const colours: Record<Positions, string> = { alibi: "#0072b2", sinusoidal: "#d55e00" };
const ink = "#24292f";
const grey = "#6e7781";

/** The gallery shows the pictures at half their size. */
const size = { title: 20, text: 16, small: 15 };

const config: NonNullable<Spec["config"]> = {
  background: "#ffffff",
  axis: {
    domainColor: "#afb8c1",
    gridColor: "#eaeef2",
    labelColor: ink,
    labelFontSize: size.text,
    tickColor: "#afb8c1",
    titleColor: grey,
    titleFontSize: size.text,
    titleFontWeight: "normal",
    titlePadding: 8,
  },
  legend: {
    labelColor: ink,
    labelFontSize: size.small,
    titleColor: grey,
    titleFontSize: size.small,
    titleFontWeight: "normal",
  },
  title: {
    anchor: "start",
    color: ink,
    fontSize: size.title,
    offset: 18,
    subtitleColor: grey,
    subtitleFontSize: size.small,
    subtitlePadding: 5,
  },
};

async function draw(spec: Spec): Promise<string> {
  // Vega comes as an ES module alone, and this file may be compiled to CommonJS.
  const { parse, View } = await import("vega");
  return new View(parse({ autosize: "none", config, ...spec }), { renderer: "none" }).toSVG();
}

/** Perplexity against the length that is read, a line for each model. */
export function drawPerplexity(curves: readonly Curve[], trained: number): Promise<string> {
  const all = curves.flatMap((curve) => curve.perplexity);
  const worst = (length: number) =>
    Math.max(...all.filter((point) => point.length === length).map((point) => point.perplexity));
  const values = curves.flatMap(({ positions, perplexity }) =>
    perplexity.map((point, i) => ({
      ...point,
      positions,
      label: point.perplexity.toFixed(1),
      // Above the upper line and below the lower one.
      shift: point.perplexity === worst(point.length) ? -12 : 24,
      name: i === perplexity.length - 1 ? names[positions] : "",
    })),
  );
  const lengths = [...new Set(all.map((point) => point.length))];
  const colour = { scale: "colour", field: "positions" };
  const x = { scale: "x", field: "length" };
  const y = { scale: "y", field: "perplexity" };
  return draw({
    width: 450,
    height: 240,
    padding: { left: 64, right: 112, top: 78, bottom: 56 },
    title: {
      text: "Train short, test long",
      subtitle: `On held-out text, after training on ${trained} characters at a time; lower is better`,
    },
    data: [{ name: "points", values }],
    scales: [
      {
        name: "x",
        type: "log",
        base: 2,
        domain: [trained, Math.max(2 * trained, ...lengths)],
        range: "width",
        padding: 24,
      },
      {
        name: "y",
        domain: { data: "points", field: "perplexity" },
        range: "height",
        nice: true,
        zero: true,
      },
      {
        name: "colour",
        type: "ordinal",
        domain: Object.keys(colours),
        range: Object.values(colours),
      },
    ],
    axes: [
      {
        orient: "left",
        scale: "y",
        title: "perplexity",
        domain: false,
        grid: true,
        tickCount: 5,
        ticks: false,
      },
      {
        orient: "bottom",
        scale: "x",
        title: "characters read at a time",
        format: "d",
        values: lengths,
      },
    ],
    marks: [
      {
        type: "rule",
        encode: {
          enter: {
            x: { scale: "x", value: trained },
            y: { value: 0 },
            y2: { signal: "height" },
            stroke: { value: "#c8d1da" },
            strokeDash: { value: [4, 4] },
          },
        },
      },
      {
        type: "text",
        encode: {
          enter: {
            x: { scale: "x", value: trained, offset: 6 },
            y: { signal: "height - 8" },
            text: { value: "length in training" },
            fill: { value: grey },
            fontSize: { value: size.small },
          },
        },
      },
      {
        type: "group",
        from: { facet: { name: "curve", data: "points", groupby: "positions" } },
        marks: [
          {
            type: "line",
            from: { data: "curve" },
            encode: { enter: { x, y, stroke: colour, strokeWidth: { value: 2.5 } } },
          },
          {
            type: "symbol",
            from: { data: "curve" },
            encode: {
              enter: { x, y, fill: colour, size: { value: 60 }, stroke: { value: "#ffffff" } },
            },
          },
          {
            type: "text",
            from: { data: "curve" },
            encode: {
              enter: {
                x,
                y,
                dy: { field: "shift" },
                align: { value: "center" },
                text: { field: "label" },
                fill: colour,
                fontSize: { value: size.text },
              },
            },
          },
          {
            type: "text",
            from: { data: "curve" },
            encode: {
              enter: {
                x,
                y,
                dx: { value: 12 },
                baseline: { value: "middle" },
                text: { field: "name" },
                fill: colour,
                fontSize: { value: size.text },
                fontWeight: { value: "bold" },
              },
            },
          },
        ],
      },
    ],
  });
}

const cell = 12;
const across = 4;
const gap = { x: 28, y: 44 };

/** What `nn.ALiBi` adds to the scores of a few tokens, a panel for each head. */
export function drawBias(heads: number, length = 12): Promise<string> {
  const bias = nn.ALiBi.createAlibiMatrix(length, length, heads, 0).squeeze(0);
  const slopes = nn.ALiBi.createAlibiSlope(heads).flatten();
  const side = cell * length;
  const panels = slopes.tolist<number[]>().map((slope, head) => ({
    head,
    label: `head ${head + 1}: slope ${Number.isInteger(1 / slope) ? `1/${1 / slope}` : slope.toFixed(3)}`,
    left: (head % across) * (side + gap.x),
    top: Math.floor(head / across) * (side + gap.y),
  }));
  // A query sees keys up to its own position: the others are masked, and left out.
  const values = bias
    .tolist<number[][][]>()
    .flatMap((rows, head) =>
      rows.flatMap((row, query) =>
        row.slice(0, query + 1).map((value, key) => ({ head, query, key, value })),
      ),
    );
  const strongest = Math.min(...values.map(({ value }) => value));
  return draw({
    width: across * (side + gap.x) - gap.x,
    height: Math.ceil(heads / across) * (side + gap.y) - gap.y + 12,
    padding: { left: 16, right: 88, top: 72, bottom: 16 },
    title: {
      text: "The bias of nn.ALiBi",
      subtitle:
        "Added to the score of each query (down) and key (across): minus the slope times the distance",
    },
    data: [
      { name: "cells", values },
      { name: "panels", values: panels },
    ],
    scales: [
      {
        // Like a logarithm it shows the small slopes, too, and it has a zero.
        name: "colour",
        type: "symlog",
        constant: 0.05,
        domain: [strongest, 0],
        range: { scheme: "blues" },
        reverse: true,
      },
    ],
    legends: [
      {
        fill: "colour",
        title: "bias",
        format: "~g",
        gradientLength: 144,
        offset: 24,
        values: [0, -0.1, -0.5, -2, strongest].filter((value) => value >= strongest),
      },
    ],
    marks: [
      {
        type: "text",
        from: { data: "panels" },
        encode: {
          enter: {
            x: { field: "left" },
            y: { field: "top", offset: 4 },
            text: { field: "label" },
            fill: { value: ink },
            fontSize: { value: size.small },
          },
        },
      },
      {
        type: "group",
        from: { facet: { name: "panel", data: "cells", groupby: "head" } },
        encode: {
          enter: {
            x: { signal: `(datum.head % ${across}) * ${side + gap.x}` },
            y: { signal: `floor(datum.head / ${across}) * ${side + gap.y} + 12` },
          },
        },
        marks: [
          {
            type: "rect",
            from: { data: "panel" },
            encode: {
              enter: {
                x: { field: "key", mult: cell },
                y: { field: "query", mult: cell },
                width: { value: cell - 1 },
                height: { value: cell - 1 },
                fill: { scale: "colour", field: "value" },
              },
            },
          },
        ],
      },
    ],
  });
}
