// How long a module of the package takes to load, by default all of it: prints seconds.
const start = performance.now();
await import(process.argv[2] ?? "mlx-js");
console.log((performance.now() - start) / 1000);
