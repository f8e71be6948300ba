import { mx, nn, utils } from "mlx-js";
import { describe, expect, test } from "vitest";

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
const any = (x: unknown): any => x;

const cyclic = () => {
  const tree: Record<string, unknown> = { a: [1] };
  tree["b"] = [tree];
  return tree;
};

class Model extends nn.Module {
  scale = 3;
  name = "model";
  weight = mx.array([1, 2]);
  layers = [{ bias: mx.array([3]) }, new nn.Linear(2, 1, { bias: false })];
}

describe("treeFlatten", () => {
  test("names leaves by their way", () => {
    expect(utils.treeFlatten({ a: { b: true, c: [1, "two"] }, d: null })).toEqual([
      ["a.b", true],
      ["a.c.0", 1],
      ["a.c.1", "two"],
      ["d", null],
    ]);
    expect(utils.treeFlatten([[[0]]])).toEqual([["0.0.0", 0]]);
    expect(utils.treeFlatten(5)).toEqual([["", 5]]);
    expect(utils.treeFlatten({ a: {}, b: [] })).toEqual([]);
  });

  test("takes arrays, modules, lists and records of a module", () => {
    const model = new Model();
    const names = utils.treeFlatten(model).map(([name]) => name);
    expect(names).toEqual(["weight", "layers.0.bias", "layers.1.weight"]);
    expect(utils.treeFlatten(model)[0]?.[1]).toBe(model.weight);
  });

  test("takes instances of other classes as leaves", () => {
    const map = new Map([["a", 1]]);
    expect(utils.treeFlatten({ map, date: new Date(0) })).toEqual([
      ["map", map],
      ["date", new Date(0)],
    ]);
  });

  test("prefix, with Python's dot or without", () => {
    expect(utils.treeFlatten({ a: [1] }, { prefix: "model" })).toEqual([["model.a.0", 1]]);
    expect(utils.treeFlatten({ a: [1] }, { prefix: ".model" })).toEqual([["model.a.0", 1]]);
    expect(utils.treeFlatten(1, { prefix: "x" })).toEqual([["x", 1]]);
  });

  test("destination", () => {
    const record = { z: 0 };
    expect(utils.treeFlatten<number>({ a: { b: 1 } }, { destination: record })).toBe(record);
    expect(record).toEqual({ z: 0, "a.b": 1 });
    const list: [string, number][] = [["z", 0]];
    utils.treeFlatten({ a: [1] }, { destination: list });
    expect(list).toEqual([
      ["z", 0],
      ["a.0", 1],
    ]);
    expect(() => utils.treeFlatten({}, { destination: any(new Map()) })).toThrow(
      "[treeFlatten] destination: expected a list or a record, received Map(0) {}",
    );
  });

  test("isLeaf", () => {
    const isLeaf = (x: unknown) => Array.isArray(x) && x.length === 2;
    expect(utils.treeFlatten({ a: [1, 2], b: [[3, 4], 5, 6] }, { isLeaf })).toEqual([
      ["a", [1, 2]],
      ["b.0", [3, 4]],
      ["b.1", 5],
      ["b.2", 6],
    ]);
  });
});

describe("treeUnflatten", () => {
  test("turns flat trees back, from pairs and from records", () => {
    const tree = { a: [1, { b: 2 }], c: { d: 3, 1: 4 } };
    expect(utils.treeUnflatten(utils.treeFlatten(tree))).toEqual(tree);
    expect(utils.treeUnflatten(utils.treeFlatten(tree, { destination: {} }))).toEqual(tree);
    expect(utils.treeUnflatten([["hello.world", 42]])).toEqual({ hello: { world: 42 } });
  });

  test("lists: by number, gaps are empty records", () => {
    expect(utils.treeUnflatten({ "10": "k", "2": "c", "0": "a" })).toEqual([
      "a",
      {},
      "c",
      ...Array(7).fill({}),
      "k",
    ]);
    expect(utils.treeUnflatten({ "0": 1, x: 2 })).toEqual({ 0: 1, x: 2 });
    // As in Python, these do not collide.
    expect(utils.treeUnflatten({ "01": 1, "1": 2 })).toEqual({ "01": 1, 1: 2 });
  });

  test("single values and nothing", () => {
    expect(utils.treeUnflatten([["", 5]])).toBe(5);
    expect(utils.treeUnflatten([])).toEqual([]);
    expect(
      utils.treeUnflatten([
        ["a", 1],
        ["a.b", 2],
      ]),
    ).toEqual({ a: { "": 1, b: 2 } });
  });

  test("names that come from hostile files", () => {
    const tree = utils.treeUnflatten([["__proto__.polluted", 1]]);
    expect(any({}).polluted).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["__proto__"]);
    const flat = utils.treeFlatten(tree, { destination: {} });
    expect(Object.entries(flat)).toEqual([["__proto__.polluted", 1]]);
    expect(() => utils.treeUnflatten({ "a.4294967295": 1 })).toThrow(RangeError);
    const many = Array.from({ length: 9 }, (_, i) => [`x.${i}.${2 ** 18}`, i] as const);
    expect(() => utils.treeUnflatten(many)).toThrow(
      '[treeUnflatten] tree: expected lists with at most 1048576 positions left out, received "262144"',
    );
  });

  test("wrong arguments", () => {
    expect(() => utils.treeUnflatten(any(5))).toThrow(TypeError);
    expect(() => utils.treeUnflatten(any([["a", 1, 2]]))).toThrow(
      "[treeUnflatten] tree: expected pairs of a name and a value, received [ 'a', 1, 2 ]",
    );
    expect(() =>
      utils.treeUnflatten([
        ["a", 1],
        ["a", 2],
      ]),
    ).toThrow('[treeUnflatten] tree: expected every name once, received "a"');
  });
});

