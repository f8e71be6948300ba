import { findBrowser } from "../../scripts/browser.mjs";

/** Before all tests: the browser that they use, as CHROMIUM says it to the processes that run them. */
export async function setup(): Promise<void> {
  const path = await findBrowser();
  if (path !== undefined) {
    process.env["CHROMIUM"] = path;
  }
}
