// The package beside MLX's Python API: every name, call and default agrees, or differs for a reason.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as mlx from "mlx-js";
import { describe, expect, test } from "vitest";
import { placeOf, type Upstream } from "../scripts/parity/calls.mjs";
import { type Difference, parity, upstream } from "../scripts/parity.mjs";

const load = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname ?? __dirname, "upstream", name), "utf8"));
const differences: Difference[] = load("differences.json");
const { rows, problems } = parity();
// Optimizers have these, `Optimizer` does not; and no class makes custom functions.
const abstract = [
  ...["optimizers.Optimizer.apply_single", "optimizers.Optimizer.init_single"],
  ...["core.custom_function.jvp", "core.custom_function.vjp", "core.custom_function.vmap"],
];

test("nothing differs without a reason, and no reason is without a difference", () => {
  expect(problems).toEqual([]);
});

test("what the types say is there at run time", () => {
  const missing = rows.filter(({ mlx: name, actual, agrees }) => {
    const { path, member } = placeOf(name, upstream.api);
    if (actual === undefined || !agrees || member?.startsWith("[") || abstract.includes(name)) {
      return false;
    }
    let value: unknown = mlx;
    for (const part of path) {
      value = Reflect.get(value as object, part);
    }
    if (member === undefined || member === "constructor") {
      return value === undefined;
    }
    // Fields come with instances.
    const isMethod = Array.isArray(upstream.api[name]);
    const { prototype } = value as { prototype?: object };
    return isMethod && !(member in Object(prototype)) && !(member in (value as object));
  });
  expect(missing.map(({ mlx: name }) => name)).toEqual([]);
});

describe("a change is noticed", () => {
  const changed = (api: Upstream["api"]) =>
    parity({ ...upstream, api: { ...upstream.api, ...api } }, differences).problems;

  test.each<[string, Upstream["api"], string]>([
    [
      "a new function",
      { "core.cube": ["(a, /, *, stream=None)"] },
      "core.cube: expected mx.cube(a, { stream }), which is missing",
    ],
    [
      "a new method",
      { "core.array.cube": ["(self)"] },
      "core.array.cube: expected mx.array.cube(), which is missing",
    ],
    ["a new class", { "nn.Cube": "class" }, "nn.Cube: expected nn.Cube, which is missing"],
    [
      "a new option",
      { "core.sum": ["(a, /, axis=None, keepdims=False, *, where=None, stream=None)"] },
      "core.sum: expected (a, axis?, { keepdims = false, where, stream }), found mx.sum(a, axis?, { keepdims = false, stream })",
    ],
    [
      "an option less",
      { "core.array.sum": ["(self, axis=None, *, stream=None)"] },
      "core.array.sum: expected (axis?, { stream }), found mx.array.sum(axis?, { keepdims = false, stream })",
    ],
    [
      "another default of an option",
      { "nn.losses.mse_loss": ["(predictions, targets, reduction='none')"] },
      'nn.losses.mse_loss: expected (predictions, targets, { reduction = "none" }), found nn.losses.mseLoss(predictions, targets, { reduction = "mean" })',
    ],
    [
      "another default of a parameter",
      {
        "core.linspace": [
          "(start, stop, num=51, endpoint=True, dtype=mlx.core.float32, *, stream=None)",
        ],
      },
      "core.linspace: expected (start, stop, num = 51, { endpoint = true, dtype = float32, stream }), found mx.linspace(start, stop, num = 50, { endpoint = true, dtype = float32, stream })",
    ],
    [
      "another order",
      { "core.subtract": ["(b, a, *, stream=None)"] },
      "core.subtract: expected (b, a, { stream }), found mx.subtract(a, b, { stream })",
    ],
    [
      "a parameter that may no longer be left out",
      {
        "optimizers.SGD.__init__": [
          "(self, learning_rate, momentum, weight_decay=0.0, dampening=0.0, nesterov=False)",
        ],
      },
      "optimizers.SGD.__init__: expected (learningRate, momentum, { weightDecay = 0, dampening = 0, nesterov = false }), found new optim.SGD(learningRate, { weightDecay = 0, dampening = 0, nesterov = false, momentum = 0 })",
    ],
  ])("%s", (_, api, problem) => {
    expect(changed(api)).toEqual([problem]);
  });

  test("a name that MLX no longer has, among the reasons", () => {
    const { "core.arange": _, ...api } = upstream.api;
    const { problems } = parity({ ...upstream, api }, differences);
    expect(problems).toContain("core.arange has a reason to differ, but MLX has no such name");
  });

  test("a reason that is not needed, or is for something else", () => {
    const reasons = [
      ...differences,
      { mlx: ["core.sum"], ours: "mx.sum", note: "none" },
      { mlx: "core.stream", ours: "mx.stream(s)", note: "twice" },
    ];
    expect(parity(upstream, reasons).problems).toEqual([
      "core.sum has a reason to differ, but it agrees: take the reason away",
      "core.stream has two reasons to differ",
    ]);
    const other = differences.map((x) =>
      x.mlx === "core.stream" ? { ...x, ours: "mx.stream(s)" } : x,
    );
    expect(parity(upstream, other).problems).toEqual([
      "core.stream has a reason for mx.stream(s), but there is mx.stream(s, fn); mx.stream(s)",
    ]);
  });
});
