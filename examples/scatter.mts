/** Points in a plane, and lines through them, as an SVG: Vega draws it without a browser. */
import { type Axis, parse, type Scale, View } from "vega";

export interface Point {
  x: number;
  y: number;
  /** Points of one group, and lines through them, have one colour. */
  group?: string | undefined;
}

export interface Scatter {
  title: string;
  /** The labels of the axes. */
  x: string;
  y: string;
  points: readonly Point[];
  /** Each line goes through its points in their order. */
  lines?: readonly (readonly Point[])[];
}

const scale = (name: "x" | "y", range: "width" | "height"): Scale => ({
  name,
  domain: { data: "points", field: name },
  range,
  nice: true,
  zero: false,
});

const axis = (scale: "x" | "y", orient: "bottom" | "left", title: string): Axis => ({
  scale,
  orient,
  title,
  grid: true,
  gridColor: "#eaeef2",
  // The gallery shows it at half its size.
  labelFontSize: 18,
  titleFontSize: 18,
  titlePadding: 8,
  tickCount: 6,
});

export function drawScatter({ title, x, y, points, lines = [] }: Scatter): Promise<string> {
  const at = { x: { scale: "x", field: "x" }, y: { scale: "y", field: "y" } };
  const colour = { scale: "colour", field: "group" };
  const grouped = points.map((point) => ({ group: "", ...point }));
  const isGrouped = (all: readonly Point[]) => all.some(({ group }) => group !== undefined);
  const spec = parse({
    width: 420,
    height: 220,
    // Without a browser Vega only guesses how wide a text is, so the room for it is said here.
    autosize: "none",
    padding: { left: 96, right: 32, top: 48, bottom: isGrouped(points) ? 88 : 60 },
    background: "#ffffff",
    title: { text: title, anchor: "start", fontSize: 19, offset: 14 },
    data: [
      { name: "points", values: grouped },
      { name: "lines", values: lines.flatMap((line, id) => line.map((at) => ({ ...at, id }))) },
    ],
    scales: [
      scale("x", "width"),
      scale("y", "height"),
      {
        name: "colour",
        type: "ordinal",
        domain: { data: "points", field: "group", sort: true },
        range: { scheme: "tableau10" },
      },
    ],
    axes: [axis("x", "bottom", x), axis("y", "left", y)],
    legends: isGrouped(points)
      ? [
          {
            fill: "colour",
            orient: "bottom",
            columns: 0, // all in one row
            labelFontSize: 18,
            labelLimit: 0,
            symbolSize: 130,
            columnPadding: 8,
          },
        ]
      : [],
    marks: [
      {
        type: "symbol",
        from: { data: "points" },
        encode: { enter: { ...at, fill: colour, size: { value: 24 }, opacity: { value: 0.7 } } },
      },
      {
        type: "group",
        from: { facet: { name: "line", data: "lines", groupby: "id" } },
        marks: [
          {
            type: "line",
            from: { data: "line" },
            encode: {
              enter: {
                ...at,
                stroke: isGrouped(lines.flat()) ? colour : { value: "#d55e00" },
                strokeWidth: { value: 2.5 },
              },
            },
          },
        ],
      },
    ],
  });
  return new View(spec, { renderer: "none" }).toSVG();
}
