import { Config } from "mlx-js-lm";
import { describe, expect, test } from "vitest";

const config = new Config(
  {
    count: 3,
    half: 0.5,
    flag: false,
    text: "silu",
    numbers: [1, 2.5],
    texts: ["a", "b"],
    part: { inner: 7 },
    nothing: null,
  },
  "folder/config.json",
);

describe("a configuration", () => {
  test("gives settings of the kind that is asked for", () => {
    expect(config.count("count")).toBe(3);
    expect(config.number("half")).toBe(0.5);
    expect(config.flag("flag")).toBe(false);
    expect(config.text("text")).toBe("silu");
    expect(config.numbers("numbers")).toEqual([1, 2.5]);
    expect(config.texts("texts")).toEqual(["a", "b"]);
    expect(config.oneOf("text", ["gelu", "silu"])).toBe("silu");
    expect(config.part("part")?.count("inner")).toBe(7);
  });

  test("takes null for a setting that is not there", () => {
    expect(config.has("nothing")).toBe(false);
    expect(config.count("nothing", 5)).toBe(5);
    expect(config.part("nothing")).toBeUndefined();
    expect(config.withDefaults({ nothing: 1, count: 1 }).values).toMatchObject({
      nothing: 1,
      count: 3,
    });
  });

  test("takes others in the place of its settings, and stays as it is", () => {
    expect(config.with({ count: 4 }).count("count")).toBe(4);
    expect(config.count("count")).toBe(3);
  });

  test.each<[() => unknown, string]>([
    [() => config.count("half"), "half to be a positive integer, received 0.5"],
    [() => config.count("missing"), "missing to be a positive integer, received nothing"],
    [() => config.number("text"), 'text to be a number, received "silu"'],
    [() => config.positive("missing", 0), "missing to be a number above 0, received 0"],
    [() => config.flag("count"), "count to be true or false, received 3"],
    [() => config.text("flag"), "flag to be a text, received false"],
    [() => config.numbers("texts"), 'texts to be a list of numbers, received ["a","b"]'],
    [() => config.texts("numbers"), "numbers to be a list of texts, received [1,2.5]"],
    [() => config.oneOf("text", ["gelu"]), 'text to be one of "gelu", received "silu"'],
    [() => config.expect("count", 8), "count to be 8, the only one known here, received 3"],
  ])("refuses others: %s", (ask, message) => {
    const error = { code: "ERR_MLX_LM_MODEL", message: `folder/config.json: expected ${message}` };
    expect(ask).toThrow(expect.objectContaining(error));
  });

  test("says where within a file a setting is, and refuses what is no record", () => {
    expect(() => config.part("part")?.text("inner")).toThrow(
      /^folder\/config\.json, part: expected/,
    );
    expect(() => config.part("texts")).toThrow("folder/config.json, texts: expected a record");
    expect(() => config.expect("missing", 8)).not.toThrow();
  });
});
