import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { mx } from "mlx-js";
import { expect, test } from "vitest";

const root = join(__dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const lock = readFileSync(join(root, "scripts", "linux.lock"), "utf8");
const pinned = /^mlx-cpu==(\S+)/m.exec(lock)?.[1];

test("a report has versions, platform, devices and memory", () => {
  const x = mx.ones([4]);
  const report = mx.report();
  expect(report.versions).toEqual({ "mlx-js": version, mlx: pinned });
  expect(report.addon).toMatch(/mlx\.node$/);
  expect(report.runtime).toContain(process.versions.node);
  expect(report.system).toContain(`${process.platform} ${process.arch}`);
  expect(report.defaultDevice).toBe(String(mx.defaultDevice()));
  expect(report.devices["cpu 0"]).toEqual(mx.deviceInfo({ d: mx.cpu }));
  expect(report.backend === "cpu").toBe(!mx.isAvailable(mx.gpu));
  expect(report.memory.arrays).toBe(mx.memory().arrays);
  expect(report.processor.threads).toBeGreaterThan(0);
  x.dispose();
});

test("it can be sent as JSON, and names the settings that change what MLX does", () => {
  const text = execFileSync(
    process.execPath,
    ["-p", 'JSON.stringify(require("mlx-js").mx.report())'],
    { cwd: root, encoding: "utf8", env: { ...process.env, MLX_MAX_MB_PER_BUFFER: "50" } },
  );
  const { settings } = JSON.parse(text);
  expect(settings.MLX_MAX_MB_PER_BUFFER).toBe("50");
  expect(Object.keys(settings)).not.toContain("PATH");
});

test("it works in a worker", async () => {
  const code = `
    const { parentPort } = require("node:worker_threads");
    parentPort.postMessage(require("mlx-js").mx.report());
  `;
  const worker = new Worker(code, { eval: true });
  const report = await new Promise<mx.Report>((resolve, reject) => {
    worker.once("message", resolve).once("error", reject);
  });
  expect(report.versions).toEqual(mx.report().versions);
});
