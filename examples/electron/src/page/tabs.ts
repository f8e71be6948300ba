/** Tabs: each has a template in index.html, and fills what is made of it. */
import type { TaskClient } from "../client.js";

export interface Tab {
  /** The id of its template. */
  template: string;
  label: string;
  show(panel: HTMLElement, client: TaskClient): void;
}

/** The element that a page has for certain. */
export function find<E extends Element>(
  parent: ParentNode,
  selector: string,
  kind: new () => E,
): E {
  const found = parent.querySelector(selector);
  if (!(found instanceof kind)) {
    throw new Error(`There is no ${selector}.`);
  }
  return found;
}

export function showTabs(tabs: readonly Tab[], client: TaskClient): void {
  const list = find(document, "nav", HTMLElement);
  const main = find(document, "main", HTMLElement);
  const all = tabs.map(({ template, label, show }) => {
    const button = document.createElement("button");
    button.setAttribute("role", "tab");
    button.textContent = label;
    const panel = document.createElement("section");
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", label);
    panel.append(find(document, `#${template}`, HTMLTemplateElement).content.cloneNode(true));
    list.append(button);
    main.append(panel);
    show(panel, client);
    return { button, panel };
  });
  const select = (chosen: HTMLElement | undefined) => {
    for (const { button, panel } of all) {
      button.setAttribute("aria-selected", String(button === chosen));
      panel.hidden = button !== chosen;
    }
  };
  for (const { button } of all) {
    button.addEventListener("click", () => select(button));
  }
  select(all[0]?.button);
}
