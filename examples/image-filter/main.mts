/** Finds the edges in a PNG file: `main.mjs [from] [to]`. */
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { edges, readImage, writeGrey } from "./filter.mjs";

const [from = "examples/image-filter/flower.png", to = "out/edges.png"] = process.argv.slice(2);
const image = await readImage(from);
await mkdir(dirname(to), { recursive: true });
await writeGrey(to, edges(image));
console.log(`the edges of ${from}, ${image.dim(1)} x ${image.dim(0)} pixels, are in ${to}`);
