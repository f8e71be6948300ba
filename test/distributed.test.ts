import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";
import { addressOf, listen, printed, runRing, withHosts } from "./support/ring.js";

const { distributed } = mx;

describe("a process alone", () => {
  const x = mx.array([[1, -2, 3]], mx.int32);

  test("is a group of one, in which communication gives its input back", () => {
    const group = distributed.init();
    expect([group.rank(), group.size()]).toEqual([0, 1]);
    for (const name of ["allSum", "allMax", "allMin", "allGather", "sumScatter"] as const) {
      for (const options of [undefined, { group }, { group: null, stream: mx.cpu }]) {
        const y = distributed[name](x, options);
        expect(y.tolist()).toEqual([[1, -2, 3]]);
        expect(y.dtype).toBe(mx.int32);
      }
      expect(distributed[name](2.5).item()).toBe(2.5);
    }
  });

  test("knows which backends there are", () => {
    expect(distributed.isAvailable()).toBe(true);
    expect(distributed.isAvailable({ backend: "ring" })).toBe(true);
    expect(distributed.isAvailable({ backend: "carrier pigeon" as "ring" })).toBe(false);
  });

  test("has nobody to send to", () => {
    expect(() => distributed.send(x, 0)).toThrow(
      new Error("[distributed.send] Cannot send to a singleton group"),
    );
    const single = "Cannot recv from a singleton group";
    expect(() => distributed.recv([2], mx.float32, 0)).toThrow(
      new Error(`[distributed.recv] ${single}`),
    );
    expect(() => distributed.recvLike(x, 0)).toThrow(new Error(`[distributed.recvLike] ${single}`));
    expect(() => distributed.init().split(0, { key: 1 })).toThrow(
      new Error("[distributed.Group.split] Cannot split the distributed group further."),
    );
  });

  test("cannot be strict", () => {
    expect(() => distributed.init({ strict: true })).toThrow(
      new Error("[distributed] Couldn't initialize any backend"),
    );
    expect(() => distributed.init({ strict: true, backend: "ring" })).toThrow(/MLX_RANK/);
    expect(() => distributed.init({ backend: "x" as "ring" })).toThrow(/only valid values/);
  });

  test("says what is wrong with arguments", () => {
    const wrong = (fn: () => unknown, message: string) =>
      expect(fn).toThrow(new TypeError(message));
    wrong(
      () => distributed.allSum("1" as never),
      '[distributed.allSum] x: expected an array or a scalar, received "1"',
    );
    wrong(
      () => distributed.allSum(x, { group: 0 as never }),
      "[distributed.allSum] group: expected a group, received 0",
    );
    wrong(
      () => distributed.allMax(x, { groups: null } as never),
      '[distributed.allMax] options: expected group, stream, received an option "groups"; did you mean "group"?',
    );
    wrong(
      () => distributed.send(x, "1" as never),
      '[distributed.send] dst: expected an integer, received "1"',
    );
    wrong(
      () => distributed.recv([2], "float32" as never, 0),
      '[distributed.recv] dtype: expected a dtype such as mx.float32, received "float32"; write mx.float32',
    );
    wrong(
      () => distributed.init({ strict: 1 as never }),
      "[distributed.init] strict: expected a boolean, received 1",
    );
    wrong(
      () => distributed.init().split(0.5),
      "[distributed.Group.split] color: expected an integer, received 0.5",
    );
    wrong(
      () => distributed.Group.prototype.rank.call({} as never),
      "[distributed.Group.rank] group: expected a group, received {}",
    );
    wrong(() => new distributed.Group(7 as never), "[distributed.Group] expected a group of MLX's");
    expect(() => distributed.recv([-1], mx.float32, 0)).toThrow(RangeError);
  });

  test("gives functions to JACCL only", () => {
    const allGatherFactory = () => (bytes: Uint8Array) => bytes;
    expect(() => distributed.init({ allGatherFactory })).toThrow(
      "only supported with the 'jaccl' backend",
    );
    expect(() => distributed.init({ backend: "jaccl", allGatherFactory: 1 as never })).toThrow(
      new TypeError("[distributed.init] allGatherFactory: expected a function, received 1"),
    );
    expect(distributed.init({ backend: "jaccl", allGatherFactory }).size()).toBe(1);
  });
});

