import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // One MLX a process.
    pool: "forks",
    testTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
