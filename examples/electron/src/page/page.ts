/** The page: a tab for each task that people start here. */
import type { Bridge } from "../bridge.js";
import { TaskClient } from "../client.js";
import { chatTab } from "./chat-tab.js";
import { showTabs } from "./tabs.js";
import { trainTab } from "./train-tab.js";

declare global {
  interface Window {
    readonly model: Bridge;
  }
}

showTabs([trainTab, chatTab], new TaskClient(window.model));
