import { button, byId, element } from "./element";
import { count, number } from "./format";
import type { Model } from "./model";
import { colourOf } from "./palette";

/** How many found nodes are listed. */
const LISTED = 50;

/** What to show: types, a scope, a text. What is found is a list too, for those who can't see the graph. */
export class Filters {
  readonly #model: Model;
  readonly #chips = byId("filters");
  readonly #scope = byId<HTMLSelectElement>("scope-filter");
  readonly #found: HTMLElement;
  readonly #show: (node: number) => void;
  #known: string | undefined;
  #listed: string | undefined;

  constructor(found: HTMLElement, model: Model, show: (node: number) => void, onSearch: () => void) {
    [this.#model, this.#found, this.#show] = [model, found, show];
    const form = byId<HTMLFormElement>("search");
    const input = form.elements.namedItem("text") as HTMLInputElement;
    input.addEventListener("input", () => {
      model.change(() => (model.text = input.value.trim().toLowerCase()));
      if (model.text !== "") onSearch();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const [first] = this.#matches(1).nodes;
      if (first !== undefined) show(first);
    });
    this.#scope.addEventListener("change", () => model.change(() => (model.scope = this.#scope.value)));
    model.onChange(() => this.#change());
    this.#change();
  }

  #change(): void {
    const { graph, hiddenTypes, scope, text } = this.#model;
    const known = [...graph.typeCounts, ...graph.scopeNames.all, ...hiddenTypes].join("\0");
    if (known !== this.#known) {
      this.#known = known;
      this.#offer();
    }
    const listed = [known, scope, text, this.#model.size].join("\0");
    if (listed !== this.#listed) {
      this.#listed = listed;
      this.#list();
    }
  }

  /** A chip for each type, which is the legend too. */
  #offer(): void {
    const { graph, hiddenTypes } = this.#model;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["type"];
    this.#chips.replaceChildren(
      ...graph.typeNames.all.map((name, i) => {
        const chip = button("", () => this.#toggle(name), { className: "chip" });
        chip.dataset["type"] = name;
        chip.setAttribute("aria-pressed", String(!hiddenTypes.has(name)));
        const dot = element("span", { className: `dot type-${colourOf(name, i)}` });
        dot.ariaHidden = "true";
        chip.append(dot, name, element("span", { className: "quiet" }, ` ${number(graph.typeCounts[i] ?? 0)}`));
        return chip;
      }),
    );
    if (focused) this.#chips.querySelector<HTMLElement>(`[data-type="${CSS.escape(focused)}"]`)?.focus();
    const { value } = this.#scope;
    this.#scope.replaceChildren(
      element("option", { value: "" }, "All scopes"),
      ...graph.scopeNames.all.map((name) => element("option", { value: name }, name)),
    );
    this.#scope.value = value;
  }

  #toggle(type: string): void {
    const { hiddenTypes } = this.#model;
    this.#model.change(() => {
      if (!hiddenTypes.delete(type)) hiddenTypes.add(type);
    });
  }

  #list(): void {
    const { graph } = this.#model;
    if (!this.#model.isFiltered) {
      this.#found.replaceChildren(
        element("h2", {}, "Search"),
        element("p", { className: "quiet" }, "Search by text or CID, choose a scope, or turn types off. What is left is listed here."),
      );
      return;
    }
    const { nodes, total } = this.#matches(LISTED);
    const items = nodes.map((node) => {
      const open = button("", () => this.#show(node), { className: "found" });
      const dot = element("span", { className: `dot type-${colourOf(graph.type(node), graph.types[node] ?? 0)}` });
      dot.ariaHidden = "true";
      open.append(dot, element("span", {}, graph.title(node)), element("span", { className: "quiet small" }, `${graph.type(node)}, ${graph.scope(node)}`));
      return element("li", {}, open);
    });
    this.#found.replaceChildren(
      element("h2", {}, "Search"),
      element("p", { role: "status" }, `${count(total, "node")} found${total > LISTED ? `, the latest ${LISTED} of them here` : ""}.`),
      element("ul", { className: "found-list" }, ...items),
    );
  }

  /** The latest nodes that match, and how many there are in all. */
  #matches(most: number): { nodes: number[]; total: number } {
    const nodes: number[] = [];
    let total = 0;
    for (let node = this.#model.size - 1; node >= 0; node--) {
      if (!this.#model.matches(node)) continue;
      total++;
      if (nodes.length < most) nodes.push(node);
    }
    return { nodes, total };
  }
}
