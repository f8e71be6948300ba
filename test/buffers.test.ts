// V8's sandbox, which Electron has on, refuses buffers over memory that is not
// its own (`napi_no_external_buffers_allowed`). The addon is compiled without the
// functions that make such buffers, so that there is one way, with copies: what
// all tests see is what Electron gets.
import { readFileSync } from "node:fs";
import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";
import { sanitized } from "./support/sanitized.js";

interface Report {
  sharedObjects: string[];
}

// Of MLX and Node, which are linked to it, the sanitizer's build has names, too.
test.skipIf(sanitized)("the addon asks for no function that makes a buffer of its memory", () => {
  const { sharedObjects } = process.report.getReport() as unknown as Report;
  const [addon = ""] = sharedObjects.filter((path) => path.endsWith("mlx.node"));
  const names = readFileSync(addon, "latin1").match(/(napi|node_api)_\w+/g) ?? [];
  expect(names).toContain("napi_create_arraybuffer");
  expect(names.filter((name) => /external_\w*buffer/.test(name))).toEqual([]);
});

// Each page that the system hands out anew costs more than copying into it.
test.skipIf(process.platform !== "linux" || sanitized)(
  "memory of typed arrays comes from malloc's own, which is used again",
  async () => {
    const outcome = await runScript(`
      const { mx } = require("mlx-js");
      const files = require("node:fs");
      const heap = () => {
        const maps = files.readFileSync("/proc/self/maps", "utf8").split("\\n");
        const [start, end] = maps.find((line) => line.endsWith("[heap]")).split(/[- ]/);
        return (parseInt(end, 16) - parseInt(start, 16)) / 2 ** 20;
      };
      mx.eval(mx.add(1, 2));
      const before = heap();
      const { length } = Buffer.allocUnsafeSlow(2 ** 24);
      // A little may have been there.
      console.log(heap() - before > (0.9 * length) / 2 ** 20);`);
    expect(outcome).toMatchObject({ code: 0, stderr: "", stdout: "true\n" });
  },
);

describe("what comes out is a copy, and what went in was copied", () => {
  const dtypes = [
    ...[mx.bool, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32],
    ...[mx.int64, mx.float16, mx.bfloat16, mx.float32, mx.float64, mx.complex64],
  ];
  const onCpu = <T>(body: () => T): T => mx.stream(mx.cpu, body);
  /** No view, a view with steps and an offset, one that repeats: each has memory of another. */
  const views = (dtype: mx.Dtype): mx.array[] => {
    const x = onCpu(() => mx.arange(0, 12, 1, mx.int32).remainder(2).astype(dtype));
    return onCpu(() => [x, x.reshape([3, 4]).T.get("1:"), mx.broadcastTo(x.get("1:2"), [2, 3])]);
  };

  test.each(dtypes.map((dtype) => [dtype.name, dtype] as const))("%s", (_, dtype) => {
    for (const x of views(dtype)) {
      const before = x.tolist();
      const first = x.toTypedArray();
      const second = x.toTypedArray();
      expect(second).toEqual(first);
      expect(second.buffer).not.toBe(first.buffer);
      const bytes = new Uint8Array(first.buffer, first.byteOffset, first.byteLength);
      const values = bytes.slice();
      bytes.fill(0xff);
      expect(x.tolist()).toEqual(before);
      expect(x.toTypedArray()).toEqual(second);
      bytes.set(values);
      const again = mx.array(first, dtype === mx.complex64 ? mx.float32 : dtype);
      const kept = again.toTypedArray();
      bytes.fill(0xff);
      expect(again.toTypedArray()).toEqual(kept);
    }
  });

  const formats: [
    name: string,
    save: (to: { write(bytes: Uint8Array): unknown }, x: mx.array) => void,
    load: (file: Uint8Array) => mx.array | undefined,
  ][] = [
    ["npy", mx.save, (file) => mx.load(file, { format: "npy" })],
    ["npz", (to, x) => mx.savez(to, { x }), (file) => mx.load(file, { format: "npz" })["x"]],
    [
      "safetensors",
      (to, x) => mx.saveSafetensors(to, { x }),
      (file) => mx.load(file, { format: "safetensors" })["x"],
    ],
    ["gguf", (to, x) => mx.saveGguf(to, { x }), (file) => mx.load(file, { format: "gguf" })["x"]],
  ];

  test.each(formats)("%s", (_, save, load) => {
    const x = mx.random.normal([40, 30]);
    const before = x.tolist();
    const pieces: Uint8Array[] = [];
    const write = (bytes: Uint8Array) => {
      pieces.push(Uint8Array.from(bytes));
      // Whoever gets a piece may write to it.
      bytes.fill(0xff);
    };
    save({ write }, x);
    expect(x.tolist()).toEqual(before);
    const file = Buffer.concat(pieces);
    const y = load(file);
    file.fill(0xff);
    expect(y?.tolist()).toEqual(before);
  });
});
