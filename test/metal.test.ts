import { mx } from "mlx-js";
import { expect, test } from "vitest";

const { cuda, metal } = mx;

test("a GPU is Metal's or CUDA's", () => {
  expect(metal.isAvailable()).toBe(process.platform === "darwin");
  if (mx.isAvailable(mx.gpu)) {
    expect(metal.isAvailable() || cuda.isAvailable()).toBe(true);
  }
  expect(metal.isAvailable() && cuda.isAvailable()).toBe(false);
});

test("what moved to mx is still there", () => {
  const x = mx.ones([1000]);
  mx.eval(x);
  expect(metal.getActiveMemory()).toBe(mx.getActiveMemory());
  expect(metal.getActiveMemory()).toBeGreaterThanOrEqual(4000);
  metal.resetPeakMemory();
  expect(metal.getPeakMemory()).toBe(mx.getPeakMemory());
  x.dispose();
  metal.clearCache();
  expect(metal.getCacheMemory()).toBe(0);
  const cache = metal.setCacheLimit(1000);
  expect(metal.setCacheLimit(cache)).toBe(1000);
  const limit = metal.setMemoryLimit(2 ** 30);
  expect(mx.getMemoryLimit()).toBe(2 ** 30);
  expect(metal.setMemoryLimit(limit)).toBe(2 ** 30);
  expect(metal.deviceInfo()).toEqual(mx.deviceInfo({ d: mx.gpu }));
  expect(() => metal.setCacheLimit(-1)).toThrow(RangeError);
});

test.skipIf(metal.isAvailable())("without Metal there is nothing to record", () => {
  expect(metal.startCapture("x.gputrace")).toBeUndefined();
  expect(metal.stopCapture()).toBeUndefined();
  expect(metal.setWiredLimit(1000)).toBe(0);
  expect(metal.deviceInfo()).toEqual(mx.isAvailable(mx.gpu) ? expect.any(Object) : {});
});

test("a path is text", () => {
  expect(() => metal.startCapture(1 as never)).toThrow(
    new TypeError("[metal.startCapture] path: expected a string, received 1"),
  );
});
