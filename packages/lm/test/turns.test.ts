import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { parseJson } from "../src/json.js";
import { atOnce, inTurns, type Work } from "../src/turns.js";

/** Many copies of a value, so that the text is longer than what is read at once. */
const long = (value: unknown, count = 5000) => Array.from({ length: count }, () => value);

function pieces(text: string): number {
  const work = parseJson(text);
  let count = 0;
  while (work.next().done !== true) {
    count++;
  }
  return count;
}

test("JSON in pieces is what JSON.parse gives", () => {
  // With members before, between and after those that are too long to be read at once.
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), fc.boolean(), (a, b, indented) => {
      const records = Object.fromEntries(long(b, 900).map((value, i) => [`${i}"\\`, value]));
      const value = {
        a,
        // So long that the filling, with what is read before it, is less than half of all.
        deep: [a, { list: long([a, '[{\\"'], 8000), b }, b],
        empty: [{}, []],
        records: { ...records, filling: "x".repeat(40_000), ["__proto__"]: 1, 7: b },
        b,
      };
      const text = JSON.stringify(value, null, indented ? 1 : 0);
      expect(pieces(text)).toBeGreaterThan(1);
      const parse = vi.spyOn(JSON, "parse");
      const read = atOnce(parseJson(text));
      const longest = Math.max(...parse.mock.calls.map(([part]) => part.length));
      parse.mockRestore();
      expect(read).toStrictEqual(JSON.parse(text));
      expect(longest).toBeLessThan(text.length / 2);
    }),
    { numRuns: 10, seed: 1 },
  );
});

test("long records of a name come as a Map, with names that records do not keep in order", () => {
  const names = [...Array.from({ length: 5000 }, (_, i) => `x${i}`), "__proto__", "7", "toString"];
  const members = names.map((name, i) => `${JSON.stringify(name)}: ${i}`);
  const text = `{"vocab": {"a": 1}, "model": {"vocab": {${members.join(", ")}}}}`;
  const read = atOnce(parseJson(text, "vocab")) as {
    vocab: unknown;
    model: { vocab: Map<string, number> };
  };
  expect(read.vocab).toEqual({ a: 1 });
  expect(read.model.vocab).toBeInstanceOf(Map);
  expect([...read.model.vocab].sort(([, a], [, b]) => a - b).map(([name]) => name)).toEqual(names);
});

test("what is no JSON is refused as JSON.parse refuses it, wherever the fault is", () => {
  const text = JSON.stringify({ a: [1], list: long("abcdefgh"), record: { b: long(1) }, c: 2 });
  const cuts = [0, 1, 6, 20, 40_000, 60_000, text.length - 8, text.length - 1];
  const faulty = cuts.flatMap((at) => [
    text.slice(0, at),
    ...[",", "]", "}", '"', "\\", "x", ",,"].map((y) => text.slice(0, at) + y + text.slice(at)),
  ]);
  faulty.push(`${text},1`, `${text}${text}`, text.replace("],", "]"), text.replace('":', '"'));
  let refused = 0;
  for (const each of faulty) {
    let value: unknown;
    let error: unknown;
    try {
      value = JSON.parse(each);
    } catch (thrown) {
      error = thrown;
    }
    if (error === undefined) {
      // A character within a text.
      expect(atOnce(parseJson(each))).toEqual(value);
    } else {
      refused++;
      expect(() => atOnce(parseJson(each))).toThrow((error as SyntaxError).message);
    }
  }
  expect(refused).toBeGreaterThan(40);
});

test("long work lets others have their turns, and ends with the reason of a signal", async () => {
  let steps = 0;
  function* work(last: number): Work<string> {
    for (; steps < last; steps++) {
      const end = performance.now() + 1;
      while (performance.now() < end) {
        // Busy.
      }
      yield;
    }
    return "done";
  }
  const turns: number[] = [];
  const timer = setInterval(() => turns.push(steps), 0);
  expect(await inTurns(work(30))).toBe("done");
  clearInterval(timer);
  expect(turns.length).toBeGreaterThan(0);
  const controller = new AbortController();
  setImmediate(() => controller.abort("enough"));
  await expect(inTurns(work(1e9), controller.signal)).rejects.toBe("enough");
  expect(steps).toBeLessThan(1e6);
});

test("work that is given up comes to its end", async () => {
  let isOpen = true;
  function* work(): Work<undefined> {
    try {
      for (;;) {
        yield;
      }
    } finally {
      isOpen = false;
    }
  }
  await expect(inTurns(work(), AbortSignal.abort("enough"))).rejects.toBe("enough");
  expect(isOpen).toBe(false);
});
