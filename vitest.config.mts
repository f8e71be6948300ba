import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    globalSetup: [
      "test/support/runtimes.ts",
      "test/support/electron.ts",
      "test/support/browser.ts",
    ],
    setupFiles: ["test/support/seed.ts"],
    // One MLX a process.
    pool: "forks",
    // Of concurrent tests, most of which wait for a process.
    maxConcurrency: 3,
    // Several times what the slowest take, where other work has the processors, too.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
