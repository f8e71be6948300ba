import { mx, nn, optim } from "mlx-js";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { foreignController } from "./support/foreign-signal.js";
import { live } from "./support/live.js";

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));

const unhandled: unknown[] = [];
const note = (reason: unknown) => unhandled.push(reason);
beforeEach(() => void process.on("unhandledRejection", note));
afterEach(async () => {
  await turn();
  process.off("unhandledRejection", note);
  expect(unhandled.splice(0)).toEqual([]);
});

/** Fails when it is evaluated, not when it is noted. */
const failing = () => mx.linalg.inv(mx.zeros([2, 2]), { stream: mx.cpu }).sum();

describe("pipeline", () => {
  test("notes the next step before it awaits one, and gives the results in order", async () => {
    const log: string[] = [];
    const x = mx.array([1, 2]);
    const step = (previous: mx.array, index: number) => {
      log.push(`note ${index}`);
      return index < 4 ? mx.add(mx.multiply(previous, 2), index) : undefined;
    };
    for await (const y of mx.pipeline(step, { initial: x })) {
      log.push(`use ${y.tolist()}`);
    }
    expect(log).toEqual([
      "note 0",
      "note 1",
      "use 2,4",
      "note 2",
      "use 5,9",
      "note 3",
      "use 12,20",
      "note 4",
      "use 27,43",
    ]);
    expect(x.tolist()).toEqual([1, 2]);
  });

  test("lets the event loop go on before it notes the next step", async () => {
    const log: string[] = [];
    const step = (_: unknown, index: number) => {
      log.push(`note ${index}`);
      return index < 3 ? mx.array([index]) : undefined;
    };
    for await (const x of mx.pipeline(step)) {
      const use = `use ${x.item()}`;
      log.push(use);
      setTimeout(() => log.push(`timer of ${use}`), 0);
      // Until it is due.
      for (const start = performance.now(); performance.now() - start < 3; );
    }
    expect(log.slice(0, 7)).toEqual([
      "note 0",
      "note 1",
      ...["use 0", "timer of use 0", "note 2"],
      ...["use 1", "timer of use 1"],
    ]);
  });

  test("needs none of the timers that a test framework replaces", async () => {
    vi.useFakeTimers();
    try {
      const values: unknown[] = [];
      for await (const x of mx.pipeline((_, i) => (i < 4 ? mx.array([i]) : undefined))) {
        values.push(x.item());
      }
      expect(values).toEqual([0, 1, 2, 3]);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([0, 1, 2, 5])("with %i steps ahead", async (ahead) => {
    const before = live();
    let noted = 0;
    let used = 0;
    const most: number[] = [];
    const step = (previous: mx.array | undefined, i: number) => {
      noted++;
      return i < 7 ? mx.add(previous ?? mx.array([0]), i) : undefined;
    };
    const values: unknown[] = [];
    for await (const x of mx.pipeline(step, { ahead })) {
      most.push(noted - used);
      used++;
      values.push(x.item());
    }
    expect(Math.max(...most)).toBe(ahead + 1);
    expect(values).toEqual([0, 1, 3, 6, 10, 15, 21]);
    expect(live()).toBe(before);
  });

  test("a result lives until the next is asked for, unless it is kept or stored", async () => {
    const before = live();
    class Cell extends mx.Owner {
      x: mx.array | undefined;
    }
    const cell = new Cell();
    const seen: mx.array[] = [];
    const step = (_: unknown, i: number) => (i < 4 ? { x: mx.array([i]) } : undefined);
    for await (const { x } of mx.pipeline(step)) {
      expect(x.disposed).toBe(false);
      if (seen.length === 1) {
        mx.keep(x);
      }
      if (seen.length === 2) {
        cell.x = x;
      }
      seen.push(x);
      await turn();
    }
    expect(seen.map((x) => x.disposed)).toEqual([true, false, false, true]);
    expect(seen[1]?.item()).toBe(1);
    expect(cell.x?.item()).toBe(2);
    cell.dispose();
    seen[1]?.dispose();
    expect(live()).toBe(before);
  });

  test("a step may hand on what it was given", async () => {
    const before = live();
    const first = mx.array([7]);
    const step = (previous: [mx.array, mx.array], i: number): [mx.array, mx.array] | undefined =>
      i < 4 ? [previous[0], mx.add(previous[1], 1)] : undefined;
    const sums: number[] = [];
    const initial: [mx.array, mx.array] = [first, mx.array([0])];
    for await (const [a, b] of mx.pipeline(step, { initial })) {
      sums.push(mx.tidy(() => mx.add(a, b).item()));
    }
    expect(sums).toEqual([8, 9, 10, 11]);
    mx.dispose(initial);
    // Made inside, and handed on from step to step.
    const same = (previous: mx.array | undefined, i: number) =>
      i < 5 ? (previous ?? mx.array([3])) : undefined;
    const values: unknown[] = [];
    for await (const x of mx.pipeline(same)) {
      values.push(x.item());
    }
    expect(values).toEqual([3, 3, 3, 3, 3]);
    expect(live()).toBe(before);
  });

  test("break, return and throw end it, and free what was noted", async () => {
    const before = live();
    const boom = new Error("boom");
    const step = (previous: mx.array | undefined) => mx.add(previous ?? mx.array([0]), 1);
    const loop = async (leave: () => "break" | "return") => {
      for await (const x of mx.pipeline(step)) {
        if (x.item() === 3) {
          if (leave() === "return") {
            return "returned";
          }
          break;
        }
      }
      return "done";
    };
    expect(await loop(() => "break")).toBe("done");
    expect(await loop(() => "return")).toBe("returned");
    const thrower = () => {
      throw boom;
    };
    await expect(loop(thrower)).rejects.toBe(boom);
    const steps = mx.pipeline(step);
    expect((await steps.next()).value?.item()).toBe(1);
    expect(await steps.return()).toEqual({ value: undefined, done: true });
    expect(await steps.next()).toEqual({ value: undefined, done: true });
    // One that never began has noted nothing.
    mx.pipeline(step);
    expect(live()).toBe(before);
  });

  test("what was noted when the loop is left fails without a word", async () => {
    const before = live();
    for (let i = 0; i < 3; i++) {
      for await (const x of mx.pipeline((_, i) => (i === 0 ? mx.array([1]) : failing()))) {
        expect(x.item()).toBe(1);
        await turn();
        break;
      }
    }
    expect(live()).toBe(before);
  });

  test("errors come in their turn, as the same object", async () => {
    const before = live();
    const boom = { what: "boom" };
    const failures: ((previous: mx.array) => mx.array | Promise<mx.array>)[] = [
      () => {
        throw boom;
      },
      () => Promise.reject(boom),
      async () => {
        await turn();
        throw boom;
      },
    ];
    for (const fail of failures) {
      const values: unknown[] = [];
      const step = (previous: mx.array, i: number) =>
        i < 2 ? mx.add(previous, 1) : fail(previous);
      const loop = async () => {
        for await (const x of mx.pipeline(step, { initial: mx.array([0]) })) {
          values.push(x.item());
        }
      };
      await expect(loop()).rejects.toBe(boom);
      expect(values).toEqual([1, 2]);
    }
    const values: unknown[] = [];
    const loop = async () => {
      const step = (previous: mx.array | undefined, i: number) =>
        mx.add(previous ?? 0, i < 2 ? 1 : failing());
      for await (const x of mx.pipeline(step)) {
        values.push(x.item());
      }
    };
    await expect(loop()).rejects.toThrow(/LU factorization|singular|Inverse/i);
    expect(values).toEqual([1, 2]);
    expect(live()).toBe(before);
  });

  test("a signal ends it with its reason", async () => {
    const before = live();
    const reason = { why: "enough" };
    const step = (previous: mx.array | undefined) => mx.add(previous ?? mx.array([0]), 1);
    // Before it begins, in the loop, and while a step is computed.
    const loop = async (signal: mx.Signal, use: (x: mx.array) => unknown) => {
      for await (const x of mx.pipeline(step, { signal })) {
        await use(x);
      }
    };
    const never = () => expect.unreachable();
    await expect(loop(AbortSignal.abort(reason), never)).rejects.toBe(reason);
    const inLoop = new AbortController();
    const values: unknown[] = [];
    await expect(
      loop(inLoop.signal, async (x) => {
        values.push(x.item());
        if (values.length === 2) {
          inLoop.abort(reason);
          await turn();
        }
      }),
    ).rejects.toBe(reason);
    expect(values).toEqual([1, 2]);
    // Of another realm.
    const { controller, listeners } = foreignController();
    const abort = async () => controller.abort(reason);
    await expect(loop(controller.signal, abort)).rejects.toBe(reason);
    await expect(loop(controller.signal, never)).rejects.toBe(reason);
    expect(listeners()).toBe(0);
    const meanwhile = new AbortController();
    const slow = mx.pipeline(
      () => {
        let x = mx.full([256, 256], 0.001);
        for (let i = 0; i < 200; i++) {
          x = mx.matmul(x, x);
        }
        return x;
      },
      { signal: meanwhile.signal },
    );
    const first = slow.next();
    setTimeout(() => meanwhile.abort(reason), 3);
    await expect(first).rejects.toBe(reason);
    expect(live()).toBe(before);
  });

  test("a signal ends it while a step waits for something else", async () => {
    const before = live();
    const reason = { why: "enough" };
    const results: unknown[] = [];
    // What comes too late is nothing to the loop, and no unhandled rejection.
    for (const late of ["never", "gives", "throws"]) {
      const controller = new AbortController();
      let settle = (): void => expect.unreachable();
      const step = (_: unknown, index: number) =>
        index === 0
          ? mx.array([7])
          : new Promise<mx.array | undefined>((resolve, reject) => {
              settle = late === "throws" ? reject : () => resolve(undefined);
              setTimeout(() => controller.abort(reason), 1);
            });
      const loop = async () => {
        for await (const x of mx.pipeline(step, { signal: controller.signal, ahead: 0 })) {
          results.push(x.item());
        }
      };
      await expect(loop()).rejects.toBe(reason);
      if (late !== "never") {
        settle();
        await turn();
      }
    }
    expect(results).toEqual([7, 7, 7]);
    expect(live()).toBe(before);
  });

  test("a step that aborts by itself is not waited for", async () => {
    const controller = new AbortController();
    const step = () => {
      controller.abort(7);
      return new Promise<undefined>(() => {});
    };
    const steps = mx.pipeline(step, { signal: controller.signal });
    await expect(steps.next()).rejects.toBe(7);
  });

  test("a training loop: the state is computed with the losses", async () => {
    const before = live();
    {
      using model = new nn.Linear(2, 1, { bias: false });
      using optimizer = new optim.SGD(0.125);
      model.update({ weight: mx.array([[0, 0]]) });
      const x = mx.array([[1, 2]]);
      const lossAndGradients = nn.valueAndGrad(model, () =>
        mx.sum(mx.square(mx.subtract(model.forward(x), 5))),
      );
      const losses: unknown[] = [];
      const step = (_: unknown, i: number) => {
        if (i === 3) {
          return undefined;
        }
        const [loss, gradients] = lossAndGradients();
        optimizer.update(model, gradients);
        return loss as mx.array;
      };
      for await (const loss of mx.pipeline(step, { state: [model, optimizer.state] })) {
        losses.push(loss.item());
      }
      expect(losses).toEqual([25, 1.5625, 0.09765625]);
      expect(optimizer.step.item()).toBe(3n);
      x.dispose();
    }
    expect(live()).toBe(before);
  });

  test("inside of an asynchronous tidy, several at once", async () => {
    const before = live();
    const sums = await Promise.all(
      [1, 2, 3].map((k) =>
        mx.tidy(async () => {
          let total = mx.array([0]);
          const step = (_: unknown, i: number) => (i < 4 ? mx.array([k * i]) : undefined);
          for await (const x of mx.pipeline(step)) {
            total = mx.add(total, x);
            await turn();
          }
          return total;
        }),
      ),
    );
    expect(sums.map((x) => x.item())).toEqual([6, 12, 18]);
    mx.dispose(sums);
    expect(live()).toBe(before);
  });

  test("what it refuses", async () => {
    const one = () => mx.array([1]);
    const calls: [() => unknown, string][] = [
      [() => mx.pipeline(1 as never), "step: expected a function, received 1"],
      [() => mx.pipeline(one, { Ahead: 1 } as never), 'received an option "Ahead"'],
      [() => mx.pipeline(one, { ahead: -1 }), "ahead: expected"],
      [() => mx.pipeline(one, { ahead: 0.5 }), "ahead: expected"],
      [() => mx.pipeline(one, { ahead: "1" } as never), "ahead: expected"],
      [() => mx.pipeline(one, { signal: {} } as never), "signal: expected an AbortSignal"],
      [() => mx.pipeline(one, { state: 1 } as never), "state: expected an array, or a list"],
    ];
    for (const [call, text] of calls) {
      expect(call).toThrow(text);
      expect(call).toThrow("[pipeline]");
    }
    await expect(mx.pipeline((() => 1) as never).next()).rejects.toThrow(
      "[pipeline] step's result: expected arrays or, after the last step, undefined, received 1",
    );
    await expect(mx.pipeline((() => null) as never).next()).rejects.toThrow("received null");
    const generator = function* () {
      yield mx.array([1]);
    };
    await expect(mx.pipeline(generator as never).next()).rejects.toThrow(
      "[pipeline] step: expected a function that is done when it returns",
    );
    // A step's arrays live on in owners and in its result, not in any record.
    const state = { sum: mx.array([0]) };
    const adds = () => {
      state.sum = mx.add(state.sum, 1);
      return mx.array([1]);
    };
    await expect(mx.pipeline(adds, { state }).next()).rejects.toThrow(
      "[pipeline] state.sum: expected an array, received one that has been disposed by tidy",
    );
  });

  test("types", () => {
    const arrays = mx.pipeline((x, i) => mx.add(x, i), { initial: mx.array([1]) });
    expectTypeOf(arrays).toEqualTypeOf<AsyncGenerator<mx.array, void, undefined>>();
    const records = mx.pipeline((previous: { x: mx.array } | undefined, i) => {
      expectTypeOf(i).toEqualTypeOf<number>();
      return i < 2 ? { x: previous?.x ?? mx.array([1]) } : undefined;
    });
    expectTypeOf(records).toEqualTypeOf<AsyncGenerator<{ x: mx.array }, void, undefined>>();
    const later = mx.pipeline(async (_, i) => (i < 2 ? mx.array([i]) : undefined));
    expectTypeOf(later).toEqualTypeOf<AsyncGenerator<mx.array, void, undefined>>();
    // @ts-expect-error: a number is no array
    mx.pipeline(() => 1);
    // @ts-expect-error: without `initial`, there may be none before
    mx.pipeline((x: mx.array) => mx.add(x, 1));
  });
});