describe("a ring", () => {
  test("reduces and gathers", async () => {
    const outcomes = await printed(
      3,
      `
      const x = mx.array([[rank + 1, 10 * rank - 5, 3], [0, -rank, 7]]);
      const s = mx.newStream(mx.cpu);
      print({
        rank,
        size,
        global: init().size(),
        sum: attempt(() => allSum(x)),
        max: attempt(() => allMax(x, { group })),
        min: attempt(() => allMin(x)),
        gather: attempt(() => allGather(x)),
        scalars: attempt(() => allGather(10 * rank)),
        transposed: attempt(() => allSum(mx.transpose(x), { stream: s })),
        scope: attempt(() => mx.stream(s, () => allSum(x.get(0)))),
        long: attempt(() => mx.sum(mx.equal(allSum(mx.full([1000003], rank + 1)), 6))),
        longGather: attempt(() => mx.sum(allGather(mx.full([300007], rank)))),
        empty: attempt(() => allGather(mx.zeros([0, 3])).shape),
        types: ["bool", "int8", "uint64", "float16", "bfloat16", "float64", "complex64"].map(
          (name) => attempt(() => allSum(mx.array([rank, 1, 0, 2], mx[name]))),
        ),
      });`,
    );
    const rows = [0, 1, 2].map((rank) => [
      [rank + 1, 10 * rank - 5, 3],
      [0, rank === 0 ? 0 : -rank, 7],
    ]);
    const counts = [3, 3, 0, 6];
    expect(outcomes).toEqual(
      [0, 1, 2].map((rank) => ({
        rank,
        size: 3,
        global: 3,
        sum: [
          [6, 15, 9],
          [0, -3, 21],
        ],
        max: [
          [3, 15, 3],
          [0, 0, 7],
        ],
        min: [
          [1, -5, 3],
          [0, -2, 7],
        ],
        gather: rows.flat(),
        scalars: [0, 10, 20],
        transposed: [
          [6, 0],
          [15, -3],
          [9, 21],
        ],
        scope: [6, 15, 9],
        long: 1000003,
        longGather: 3 * 300007,
        empty: [0, 3],
        types: [
          [true, true, false, true],
          counts,
          counts,
          counts,
          counts,
          counts,
          counts.map((re) => ({ re, im: 0 })),
        ],
      })),
    );
  });

  test("takes gradients, and compiles", async () => {
    const outcomes = await printed(
      2,
      `
      const x = mx.array([rank + 1, 3 - rank]);
      print([
        attempt(() => mx.grad((x) => mx.sum(mx.multiply(allSum(x), x)))(x)),
        attempt(() => mx.grad((x) => mx.sum(mx.square(allGather(x))))(x)),
        attempt(() => mx.compile((x) => allSum(mx.multiply(x, 2)))(x)),
      ]);`,
    );
    // Of the sum, [3, 5], and of the factor beside it, which is this process's.
    expect(outcomes).toEqual([
      [
        [4, 8],
        [2, 6],
        [6, 10],
      ],
      [
        [5, 7],
        [4, 4],
        [6, 10],
      ],
    ]);
  });

  test("sends between neighbours, and says what it cannot do", async () => {
    const outcomes = await printed(
      4,
      `
      const next = (rank + 1) % size;
      const last = (rank + size - 1) % size;
      let got;
      const receive = () => (got = recvLike(mx.zeros([2, 1]), last));
      const pass = () => send(mx.add(rank === 0 ? mx.array([[5], [7]]) : got, rank), next);
      const passed = rank === 0 ? [attempt(pass), attempt(receive)] : [attempt(receive), attempt(pass)];
      const back = [attempt(() => (rank % 2 ? send(rank, last) : recv([], mx.int32, next)))];
      print({
        passed,
        back,
        nobody: [attempt(() => send(1, size)), attempt(() => recv([1], mx.int8, -1))],
        self: attempt(() => send(1, rank)),
        far: attempt(() => recv(2, mx.int8, (rank + 2) % size)),
        split: attempt(() => group.split(rank % 2)),
        scatter: [
          attempt(() => sumScatter(mx.arange(rank, rank + 8))),
          attempt(() => sumScatter(mx.transpose(mx.arange(24).reshape([3, 8])), { group })),
          attempt(() => sumScatter(mx.ones([6]))),
          attempt(() => sumScatter(1)),
        ],
        shapes: [
          attempt(() => recv([-1], mx.int8, next)),
          attempt(() => allGather(mx.broadcastTo(1, [2 ** 30, 2]))),
        ],
        after: attempt(() => allSum(rank)),
      });`,
    );
    const sums = [0, 1, 3, 6].map((sum) => [[5 + sum], [7 + sum]]);
    expect(outcomes).toEqual(
      [0, 1, 2, 3].map((rank) => ({
        passed: rank === 0 ? [sums[0], sums[3]] : [sums[rank - 1], sums[rank]],
        back: [rank % 2 ? rank : rank + 1],
        nobody: [
          "Error: [distributed.send] Invalid destination=4 for a group of size 4",
          "Error: [distributed.recv] Invalid source=-1 for a group of size 4",
        ],
        self:
          "Error: [ring] Send only supported to direct neighbors but tried to send to " +
          `${rank} from ${rank}`,
        far:
          "Error: [ring] Recv only supported from direct neighbors but tried to recv from " +
          `${(rank + 2) % 4} to ${rank}`,
        split: "Error: [ring] Group split not supported.",
        scatter: [
          [8 * rank + 6, 8 * rank + 10],
          [2 * rank, 2 * rank + 1].map((i) => [4 * i, 4 * i + 32, 4 * i + 64]),
          expect.stringMatching(/^Error: \[sum_scatter\] Invalid shape=\(6\)/),
          expect.stringMatching(/^Error: \[sum_scatter\] Invalid shape=\(\)/),
        ],
        shapes: [
          "RangeError: [recv] Negative dimensions not allowed.",
          "RangeError: [distributed.allGather] x: expected a result of at most 2^31 - 1 rows",
        ],
        after: 6,
      })),
    );
  });

  test("leaves the event loop free", async () => {
    const outcomes = await printed(
      2,
      `
      const files = require("node:fs");
      const turned = process.env.MLX_HOSTFILE + ".turned";
      (async () => {
        if (rank === 1) {
          // Not before the other's event loop has turned, or it does not.
          for (let i = 0; i < 3000 && !files.existsSync(turned); i++) {
            await new Promise((resolve) => setTimeout(resolve, 10));
          }
          mx.eval(send(mx.array([3, 4]), 0));
          return print("sent");
        }
        let turns = 0;
        const timer = setInterval(() => {
          if (turns++ === 3) files.writeFileSync(turned, "");
        }, 5);
        const x = recv([2], mx.float32, 1);
        await mx.asyncEval(x);
        clearInterval(timer);
        print([x.tolist(), turns > 3]);
      })();`,
    );
    expect(outcomes).toEqual([[[3, 4], true], "sent"]);
  });
});

