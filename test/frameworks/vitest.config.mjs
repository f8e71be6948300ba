// How test/vitest.test.ts runs vitest on files of this folder; `--pool` says in
// which realm.
export default {
  root: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  test: { include: ["*.vitest.mjs"], globals: true, server: { deps: { external: [/\/dist\//] } } },
};
