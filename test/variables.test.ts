/** The environment's variables, which the main thread may set while others compute. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { removeFolder } from "./support/folders.mjs";
import { runScript } from "./support/process.js";
import { sanitized } from "./support/sanitized.js";

// Says which library asks the system for a variable, and whether on the main thread.
const spy = `
  #include <dlfcn.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  extern "C" char* getenv(const char* name) noexcept {
    static auto own = (char* (*)(const char*))dlsym(RTLD_NEXT, "getenv");
    Dl_info info;
    if (dladdr(__builtin_return_address(0), &info) && info.dli_fname &&
        (strstr(info.dli_fname, "mlx") || strstr(info.dli_fname, "blas"))) {
      dprintf(2, "%s: %s\\n", syscall(SYS_gettid) == getpid() ? "main" : "other", name);
    }
    return own(name);
  }`;

const main = `
  const { Worker } = require("node:worker_threads");
  const { mx } = require("mlx-js");
  require("node:fs").writeSync(2, "loaded\\n");
  mx.setDefaultDevice(mx.cpu);
  const env = { ...process.env, MLX_JS_CACHE: process.env.FOLDER, MLX_HOSTFILE: "/none", MLX_RANK: "5" };
  const worker = new Worker(process.env.WORKER, { eval: true, env });
  let setting = true;
  let n = 0;
  const set = () => {
    for (let i = 0; i < 100; i++) {
      process.env["MLX_JS_TEST_" + n++] = "x".repeat(n % 100);
    }
    if (setting) setImmediate(set);
  };
  set();
  worker.on("exit", () => {
    setting = false;
    mx.eval(mx.compile((x) => mx.exp(mx.add(x, 5)))(1));
  });`;

const worker = `
  const { mx } = require("mlx-js");
  mx.eval(mx.matmul(mx.ones([4, 4]), mx.arange(4)));
  console.log(mx.compile((x) => mx.exp(mx.multiply(x, 3)))(mx.zeros([2])).tolist());
  try {
    mx.distributed.init({ backend: "ring", strict: true });
  } catch (error) {
    console.log(error.message);
  }
  console.log(mx.distributed.isAvailable({ backend: "mpi" }));`;

describe.skipIf(process.platform !== "linux" || sanitized)("variables", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mlx-js-variables-"));
    writeFileSync(join(folder, "spy.cpp"), spy);
    const files = [join(folder, "spy.cpp"), "-o", join(folder, "spy.so")];
    execFileSync("g++", ["-shared", "-fPIC", ...files]);
  });
  afterAll(() => removeFolder(folder));

  test("are asked of the system on the main thread alone once all is loaded, and a worker's are its own", async () => {
    const { code, stdout, stderr } = await runScript(main, {
      env: {
        LD_PRELOAD: join(folder, "spy.so"),
        FOLDER: folder,
        MLX_JS_CACHE: join(folder, "elsewhere"),
        MLX_JS_KERNELS: "wait",
        WORKER: worker,
        MLX_HOSTFILE: undefined,
        MLX_RANK: undefined,
      },
    });
    // Another thread may link libraries, for which the main one waits: it cannot set anything before.
    const [linking = "", after = ""] = stderr.split("loaded\n");
    expect(linking).toMatch(/^(main|other): OPENBLAS_NUM_THREADS$/m);
    expect(stderr).toContain("loaded\n");
    expect(after).not.toContain("other: ");
    expect(stdout).toContain("[ 1, 1 ]");
    expect(stdout).toMatch(/\/none/);
    expect(code).toBe(0);
    // Read once, by the worker, which was the first to call a compiled function.
    expect(readdirSync(folder).sort()).toEqual(["kernels", "spy.cpp", "spy.so"]);
    expect(readdirSync(join(folder, "kernels"))).toHaveLength(2);
  });
});
