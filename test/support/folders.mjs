// Folders that tests make and remove.
import { rmSync } from "node:fs";

/**
 * Removes a folder, also one in which other processes still write: what they add while
 * it is being emptied is removed with the next try.
 * @param {string} path
 */
export function removeFolder(path) {
  for (let tries = 1; ; tries++) {
    try {
      return rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (tries === 1000 || /** @type {NodeJS.ErrnoException} */ (error).code !== "ENOTEMPTY") {
        throw error;
      }
    }
  }
}
