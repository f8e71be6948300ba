// The guides in the order of the sidebar: files of docs/. One that is not named
// here stands at the end.

/** @type {{ title: string, guides: string[] }[]} */
export const groups = [
  { title: "Start", guides: ["quick-start", "install", "coming-from"] },
  {
    title: "Arrays and functions",
    guides: ["arrays", "indexing", "lazy", "transformations", "compile"],
  },
  { title: "Models", guides: ["training", "weights", "own-layer", "lora", "generating"] },
  {
    title: "Programs",
    guides: [
      "memory",
      "waiting",
      "workers",
      "files",
      "distributed",
      "gpus",
      "bundlers",
      "electron",
    ],
  },
  { title: "Tests", guides: ["testing", "ci"] },
  { title: "When something is wrong", guides: ["troubleshooting", "errors", "known-issues"] },
];

/** The examples in the order of the gallery, from the shortest to whole programs. */
export const examples = [
  "linear-regression",
  "digits",
  "names",
  "clustering",
  "own-layer",
  "lora",
  "train-short-test-long",
  "diffusion",
  "image-filter",
  "images",
  "search",
  "chat",
  "server",
  "worker-pool",
  "electron",
];

/** Documents of the repository that are pages, too: path and slug. */
export const documents = {
  "CONTRIBUTING.md": "contributing",
  "MAINTENANCE.md": "maintenance",
  "native/README.md": "native",
  "bench/README.md": "bench",
  "CHANGELOG.md": "changelog",
  "SECURITY.md": "security",
};
