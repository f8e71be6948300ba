// That values of Python's are there for every function of mlx.core and each of
// its options, or tests of our own where there is no value to compare.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parity } from "../scripts/parity.mjs";
import { cases, goldenFamilies } from "./support/golden.js";

/** What the tests of a file are for, beside golden values. */
const elsewhere: Record<string, string[]> = {
  "compile.test.ts": ["compile", "disableCompile", "enableCompile"],
  "custom-kernel.test.ts": [
    ...["fast.cudaKernel", "fast.metalKernel", "fast.precompiledCudaKernel"],
  ],
  "device.test.ts": [
    ...["clearStreams", "defaultDevice", "defaultStream", "deviceCount", "deviceInfo"],
    ...["isAvailable", "newStream", "newThreadLocalStream", "newThreadUnsafeStream"],
    ...["setDefaultDevice", "setDefaultStream", "stream", "synchronize"],
  ],
  "distributed.test.ts": [
    ...["allGather", "allMax", "allMin", "allSum", "init", "isAvailable", "recv", "recvLike"],
    ...["send", "sumScatter", "Group.rank", "Group.size", "Group.split"],
  ].map((name) => `distributed.${name}`),
  "evaluation.test.ts": ["asyncEval", "eval"],
  "export.test.ts": [
    ...["exportFunction", "exportToDot", "exporter", "importFunction", "FunctionExporter.close"],
  ],
  "io.test.ts": ["load", "save", "saveGguf", "saveSafetensors", "savez", "savezCompressed"],
  "interop.test.ts": ["matrixNorm"],
  "linalg.test.ts": ["linalg.eigh UPLO"],
  "memory.test.ts": [
    ...["clearCache", "getActiveMemory", "getArrayBufferSize", "getCacheMemory"],
    ...["getMemoryLimit", "getPeakMemory", "resetPeakMemory", "setCacheLimit"],
    ...["setMemoryLimit", "setWiredLimit"],
  ],
  "metal.test.ts": [
    "cuda.isAvailable",
    ...["clearCache", "deviceInfo", "getActiveMemory", "getCacheMemory", "getPeakMemory"].map(
      (name) => `metal.${name}`,
    ),
    ...["isAvailable", "resetPeakMemory", "setCacheLimit", "setMemoryLimit"].map(
      (name) => `metal.${name}`,
    ),
    ...["setWiredLimit", "startCapture", "stopCapture"].map((name) => `metal.${name}`),
  ],
  "ops/quantization.test.ts": [
    // The CPU has no such kernels.
    ...["qqmm groupSize", "qqmm bits", "qqmm globalScaleW"],
    ...["lhsIndices", "groupSize", "bits", "globalScaleX", "globalScaleW", "sortedIndices"].map(
      (option) => `gatherQqmm ${option}`,
    ),
  ],
  "ops/reduction.test.ts": ["std correction", "var correction"],
  "printing.test.ts": ["getPrintoptions", "printoptions", "setPrintoptions"],
  "random.test.ts": ["random.seed"],
  "subscript.test.ts": [
    ...["add", "divide", "maximum", "minimum", "multiply", "subtract"].map(
      (name) => `ArrayAt.${name}`,
    ),
  ],
  "transforms.test.ts": [
    ...["checkpoint", "customFunction.jvp", "customFunction.vjp", "customFunction.vmap"],
    ...["grad", "jvp", "valueAndGrad", "vjp", "vmap"],
  ],
};

/** The names of functions with golden values, and `function option`. */
function golden(): Set<string> {
  const names = new Set<string>();
  const note = (name: string, options: object = {}) => {
    names.add(name);
    for (const option of Object.keys(options)) {
      names.add(`${name} ${option}`);
    }
  };
  const visit = (x: unknown): void => {
    if (typeof x === "object" && x !== null) {
      const { name, $call, options } = x as { name?: string; $call?: string; options?: object };
      for (const called of [name, $call]) {
        if (typeof called === "string") {
          note(called, options);
        }
      }
      Object.values(x).forEach(visit);
    }
  };
  for (const family of goldenFamilies()) {
    visit(cases(family));
  }
  return names;
}

test("every function of mlx.core and each of its options", () => {
  const tested = golden();
  for (const names of Object.values(elsewhere)) {
    for (const name of names) {
      tested.add(name);
    }
  }
  const missing: string[] = [];
  for (const { ours } of parity().rows) {
    const [, name, parameters] = /^mx\.([\w.]+)\((.*?)\)(?:;|$)/.exec(ours) ?? [];
    // Methods are the functions that they are named after.
    if (name === undefined || parameters === undefined || name.startsWith("array.")) {
      continue;
    }
    if (!tested.has(name)) {
      missing.push(name);
    }
    const own = Object.values(elsewhere).some((names) => names.includes(name));
    const [, options = ""] = /\{(.*)\}/.exec(parameters) ?? [];
    for (const [, option] of options.matchAll(/(?:^|, )(\w+)/g)) {
      if (!own && option !== "stream" && !tested.has(`${name} ${option}`)) {
        missing.push(`${name} ${option}`);
      }
    }
  }
  expect(missing).toEqual([]);
});

test.each(Object.entries(elsewhere))("%s names what it is for", (file, names) => {
  const text = readFileSync(join(__dirname, file), "utf8");
  const absent = names.filter((name) => {
    const [called, option] = name.split(" ");
    const words = [option ?? called?.split(".").at(-1)];
    return !words.every((word) => text.includes(String(word)));
  });
  expect(absent).toEqual([]);
});
