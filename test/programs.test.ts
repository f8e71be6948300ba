/**
 * Random programs give what they give in Python's MLX: test/golden/programs.json,
 * or the file that MLX_TEST_PROGRAMS names (see `npm run programs`).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mx } from "mlx-js";
import { beforeAll, describe, expect, test } from "vitest";
import { decode, difference, type Json, lookup } from "./support/golden.js";

/** What a step takes: JSON, in which `{ $value: 3 }` is the value of the fourth step. */
type Taken = Json;

interface Step {
  /** An array. */
  input?: Json;
  /** A call of a function, or of the method of its first argument. */
  name?: string;
  args?: Taken[];
  options?: Record<string, Taken>;
  method?: true;
  /** Which of several results. */
  pick?: number;
  /** `get`, `set` or an update such as `add`, at indices. */
  index?: string;
  of?: Taken;
  indices?: Taken[];
  value?: Taken;

  /** The dtype and the shape, such as `int32[2,3]`; or the value. */
  gives?: string;
  expect?: Json;
  tolerance?: number;
}

interface Program {
  seed: [seed: number, number: number];
  steps: Step[];
}

// biome-ignore lint/suspicious/noExplicitAny: what is called is only known from the data
type Any = any;

function resolve(taken: Taken, values: Any[]): Any {
  if (Array.isArray(taken)) {
    return taken.map((t) => resolve(t, values));
  }
  if (typeof taken === "object" && taken !== null) {
    return "$value" in taken ? values[taken["$value"] as number] : decode(taken);
  }
  return taken;
}

function compute(step: Step, values: Any[]): Any {
  if (step.input !== undefined) {
    return decode(step.input);
  }
  if (step.index !== undefined) {
    const x = resolve(step.of ?? null, values);
    const indices = resolve(step.indices ?? [], values);
    if (step.index === "get") {
      return x.get(...indices);
    }
    const value = resolve(step.value ?? null, values);
    if (step.index === "set") {
      const copy = mx.array(x);
      copy.set(indices, value);
      return copy;
    }
    return x.at(...indices)[step.index](value);
  }
  const args = resolve(step.args ?? [], values);
  for (const [key, value] of Object.entries(step.options ?? {})) {
    if (typeof args.at(-1) !== "object" || !(optionsOf in args.at(-1))) {
      args.push({ [optionsOf]: true });
    }
    args.at(-1)[key] = resolve(value, values);
  }
  return args;
}