describe("treeMap", () => {
  test("maps arrays and keeps the tree's shape", () => {
    const out = utils.treeMap((x: mx.array) => mx.multiply(x, 2), {
      a: mx.array([1, 2]),
      b: [mx.array(3), { c: mx.array([4]) }],
    });
    expect(out.a.tolist()).toEqual([2, 4]);
    expect((out.b[0] as mx.array).item()).toBe(6);
    expect((out.b[1] as { c: mx.array }).c.tolist()).toEqual([8]);
  });

  test("maps several trees, which may have more leaves", () => {
    const f = (x: number, y: number, z: number) => x + 10 * y + 100 * z;
    expect(utils.treeMap(f, { a: [1, 2] }, [{ a: [3, 4, 5] }, { a: [6, 7], b: 8 }])).toEqual({
      a: [631, 742],
    });
    expect(() => utils.treeMap(f, { a: [1, 2] }, [{ a: [3, 4] }, { a: [6] }])).toThrow(
      '[treeMap] rest[1]: expected a tree with "a.1", as the first has, received { a: [ 6 ] }',
    );
    expect(() => utils.treeMap(f, { a: 1 }, [{}])).toThrow(TypeError);
    expect(() => utils.treeMap(f, { toString: 1 }, [{}])).toThrow(TypeError);
  });

  test("gives leaves of further trees as they are", () => {
    const received: unknown[] = [];
    utils.treeMap((...xs) => received.push(xs), { a: 1 }, [{ a: { b: [2] } }]);
    expect(received).toEqual([[1, { b: [2] }]]);
  });

  test("makes records of modules", () => {
    const model = new Model();
    const shapes = utils.treeMap((x) => x.shape, model as object);
    expect(shapes).toEqual({ weight: [2], layers: [{ bias: [1] }, { weight: [1, 2] }] });
  });

  test("isLeaf", () => {
    const isLeaf = (x: unknown) => Array.isArray(x);
    const lengths = utils.treeMap((x) => x.length, { a: [1, 2], b: [] }, [], { isLeaf });
    expect(lengths).toEqual({ a: 2, b: 0 });
  });

  test("does not change what it gets", () => {
    const tree = Object.freeze({ a: Object.freeze([1, 2]) });
    expect(utils.treeMap((x) => x + 1, tree)).toEqual({ a: [2, 3] });
  });

  test("passes exceptions on", () => {
    const thrown = { code: 7 };
    let caught: unknown;
    try {
      utils.treeMap(() => {
        throw thrown;
      }, [1]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(thrown);
  });

  test("wrong arguments", () => {
    expect(() => utils.treeMap(any(1), {})).toThrow(
      "[treeMap] fn: expected a function, received 1",
    );
    expect(() => utils.treeMap((x) => x, {}, any({ isLeaf: () => true }))).toThrow(
      "[treeMap] rest: expected a list of trees, received { isLeaf: [Function: isLeaf] }",
    );
    expect(() => utils.treeMap((x) => x, {}, [], any({ leaf: 1 }))).toThrow(
      '[treeMap] options: expected isLeaf, received an option "leaf"',
    );
    expect(() => utils.treeMap((x) => x, {}, [], { isLeaf: any(1) })).toThrow(
      "[treeMap] isLeaf: expected a function, received 1",
    );
  });
});

test("treeMapWithPath", () => {
  const paths: unknown[] = [];
  const tree = { model: [{ w: 0, b: 1 }, { w: 2 }] };
  const out = utils.treeMapWithPath(
    (path, x, y) => {
      paths.push([path, x, y]);
      return path.length;
    },
    tree,
    [{ model: [{ w: 5, b: 6 }, { w: 7 }] }],
  );
  expect(paths).toEqual([
    ["model.0.w", 0, 5],
    ["model.0.b", 1, 6],
    ["model.1.w", 2, 7],
  ]);
  expect(out).toEqual({ model: [{ w: 9, b: 9 }, { w: 9 }] });
  expect(utils.treeMapWithPath((path) => path, [1, [2]], [], { path: "x.y" })).toEqual([
    "x.y.0",
    ["x.y.1.0"],
  ]);
  expect(utils.treeMapWithPath((path) => path, 1)).toBe("");
  expect(() => utils.treeMapWithPath((path) => path, 1, [], { path: any(1) })).toThrow(
    "[treeMapWithPath] path: expected a string, received 1",
  );
});

test("treeReduce", () => {
  const tree = { a: [1, 2, 3], b: [4, 5] };
  expect(utils.treeReduce((sum: number, x: number) => sum + x, tree, 0)).toBe(15);
  expect(utils.treeReduce((sum: number, x: number) => 2 * sum + x, tree)).toBe(57);
  expect(utils.treeReduce((sum: string, x: number) => sum + x, tree, "")).toBe("12345");
  expect(utils.treeReduce(() => 1, {})).toBeUndefined();
  expect(utils.treeReduce(() => 1, { a: [] }, 7)).toBe(7);
  const isLeaf = (x: unknown) => Array.isArray(x);
  expect(utils.treeReduce((n: number, x) => n + x.length, tree, 0, { isLeaf })).toBe(5);
  const norm = utils.treeReduce(
    (sum: mx.array, x: mx.array) => mx.add(sum, mx.sum(x)),
    [mx.array([1, 2]), mx.array(3)],
    mx.array(0),
  );
  expect(norm.item()).toBe(6);
});

describe("treeMerge", () => {
  test("has the leaves of both", () => {
    expect(utils.treeMerge({ a: 1, c: { x: 1 } }, { b: [2], c: { y: 2 } })).toEqual({
      a: 1,
      b: [2],
      c: { x: 1, y: 2 },
    });
    expect(utils.treeMerge([{ a: 1 }, {}], [{}, { b: 2 }, 3])).toEqual([{ a: 1 }, { b: 2 }, 3]);
    expect(utils.treeMerge({ a: null, b: 1 }, { a: 2, b: undefined })).toEqual({ a: 2, b: 1 });
    expect(utils.treeMerge({}, { a: 1 })).toEqual({ a: 1 });
    expect(utils.treeMerge([], [])).toEqual([]);
  });

  test("asks where both have one", () => {
    const add = (x: number, y: number) => x + y;
    expect(utils.treeMerge({ a: [1, 2] }, { a: [3] }, add)).toEqual({ a: [4, 2] });
    expect(() => utils.treeMerge({ a: { b: 1 } }, { a: { b: 2 } })).toThrow(
      '[treeMerge] mergeFn: expected a function, as both trees have a value at "a.b", received undefined',
    );
    expect(() => utils.treeMerge({ a: [1] }, { a: { b: 2 } })).toThrow(TypeError);
    expect(() => utils.treeMerge({ a: [] }, { a: {} })).toThrow(
      "[treeMerge] treeB.a: expected a list, received {}",
    );
    expect(() => utils.treeMerge(1, 2, any("add"))).toThrow(
      '[treeMerge] mergeFn: expected a function, received "add"',
    );
  });

  test("takes a tree and its part", () => {
    const a = { k: { x: 1 } };
    expect(utils.treeMerge(a, { k: { k: a } })).toEqual({ k: { x: 1, k: a } });
    expect(utils.treeMerge(a, a, (x: number, y: number) => x + y)).toEqual({ k: { x: 2 } });
  });
});

test("trees that contain themselves are errors", () => {
  const text = "b.0: expected a tree, received a value that contains itself";
  expect(() => utils.treeFlatten(cyclic())).toThrow(`[treeFlatten] tree.${text}`);
  expect(() => utils.treeFlatten(cyclic())).toThrow(TypeError);
  expect(() => utils.treeMap((x) => x, cyclic())).toThrow(`[treeMap] tree.${text}`);
  expect(() => utils.treeMapWithPath((x) => x, cyclic())).toThrow(TypeError);
  expect(() => utils.treeReduce((x) => x, cyclic())).toThrow(TypeError);
  expect(() => utils.treeMerge(cyclic(), cyclic(), (x) => x)).toThrow(TypeError);
  // The same branch twice is no cycle.
  const branch = { w: 1 };
  expect(utils.treeMap((x: number) => x + 1, [branch, branch])).toEqual([{ w: 2 }, { w: 2 }]);
});
