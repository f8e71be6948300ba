// How test/vitest.test.ts runs vitest on files of this folder; `--pool` says in
// which realm.
export default {
  cacheDir: "../../node_modules/.vite",
  root: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  test: {
    include: ["*.vitest.mjs"],
    globals: true,
    testTimeout: 60_000,
    server: { deps: { external: [/\/dist\//] } },
  },
};
