import { mx } from "mlx-js";
import { ChatSession, type Message, parseToolCalls } from "mlx-js-lm";
import { afterAll, describe, expect, test } from "vitest";
import { live } from "../../../test/support/live.js";
import { letterTokenizer, stub } from "./support/stub.js";

// Its template joins the messages; it answers with every third letter after the last one.
const loaded = stub();
mx.eval(loaded.model);
afterAll(() => loaded.model.dispose());

const contents = (session: ChatSession) => session.messages.map(({ content }) => content);

test("a conversation is kept, and read once", async () => {
  using session = new ChatSession(loaded, { system: "xyz", maxTokens: 3 });
  loaded.model.calls.length = 0;
  expect(await session.send("ba").text()).toBe("dgj");
  // All but the last token, and then a token at a time.
  expect(loaded.model.calls).toEqual([4, 1, 1, 1]);
  expect(contents(session)).toEqual(["xyz", "ba", "dgj"]);
  expect(session.cachedTokens).toBe(7);
  loaded.model.calls.length = 0;
  expect(await session.send("ca").text()).toBe("dgj");
  // The last answer's last token was not read yet.
  expect(loaded.model.calls).toEqual([2, 1, 1, 1]);
  session.reset();
  expect(contents(session)).toEqual(["xyz"]);
  expect(session.cachedTokens).toBe(0);
  expect(await session.send("a").text()).toBe("dgj");
});

test("what has changed is read again, and all of it where a cache cannot be trimmed", async () => {
  for (const [maxKvSize, read] of [
    [undefined, [2, 1]],
    // A rotating cache that is full has lost what came before.
    [4, [7, 1]],
  ] as const) {
    using session = new ChatSession(loaded, { maxTokens: 1, maxKvSize, system: "xyzu" });
    expect(await session.send("ab").text()).toBe("e");
    (session.messages as Message[])[1] = { role: "user", content: "aa" };
    loaded.model.calls.length = 0;
    expect(await session.send("d").text()).toBe("g");
    expect(loaded.model.calls).toEqual(read);
    expect(session.cachedTokens).toBe(8);
  }
});

test("an answer that is left early stays as far as it came, and one that fails is forgotten", async () => {
  const before = live();
  {
    using session = new ChatSession(loaded);
    for await (const { generationTokens } of session.send("a")) {
      if (generationTokens === 2) {
        break;
      }
    }
    expect(contents(session)).toEqual(["a", "dg"]);
    expect(session.cachedTokens).toBe(3);
    const controller = new AbortController();
    const aborted = (async () => {
      for await (const { generationTokens } of session.send("b", { signal: controller.signal })) {
        if (generationTokens === 3) {
          controller.abort(new Error("enough"));
        }
      }
    })();
    await expect(aborted).rejects.toThrow("enough");
    expect(contents(session)).toEqual(["a", "dg", "b", "ehk"]);
    const failing = session.send("c", {
      sampler: () => {
        throw new Error("no sampler");
      },
    });
    await expect(failing.text()).rejects.toThrow("no sampler");
    expect(contents(session)).toEqual(["a", "dg", "b", "ehk"]);
    expect(await session.send("a", { maxTokens: 2 }).text()).toBe("dg");
  }
  expect(mx.memory().arrays).toBe(before);
});

test("an answer that is ended in the middle of a step leaves no token that nobody has seen", async () => {
  for (const maxKvSize of [undefined, 3]) {
    using session = new ChatSession(loaded, { maxKvSize, maxTokens: 9 });
    const controller = new AbortController();
    let noted = 0;
    const stopping = (_: mx.array, logits: mx.array) => {
      noted += 1;
      if (noted === 4) {
        controller.abort(new Error("enough"));
      }
      return logits;
    };
    const options = { signal: controller.signal, logitsProcessors: [stopping] };
    await expect(session.send("za", options).text()).rejects.toThrow("enough");
    // Of four steps that were noted, two were given.
    expect(contents(session)).toEqual(["za", "dg"]);
    expect(session.cachedTokens).toBe(maxKvSize === undefined ? 4 : 0);
    loaded.model.calls.length = 0;
    expect(await session.send("b", { maxTokens: 2 }).text()).toBe("eh");
    expect(loaded.model.calls).toEqual(maxKvSize === undefined ? [1, 1] : [4, 1, 1]);
  }
});

