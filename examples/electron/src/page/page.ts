/** The page: a tab for each task that people start here. */
import type { Bridge } from "../bridge.js";
import { TaskClient } from "../client.js";
import { showTabs } from "./tabs.js";
import { trainTab } from "./train-tab.js";

declare global {
  interface Window {
    readonly model: Bridge;
  }
}

showTabs([trainTab], new TaskClient(window.model));
