import { element } from "./element";

/** The tabs of the panel, as the ARIA practices describe them: arrow keys go from one to the next. */
export class Tabs {
  readonly #tabs: { tab: HTMLButtonElement; body: HTMLElement }[] = [];
  readonly #list: HTMLElement;
  readonly #panel: HTMLElement;

  constructor(panel: HTMLElement) {
    this.#panel = panel;
    this.#list = panel.querySelector("[role=tablist]") as HTMLElement;
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Adds a tab; gives where its content goes. */
  add(name: string, title: string): HTMLElement {
    const body = element("div", { id: `panel-${name}`, className: "tab-body", role: "tabpanel", tabIndex: 0, hidden: true });
    body.setAttribute("aria-labelledby", `tab-${name}`);
    const tab = element("button", { type: "button", id: `tab-${name}`, role: "tab", textContent: title });
    tab.setAttribute("aria-controls", body.id);
    tab.addEventListener("click", () => this.show(name));
    this.#tabs.push({ tab, body });
    this.#list.append(tab);
    this.#panel.append(body);
    if (this.#tabs.length === 1) this.show(name);
    else this.#mark(tab, false);
    return body;
  }

  show(name: string): void {
    for (const { tab, body } of this.#tabs) {
      const isShown = tab.id === `tab-${name}`;
      body.hidden = !isShown;
      this.#mark(tab, isShown);
    }
  }

  #mark(tab: HTMLButtonElement, isShown: boolean): void {
    tab.setAttribute("aria-selected", String(isShown));
    tab.tabIndex = isShown ? 0 : -1;
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = this.#tabs.findIndex(({ body }) => !body.hidden);
    const next = this.#tabs[(at + step + this.#tabs.length) % this.#tabs.length]?.tab;
    next?.click();
    next?.focus();
  }
}