test("a conversation longer than the context is refused, stays as it was, and goes on without its beginning", async () => {
  const short = stub(12);
  using session = new ChatSession(short, { system: "x", maxTokens: 2 });
  await session.send("abc").text();
  await session.send("abc").text();
  const before = contents(session);
  await expect(session.send("abc").text()).rejects.toMatchObject({ code: "ERR_MLX_LM_CONTEXT" });
  expect(contents(session)).toEqual(before);
  const recent = session.messages.filter(({ role }) => role !== "system").slice(-2);
  session.reset();
  expect(await session.send([...recent, { role: "user", content: "abc" }]).text()).toBe("fi");
  expect(contents(session)).toEqual(["x", "abc", "fi", "abc", "fi"]);
  short.model.dispose();
});

test("an option that is undefined is as if it was not given", async () => {
  using session = new ChatSession(loaded, { maxTokens: 3, tools: undefined });
  const options = { signal: undefined, maxTokens: undefined, stop: undefined };
  expect(await session.send("a", options).text()).toBe("dgj");
});

test("one answer at a time", async () => {
  using session = new ChatSession(loaded, { maxTokens: 2 });
  const first = session.send("a");
  await first.next();
  await expect(session.send("b").text()).rejects.toThrow(/the session is answering already/);
  await first.return();
  expect(await session.send("b").text()).toBe("eh");
  expect(contents(session)).toEqual(["a", "d", "b", "eh"]);
});

test.each(["reset", "dispose"] as const)("%s ends an answer that is on its way", async (end) => {
  const { arrays } = mx.memory();
  using session = new ChatSession(loaded, { system: "x", maxTokens: 9 });
  await session.send("za", { maxTokens: 1 }).text();
  const before = contents(session);
  const first = session.send("b");
  await first.next();
  session[end]();
  // The next one does not wait for it.
  const second = session.send("a", { maxTokens: 2 });
  await second.next();
  await expect(first.text()).rejects.toMatchObject({
    code: "ERR_MLX_LM_CHAT",
    message: expect.stringMatching(/the session was reset, or freed, while it gave this answer/),
  });
  expect(await second.text()).toBe("g");
  expect(contents(session)).toEqual([...(end === "reset" ? ["x"] : before), "a", "dg"]);
  expect(await session.send("b", { maxTokens: 2 }).text()).toBe("eh");
  session.reset();
  expect(mx.memory().arrays).toBe(arrays);
});

test("a session that is reset while a tool works answers no more", async () => {
  using session = new ChatSession(loaded, {
    ...{ maxTokens: 2, parseToolCalls: () => [{ name: "f", arguments: {} }] },
    tools: [{ name: "f", run: (): void => session.reset() }],
  });
  await expect(session.send("a").text()).rejects.toThrow(/the session was reset, or freed/);
  expect([session.messages, session.cachedTokens]).toEqual([[], 0]);
});

