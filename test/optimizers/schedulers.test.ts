import { mx, optim } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const at = (schedule: (step: mx.array) => mx.array, step: number) =>
  schedule(mx.array(step, mx.uint64)).item();

const { exponentialDecay, stepDecay, cosineDecay, joinSchedules, linearSchedule } = optim;

describe("schedules", () => {
  test.each<[string, (step: mx.array | number) => mx.array, (step: number) => number]>([
    ["exponentialDecay", exponentialDecay(0.5, 0.9), (n) => 0.5 * 0.9 ** n],
    ["stepDecay", stepDecay(0.5, 0.7, 3), (n) => 0.5 * 0.7 ** Math.floor(n / 3)],
    [
      "cosineDecay",
      cosineDecay(0.5, 8, { end: 0.1 }),
      (n) => 0.1 + 0.2 * (1 + Math.cos((Math.PI * Math.min(n, 8)) / 8)),
    ],
    ["linearSchedule", linearSchedule(0.1, 0.9, 6), (n) => 0.1 + (0.8 * Math.min(n, 6)) / 6],
    ["linearSchedule down", linearSchedule(3, 1, 2), (n) => 3 - Math.min(n, 2)],
    [
      "joinSchedules",
      joinSchedules(
        [linearSchedule(0, 0.5, 3), cosineDecay(0.5, 10), stepDecay(2, 0.5, 1)],
        [3, 6],
      ),
      (n) =>
        n < 3
          ? n / 6
          : n < 6
            ? 0.25 * (1 + Math.cos((Math.PI * (n - 3)) / 10))
            : 2 * 0.5 ** (n - 6),
    ],
  ])("%s", (_, schedule, expected) => {
    for (const n of [0, 1, 2, 3, 5, 6, 7, 8, 9, 30]) {
      expect(at(schedule, n)).toBeCloseTo(expected(n), 6);
      expect(schedule(n).item()).toBeCloseTo(expected(n), 6);
      expect(schedule(mx.array(n, mx.uint64)).dtype).toBe(mx.float32);
    }
  });

  test("whole numbers make no integers", () => {
    for (const schedule of [
      exponentialDecay(2, 1),
      stepDecay(2, 1, 1),
      linearSchedule(0, 10, 5),
      joinSchedules([linearSchedule(2, 2, 1), cosineDecay(2, 5, { end: 2 })], [2]),
    ]) {
      for (const n of [0, 1, 4]) {
        const x = schedule(mx.array(n, mx.uint64));
        expect(x.dtype).toBe(mx.float32);
        expect([2, 2 * n]).toContain(x.item());
      }
    }
  });

  test("a step decay that gets large steps is exact", () => {
    const schedule = stepDecay(1, 0.5, 2 ** 24);
    expect([at(schedule, 2 ** 25 - 1), at(schedule, 2 ** 25)]).toEqual([0.5, 0.25]);
  });

  test("joinSchedules takes schedules of one's own", () => {
    const schedule = joinSchedules([() => 3, (n) => mx.multiply(n, 2)], [5]);
    expect([at(schedule, 4), at(schedule, 5), at(schedule, 7)]).toEqual([3, 0, 4]);
  });

  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    [
      "no steps",
      () => stepDecay(1, 1, 0),
      RangeError,
      "[stepDecay] stepSize: expected a positive integer, received 0",
    ],
    [
      "half steps",
      () => stepDecay(1, 1, 0.5),
      TypeError,
      "[stepDecay] stepSize: expected an integer, received 0.5",
    ],
    ["no decay", () => cosineDecay(1, 0), RangeError, "[cosineDecay] decaySteps: expected"],
    [
      "end",
      () => cosineDecay(1, 5, { end: any("0") }),
      TypeError,
      '[cosineDecay] end: expected a number, received "0"',
    ],
    [
      "a number for options",
      () => cosineDecay(1, 5, any(0.1)),
      TypeError,
      "[cosineDecay] options: expected { end: 0.1 }, received 0.1",
    ],
    [
      "a typo",
      () => cosineDecay(1, 5, any({ ends: 1 })),
      TypeError,
      '[cosineDecay] options: expected end, received an option "ends"',
    ],
    ["no line", () => linearSchedule(0, 1, 0), RangeError, "[linearSchedule] steps: expected"],
    [
      "no end",
      () => linearSchedule(0, any(undefined), 5),
      TypeError,
      "[linearSchedule] end: expected a number",
    ],
    [
      "init",
      () => exponentialDecay(any("1"), 1),
      TypeError,
      "[exponentialDecay] init: expected a number",
    ],
    [
      "nothing to join",
      () => joinSchedules([], []),
      RangeError,
      "[joinSchedules] schedules: expected at least one",
    ],
    [
      "one schedule",
      () => joinSchedules(any(linearSchedule(0, 1, 2)), []),
      TypeError,
      "[joinSchedules] schedules: expected a list of schedules",
    ],
    [
      "boundaries",
      () => joinSchedules([() => 1], [1]),
      RangeError,
      "[joinSchedules] boundaries: expected one less than the 1 schedules, received [ 1 ]",
    ],
    [
      "half boundaries",
      () => joinSchedules([() => 1, () => 1], [0.5]),
      TypeError,
      "[joinSchedules] boundaries[0]: expected an integer",
    ],
    [
      "a step",
      () => any(linearSchedule(0, 1, 2))("1"),
      TypeError,
      '[linearSchedule] step: expected an array or a number, received "1"',
    ],
  ])("wrong arguments: %s", (_, make, type, text) => {
    expect(make).toThrow(type);
    expect(make).toThrow(text);
  });
});
