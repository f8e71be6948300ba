/** What files that are not in order are refused with. */
import { withCode } from "../call/codes.js";

/** A file that is not what its format says: truncated, damaged or foreign. */
export class FormatError extends Error {
  /** The file's name, or `"memory"`. */
  readonly file: string;

  /** @internal */
  constructor(file: string, expected: string, received: string, fn = "load") {
    super(`[${fn}] ${file}: expected ${expected}, received ${received}`);
    this.name = "FormatError";
    this.file = file;
    withCode(this, "ERR_MLX_FORMAT");
  }
}
