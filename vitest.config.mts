import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    globalSetup: [
      "test/support/runtimes.ts",
      "test/support/electron.ts",
      "test/support/browser.ts",
    ],
    // One MLX a process.
    pool: "forks",
    // Of concurrent tests, most of which wait for a process.
    maxConcurrency: 3,
    testTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