describe("tools", () => {
  const asks = [{ name: "weather", arguments: { city: "x" } }];
  // Calls a tool unless it was called already: the result of a tool ends in e.
  const options = {
    maxTokens: 2,
    parseToolCalls: (text: string) => (text === "dg" ? asks : []),
  };

  test("are called, and their results answered", async () => {
    const seen: unknown[] = [];
    using session = new ChatSession(loaded, {
      ...options,
      tools: [
        {
          name: "weather",
          parameters: { type: "object" },
          run: async (args: { city: string }) => {
            seen.push(args);
            return "e";
          },
        },
      ],
    });
    expect(await session.send("a").text()).toBe("dghk");
    expect(seen).toEqual([{ city: "x" }]);
    expect(session.messages.map(({ role, content }) => [role, content])).toEqual([
      ["user", "a"],
      ["assistant", "dg"],
      ["tool", "e"],
      ["assistant", "hk"],
    ]);
    expect(session.toolCalls).toEqual([]);
  });

  test("without a function are left to the caller", async () => {
    using session = new ChatSession(loaded, { ...options, tools: [{ name: "weather" }] });
    expect(await session.send("a").text()).toBe("dg");
    expect(session.toolCalls).toEqual(asks);
    const result = { role: "tool", name: "weather", content: "e" };
    expect(await session.send(result).text()).toBe("hk");
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const thrown = new Error("no weather");
  test.each<[string, unknown, RegExp]>([
    ["a bigint", 5n, /received 5n \(Do not know how to serialize a BigInt\)/],
    ["one in a list", [5n], /received \[ 5n \] \(Do not know/],
    ["a cycle", cycle, /received \{ .* \} \(Converting circular structure to JSON\)/],
    ["a function", () => 5, /received \[Function: .*\] \(JSON leaves out what it holds\)$/],
    ["a symbol", Symbol("x"), /received Symbol\(x\) \(JSON leaves out what it holds\)$/],
    ["a map", new Map([[1, 2]]), /received Map\(1\) \{ 1 => 2 \} \(JSON leaves out/],
    ["an error that is not thrown", thrown, /received \[Error: .*\] \(JSON/],
    ["a set within", { a: [{ b: new Set() }] }, /\] \} \(JSON leaves out what "b" in it holds/],
    ["a function within", [() => 5], /received \[ .* \] \(JSON leaves out what "0" in it holds\)$/],
  ])("that give %s are refused by name, and nothing was said", async (_, result, message) => {
    const run = async () => result;
    using session = new ChatSession(loaded, { ...options, tools: [{ name: "weather", run }] });
    const answer = session.send("a").text();
    await expect(answer).rejects.toThrow(
      /^\[send\] the result of the tool "weather": expected a text, or what JSON can hold, /,
    );
    await expect(answer).rejects.toThrow(message);
    await expect(answer).rejects.toMatchObject({ code: "ERR_INVALID_ARG_TYPE" });
    expect(session.messages).toEqual([]);
    expect(await session.send("b", { maxTokens: 1 }).text()).toBe("e");
  });

  test.each<[string, unknown, string]>([
    ["nothing", undefined, "null"],
    ["a record", { a: [1, "b"] }, '{"a":[1,"b"]}'],
    ["no fields", {}, "{}"],
    ["a record without prototype", Object.create(null), "{}"],
    ["an array of mlx-js", mx.array([1, 2]), "[1,2]"],
    ["what says itself what it is", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [
      "what says that it has nothing",
      new (class {
        toJSON = () => ({});
      })(),
      "{}",
    ],
    ["what says that it is nothing", { toJSON: () => undefined }, "null"],
    ["empty lists and boxed numbers", [[], Object(5)], "[[],5]"],
  ])("that give %s are answered", async (_, result, content) => {
    const tools = [{ name: "weather", run: () => result }];
    using session = new ChatSession(loaded, { ...options, tools });
    await session.send("a").text();
    expect(session.messages.at(2)).toEqual({ role: "tool", name: "weather", content });
  });

  test("that throw or reject end the answer with their own error", async () => {
    for (const run of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      using session = new ChatSession(loaded, { ...options, tools: [{ name: "weather", run }] });
      await expect(session.send("a").text()).rejects.toBe(thrown);
      expect(session.messages).toEqual([]);
      expect(session.cachedTokens).toBe(0);
    }
  });

  test("are refused where the template knows none, unless one says how to ask for them", async () => {
    const tools = [{ name: "f" }];
    const create = (more: object) => () => new ChatSession(loaded, { tools, ...more });
    const message = expect.stringMatching(
      /tools: expected a model whose chat template tells it of/,
    );
    const refused = { code: "ERR_MLX_LM_CHAT_TEMPLATE", message };
    expect(create({})).toThrow(expect.objectContaining(refused));
    expect(create({ tools: [] })).not.toThrow();
    expect(create({ parseToolCalls: () => [] })).not.toThrow();
  });

  test("are told to a template that knows them, without what calls them", async () => {
    const { model, tokenizer } = loaded;
    const chatTemplate =
      "{{ messages[0].content }}{% if tools %}{{ tools[0].function.name }}{% endif %}";
    const knowing = letterTokenizer(chatTemplate);
    expect(tokenizer.knowsTools).toBe(false);
    using session = new ChatSession(
      { model, tokenizer: knowing },
      { maxTokens: 2, tools: [{ name: "fx", run: () => "" }] },
    );
    // After the x, the last letter of the name.
    expect(await session.send("a").text()).toBe(" b");
  });

  test("are looked for by a function that gives calls", async () => {
    for (const calls of [undefined, "f", [{}], [null], Promise.resolve([])]) {
      using session = new ChatSession(loaded, {
        ...{ maxTokens: 1, tools: [{ name: "f" }] },
        parseToolCalls: () => calls as never,
      });
      await expect(session.send("a").text()).rejects.toThrow(
        /parseToolCalls: expected a function that gives a list of \{ name, arguments \}, received/,
      );
      expect(session.messages).toEqual([]);
    }
  });

  test("are found in tags, unless what is there is no call", () => {
    const call = '{"name": "f", "arguments": {"x": 1}}';
    const text = `a <tool_call>\n${call}\n</tool_call><tool_call>{"name": "g"}</tool_call>`;
    expect(parseToolCalls(text)).toEqual([
      { name: "f", arguments: { x: 1 } },
      { name: "g", arguments: {} },
    ]);
    expect(parseToolCalls("<tool_call>f(1)</tool_call><tool_call>{}</tool_call>")).toEqual([]);
  });
});

test.each<[unknown, RegExp]>([
  [null, /options: expected an object with .*, received null/],
  [{ system: 5 }, /system: expected a string, received 5/],
  [{ tools: {} }, /tools: expected a list of \{ name, … \}/],
  [{ tools: [null] }, /tools\[0\]: expected \{ name, … \}, received null/],
  [{ tools: [{ name: "f", run: 5 }] }, /tools\[0\]\.run, of "f",: expected a function/],
  [{ tools: [{ name: "f", description: 5 }] }, /description, of "f",: expected a string/],
  [{ tools: [{ name: "f", parameters: "x" }] }, /parameters, of "f",: expected a JSON schema/],
  [{ variables: 5 }, /variables: expected a record, received 5/],
  [{ parseToolCalls: 5 }, /parseToolCalls: expected a function, received 5/],
  [{ promptCache: [] }, /options: expected .*, received an option "promptCache"/],
  [{ maxTokens: 0 }, /maxTokens: expected a positive integer, received 0/],
])("options of a session that are none: %j", (options, message) => {
  expect(() => new ChatSession(loaded, options as never)).toThrow(message);
});

test("what is no message is refused", () => {
  using session = new ChatSession(loaded);
  expect(() => session.send([])).toThrow(/message: expected a text, or messages/);
  expect(() => session.send({ content: "a" } as never)).toThrow(TypeError);
  expect(() => session.send("a", { promptCache: [] } as never)).toThrow(/an option "promptCache"/);
  expect(() => session.send("a", { temprature: 1 } as never)).toThrow(/did you mean "temperature"/);
  expect(() => session.send("a", null as never)).toThrow(/options: expected an object with/);
  expect(() => new ChatSession({} as never)).toThrow(/model: expected what load gives/);
});