describe("what goes wrong", () => {
  test("a peer that dies is an error, now and later", async () => {
    const [first, second] = await runRing(
      2,
      `
      const sum = attempt(() => allSum(mx.array([rank, 1])));
      if (rank === 1) {
        process.kill(process.pid, "SIGKILL");
      }
      const again = () => attempt(() => allSum(mx.array([rank, 1])));
      print([sum, again(), again(), mx.add(1, 1).item()]);`,
    );
    const lost = "Error: [ring] connection to a peer was lost";
    expect(second?.signal).toBe("SIGKILL");
    expect(first?.code).toBe(0);
    expect(JSON.parse(first?.stdout ?? "")).toEqual([[1, 2], lost, lost, 2]);
  });

  test("a process can leave while it waits for another", async () => {
    const [first, second] = await runRing(
      2,
      `
      if (rank === 1) {
        print(attempt(() => recv([1], mx.int8, 0)));
      } else {
        mx.asyncEval(recv([1], mx.int8, 1));
        setImmediate(() => process.exit(3));
      }`,
    );
    expect(first?.code).toBe(3);
    expect(second?.code).toBe(0);
    expect(JSON.parse(second?.stdout ?? "")).toMatch(/connection to a peer was lost/);
  });

  test.each([
    ["", "0", /MLX_HOSTFILE: expected a list of addresses for each process, received ""/],
    ["[]", "0", /MLX_HOSTFILE: .* received \[\]/],
    ["null", "0", /MLX_HOSTFILE: .* received null/],
    ['[["127.0.0.1:1"], []]', "0", /MLX_HOSTFILE: .* received/],
    ['[["127.0.0.1:1"], [2]]', "0", /MLX_HOSTFILE: .* received/],
    ['{ "0": ["127.0.0.1:1"] }', "0", /MLX_HOSTFILE: .* received/],
    ['[["nonsense"], ["127.0.0.1:1"]]', "0", /Can't parse address nonsense/],
    ['[["127.0.0.1:1"], ["127.0.0.1:2"]]', "2", /Rank cannot be larger than the size/],
    ['[["127.0.0.1:1"], ["127.0.0.1:2"]]', "-1", /MLX_RANK: .* received "-1"/],
    ['[["127.0.0.1:1"], ["127.0.0.1:2"]]', "99999999999999999999", /MLX_RANK: .* received "9/],
    ['[["127.0.0.1:1"], ["127.0.0.1:2"]]', "one", /MLX_RANK: .* received "one"/],
  ])("host file %j and rank %s", async (hosts, rank, message) => {
    const outcome = await withHosts(hosts, (file) =>
      runScript('require(".").mx.distributed.allSum(1)', {
        env: { MLX_HOSTFILE: file, MLX_RANK: rank },
      }),
    );
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(message);
  });

  test("a host file that is not there", async () => {
    const env = { MLX_HOSTFILE: "no/such/file", MLX_RANK: "0" };
    const outcome = await runScript('require(".").mx.distributed.init()', { env });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/no such file or directory/);
  });

  test("a port that is taken", async () => {
    const server = await listen();
    const hosts = JSON.stringify([[addressOf(server)], ["127.0.0.1:1"]]);
    const outcome = await withHosts(hosts, (file) =>
      runScript('require(".").mx.distributed.init()', {
        env: { MLX_HOSTFILE: file, MLX_RANK: "0" },
      }),
    );
    server.close();
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/\[ring\] Couldn't bind socket/);
  });
});
