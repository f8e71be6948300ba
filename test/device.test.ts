import { mx } from "mlx-js";
import { describe, expect, test } from "vitest";

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
});
