/** Every family of golden values: what Python's MLX gives, we give. */
import { readdirSync } from "node:fs";
import { nn } from "mlx-js";
import { expect, test } from "vitest";
import { goldenFolder, runGolden } from "./support/golden.js";

// What Python has and the package does not have yet. The values are there: a
// name leaves the list when its function comes.
const later = {
  nn: [
    ...["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"],
    ...["BatchNorm", "GroupNorm", "InstanceNorm", "Bilinear", "Dropout2d", "Dropout3d"],
    ...["Conv1d", "Conv2d", "Conv3d"],
    ...["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
    ...["GRU", "LSTM", "RNN", "Upsample", "Transformer", "TransformerEncoder"],
    ...["TransformerEncoderLayer", "TransformerDecoder", "TransformerDecoderLayer"],
  ],
};

test("what comes later is not there yet", () => {
  expect(later.nn.filter((name) => name in nn)).toEqual([]);
});

for (const file of readdirSync(goldenFolder).sort()) {
  runGolden(file.replace(/\.json$/, ""), ({ layer }) => !later.nn.includes(layer ?? ""));
}
