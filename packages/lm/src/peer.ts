// Refuses an mlx-js of another version. The manifest names the right one, but some installers only warn of another, and what
// then fails is a call deep inside. Entries import it first, so that it comes before anything of mlx-js is used.
import { createRequire } from "node:module";
import { failure } from "./errors.js";

interface Manifest {
  name?: string;
  version?: string;
}

/** The manifests of this package and of the mlx-js that it finds; undefined within a bundle, which has no such files. */
function manifests(): [own: Manifest, peer: Manifest] | undefined {
  try {
    const require = createRequire(import.meta.url);
    const own = require("../package.json") as Manifest;
    return own.name === "mlx-js-lm" ? [own, require("mlx-js/package.json")] : undefined;
  } catch {
    return undefined;
  }
}

const [own, peer] = manifests() ?? [];
if (own?.version !== peer?.version) {
  throw failure(
    "ERR_MLX_LM_VERSION",
    `mlx-js-lm ${own?.version} needs mlx-js of the same version, and beside it is ${peer?.version}: ` +
      `npm install mlx-js@${own?.version} mlx-js-lm@${own?.version}`,
  );
}
