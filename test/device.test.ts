import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";
import { runScript } from "./support/process.js";

describe("streams", () => {
  test("a scope, with and without await", async () => {
    const s = mx.newStream(mx.cpu);
    const inside = mx.stream(s, () => mx.add(mx.array([1]), 1));
    expect(inside.item()).toBe(2);
    const later = await mx.stream(s, async () => {
      await Promise.resolve();
      return mx.add(mx.array([2]), 1);
    });
    expect(later.item()).toBe(3);
  });

  test("a scope that is disposed", () => {
    const context = mx.stream(mx.cpu);
    const x = mx.add(mx.array([1]), 1);
    context[Symbol.dispose]();
    expect(x.item()).toBe(2);
  });

  test("deviceInfo knows its option only", () => {
    expect(mx.deviceInfo({ d: mx.cpu })).toEqual(mx.deviceInfo({ d: new mx.Device(mx.cpu) }));
    expect(() => mx.deviceInfo({ device: mx.cpu } as never)).toThrow(
      '[deviceInfo] options: expected d, received an option "device"',
    );
  });

  test("the kinds of devices", () => {
    expect(mx.DeviceType.cpu).toBe(mx.cpu);
    expect(mx.DeviceType.gpu).toBe(mx.gpu);
  });

  test("the option", () => {
    expect(mx.add(mx.array([1]), 1, { stream: mx.cpu }).item()).toBe(2);
    expect(mx.add(mx.array([1]), 1, { stream: new mx.Device(mx.cpu) }).item()).toBe(2);
    expect(mx.add(mx.array([1]), 1, { stream: mx.defaultStream(mx.cpu) }).item()).toBe(2);
    expect(() => mx.add(mx.array([1]), 1, { stream: "cpu" as never })).toThrow(TypeError);
    expect(() => mx.exp(mx.array([1]), { stream: new mx.Device(mx.cpu, 9) })).toThrow(
      /there is no device cpu 9/,
    );
  });

  test("devices", () => {
    expect(mx.isAvailable(mx.cpu)).toBe(true);
    expect(String(new mx.Device(mx.cpu))).toBe("Device(cpu, 0)");
    expect(mx.defaultStream(mx.cpu).equals(mx.defaultStream(mx.cpu))).toBe(true);
    expect(mx.newStream(mx.cpu).equals(mx.defaultStream(mx.cpu))).toBe(false);
    expect(mx.deviceCount(mx.cpu)).toBe(1);
    if (!mx.isAvailable(mx.gpu)) {
      expect(() => mx.setDefaultDevice(mx.gpu)).toThrow(/gpu/);
    }
  });

  test("the defaults", () => {
    const [device, before] = [mx.defaultDevice(), mx.defaultStream(mx.cpu)];
    mx.setDefaultDevice(mx.cpu);
    expect(mx.defaultDevice().equals(new mx.Device(mx.cpu))).toBe(true);
    const s = mx.newStream(mx.cpu);
    mx.setDefaultStream(s);
    expect(mx.defaultStream(mx.cpu).equals(s)).toBe(true);
    expect(mx.add(mx.array([1]), 1).item()).toBe(2);
    mx.setDefaultStream(before);
    expect(mx.defaultStream(mx.cpu).equals(before)).toBe(true);
    mx.setDefaultDevice(device);
    expect(mx.defaultDevice().equals(device)).toBe(true);
  });

  test.each([
    ["of a thread", mx.newThreadLocalStream],
    ["that threads share", mx.newThreadUnsafeStream],
  ] as const)("a stream %s", (_, make) => {
    const s = make(mx.cpu);
    const x = mx.add(mx.array([1, 2]), 1, { stream: s });
    mx.synchronize(s);
    expect(x.tolist()).toEqual([2, 3]);
    expect(() => make("cpu" as never)).toThrow(TypeError);
  });

  test("waiting for a stream", async () => {
    const s = mx.newStream(mx.cpu);
    const x = mx.matmul(mx.ones([300, 300]), mx.ones([300, 300]), { stream: s });
    const done = mx.asyncEval(x);
    mx.synchronize(s);
    await done;
    expect(x.get(299, 0).item()).toBe(300);
    expect(() => mx.synchronize(7 as never)).toThrow(TypeError);
  });

  test("after all streams are cleared there are new ones", async () => {
    const { code, stdout } = await runScript(`
      const { mx } = require(".");
      const x = mx.add(mx.array([1]), 1, { stream: mx.newStream(mx.cpu) });
      mx.eval(x);
      mx.clearStreams();
      console.log(mx.multiply(x, 3).item());
    `);
    expect([code, stdout]).toEqual([0, "6\n"]);
  });
});
