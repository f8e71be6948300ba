import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bindings, target } from "../scripts/bindings.mjs";

test("lib/core/call/bindings.ts is what the addon says of itself", () => {
  expect(readFileSync(target, "utf8")).toBe(bindings());
});
