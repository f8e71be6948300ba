// How long the package takes to load: prints seconds.
const start = performance.now();
await import("mlx-js");
console.log((performance.now() - start) / 1000);
