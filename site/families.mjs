// What the pages of the API are: which files of lib/ each of them shows, in the
// order of the sidebar. A page shows the functions in the order of its files.

/**
 * @typedef {object} Family
 * @property {string} slug
 * @property {string} title
 * @property {string} about what stands under the title
 * @property {string[]} files in lib/, or folders of it; of other packages, from the root
 */

/** @type {{ title: string, families: Family[] }[]} */
export const groups = [
  {
    title: "Arrays",
    families: [
      {
        slug: "array",
        title: "The array",
        about:
          "How arrays are made, read and written, and everything that an array can do as a method. A method is the function of the same name without its first parameter.",
        files: ["core/array", "core/call/arguments.ts", "core/call/globals.ts"],
      },
      {
        slug: "dtypes",
        title: "Dtypes and constants",
        about: "The types of elements, what follows from two of them, and numbers that have names.",
        files: ["core/dtype.ts", "core/array/result-type.ts", "core/constants.ts"],
      },
    ],
  },
  {
    title: "Operations",
    families: [
      {
        slug: "creation",
        title: "Creation",
        about: "Arrays from nothing: ranges, constants, windows, diagonals.",
        files: ["core/ops/creation.ts"],
      },
      {
        slug: "arithmetic",
        title: "Arithmetic",
        about: "Element by element: sums, powers, logarithms, rounding, trigonometry, bits.",
        files: ["core/ops/arithmetic.ts"],
      },
      {
        slug: "comparison",
        title: "Comparison",
        about: "What is equal, greater or not a number, and choosing between two arrays.",
        files: ["core/ops/comparison.ts"],
      },
      {
        slug: "reduction",
        title: "Reduction",
        about:
          "Sums, means, extremes and their positions, along axes or over all of an array; running sums.",
        files: ["core/ops/reduction.ts"],
      },
      {
        slug: "shape",
        title: "Shape",
        about:
          "The same elements in other shapes: reshaped, transposed, joined, split, padded, repeated.",
        files: ["core/ops/shape.ts"],
      },
      {
        slug: "indexing",
        title: "Indexing",
        about:
          "Parts of arrays by functions. What one writes day by day is [`x.get`](array.md#array-get), [`x.set`](array.md#array-set) and [`x.at`](array.md#array-at).",
        files: ["core/ops/indexing.ts"],
      },
      {
        slug: "sorting",
        title: "Sorting",
        about:
          "Sorted arrays, the order that sorts them, the largest elements, and the different ones.",
        files: ["core/ops/sorting.ts"],
      },
      {
        slug: "product",
        title: "Products",
        about: "Matrix products and what is like them.",
        files: ["core/ops/product.ts"],
      },
      {
        slug: "convolution",
        title: "Convolution",
        about:
          "Convolutions and transposed convolutions. The channels are the last axis of an input, and the first of a weight are those of the output.",
        files: ["core/ops/convolution.ts"],
      },
      {
        slug: "quantization",
        title: "Quantization",
        about: "Matrices in few bits, and products with them.",
        files: ["core/ops/quantization.ts"],
      },
    ],
  },
  {
    title: "Computing",
    families: [
      {
        slug: "evaluation",
        title: "Evaluation",
        about: "When what was noted is computed. See also [Waiting](../guides/waiting.md).",
        files: ["core/evaluation.ts", "core/pipeline.ts", "core/tracebacks.ts"],
      },
      {
        slug: "transforms",
        title: "Transformations",
        about:
          "Functions made of functions: gradients, products with Jacobians, the same over a batch.",
        files: ["core/transforms/transforms.ts", "core/transforms/custom.ts"],
      },
      {
        slug: "compile",
        title: "Compiled and exported functions",
        about: "A graph that is built once, and one that is written to a file.",
        files: [
          "core/transforms/compile.ts",
          "core/transforms/export.ts",
          "core/transforms/exporter.ts",
        ],
      },
      {
        slug: "memory",
        title: "Memory",
        about:
          "When arrays are freed, and how much memory they take. See also [Memory](../guides/memory.md).",
        files: ["core/lifetime"],
      },
      {
        slug: "devices",
        title: "Devices and streams",
        about: "Where operations run, and what is installed.",
        files: ["core/device.ts", "core/metal.ts", "core/cuda.ts", "core/report.ts"],
      },
      {
        slug: "files",
        title: "Files",
        about: "Arrays in files. See also [Files](../guides/files.md).",
        files: ["core/io"],
      },
    ],
  },
  {
    title: "Parts of mx",
    families: [
      {
        slug: "random",
        title: "mx.random",
        about: "Random numbers, by a state of the thread or by keys.",
        files: ["core/random.ts", "core/random-state.ts"],
      },
      {
        slug: "linalg",
        title: "mx.linalg",
        about:
          "Norms, decompositions, inverses, solutions. All but `norm` and `cross` run on the CPU.",
        files: ["core/linalg.ts", "core/index.ts"],
      },
      {
        slug: "fft",
        title: "mx.fft",
        about: "Fourier transforms in one dimension and more.",
        files: ["core/fft.ts"],
      },
      {
        slug: "fast",
        title: "mx.fast",
        about: "Common parts of models in one kernel each, and kernels of one's own.",
        files: ["core/fast.ts", "core/custom-kernel.ts"],
      },
      {
        slug: "distributed",
        title: "mx.distributed",
        about:
          "Processes that compute together. See also [Several processes](../guides/distributed.md).",
        files: ["core/distributed.ts", "core/group.ts"],
      },
    ],
  },
  {
    title: "Neural networks",
    families: [
      {
        slug: "module",
        title: "Modules",
        about: "What every layer is, and gradients of its parameters.",
        files: [
          "nn/module.ts",
          "nn/utils.ts",
          "core/transforms/types.ts",
          "nn/layers/containers.ts",
        ],
      },
      {
        slug: "linear",
        title: "Linear layers and embeddings",
        about: "Layers that multiply, and layers that look up.",
        files: ["nn/layers/linear.ts", "nn/layers/embedding.ts"],
      },
      {
        slug: "activations",
        title: "Activations",
        about:
          "Each is a function, and most are a layer of the same name with a capital letter, too.",
        files: ["nn/layers/activations.ts"],
      },
      {
        slug: "convolutional",
        title: "Convolutional layers",
        about:
          "Pictures and sequences: convolutions, pooling, upsampling. The channels are the last axis.",
        files: [
          "nn/layers/convolution.ts",
          "nn/layers/convolution-transpose.ts",
          "nn/layers/pooling.ts",
          "nn/layers/upsample.ts",
          "nn/layers/spatial.ts",
        ],
      },
      {
        slug: "normalization",
        title: "Normalization and dropout",
        about:
          "Layers that keep numbers in bounds, and layers that forget some of them while training.",
        files: ["nn/layers/normalization.ts", "nn/layers/dropout.ts"],
      },
      {
        slug: "recurrent",
        title: "Recurrent layers",
        about: "Layers that go through a sequence step by step.",
        files: ["nn/layers/recurrent.ts"],
      },
      {
        slug: "transformer",
        title: "Transformers",
        about: "Attention, and the layers around it.",
        files: ["nn/layers/transformer.ts"],
      },
      {
        slug: "positions",
        title: "Positional encodings",
        about: "How a transformer knows where a token stands.",
        files: ["nn/layers/positional-encoding.ts"],
      },
      {
        slug: "quantized",
        title: "Quantized layers",
        about: "Layers whose weights are held in few bits.",
        files: ["nn/layers/quantized.ts"],
      },
      {
        slug: "sharded",
        title: "Layers across processes",
        about: "Layers of which each process holds a part.",
        files: ["nn/layers/distributed.ts", "nn/distributed.ts"],
      },
      {
        slug: "losses",
        title: "Losses",
        about: "How far predictions are from what they should be.",
        files: ["nn/losses.ts"],
      },
      {
        slug: "init",
        title: "Initializers",
        about: "What weights are at first. Each gives a function that makes an array like another.",
        files: ["nn/init.ts"],
      },
    ],
  },
  {
    title: "Training",
    families: [
      {
        slug: "optimizers",
        title: "Optimizers",
        about: "How parameters follow their gradients.",
        files: [
          "optimizers/optimizer.ts",
          "optimizers/sgd.ts",
          "optimizers/adam.ts",
          "optimizers/lion.ts",
          "optimizers/muon.ts",
          "optimizers/rmsprop.ts",
          "optimizers/adagrad.ts",
          "optimizers/adafactor.ts",
          "optimizers/multi-optimizer.ts",
          "optimizers/clip.ts",
        ],
      },
      {
        slug: "schedules",
        title: "Schedules",
        about: "Learning rates that change from step to step.",
        files: ["optimizers/schedulers.ts"],
      },
    ],
  },
  {
    title: "Language models",
    families: [
      {
        slug: "lm",
        title: "mlx-js-lm",
        about:
          'A package of its own, on top of mlx-js: `import { load } from "mlx-js-lm"`. It loads language models and makes text, chats and embeddings with them. Its examples are run by a test, as those of mlx-js are.',
        files: [
          "packages/lm/src/load.ts",
          "packages/lm/src/generate.ts",
          "packages/lm/src/chat.ts",
          "packages/lm/src/embed.ts",
          "packages/lm/src/tokenizer.ts",
          "packages/lm/src/detokenizer.ts",
          "packages/lm/src/sampling.ts",
          "packages/lm/src/cache.ts",
          "packages/lm/src/masks.ts",
          "packages/lm/src/config.ts",
          "packages/lm/src/models/index.ts",
          "packages/lm/src/models/model.ts",
          "packages/lm/src/models/bert.ts",
          "packages/lm/src",
        ],
      },
    ],
  },
  {
    title: "Beside them",
    families: [
      {
        slug: "utils",
        title: "Trees",
        about: "Records and lists of arrays, such as parameters, taken as one thing: `utils`.",
        files: ["utils"],
      },
      {
        slug: "testing",
        title: "Matchers for tests",
        about:
          "`mlx-js/testing`: what tells vitest and Jest how to compare arrays. See also [Testing](../guides/testing.md).",
        files: ["testing"],
      },
    ],
  },
];

/** @param {string} file as above @returns {[string, number] | undefined} the page and its rank there */
export function familyOf(file) {
  /** @type {[string, number, number] | undefined} */
  let found;
  for (const { slug, files } of groups.flatMap(({ families }) => families)) {
    for (const [rank, name] of files.entries()) {
      const fits = file === name || file.startsWith(`${name}/`);
      if (fits && (found === undefined || name.length > found[2])) {
        found = [slug, rank, name.length];
      }
    }
  }
  return found === undefined ? undefined : [found[0], found[1]];
}
