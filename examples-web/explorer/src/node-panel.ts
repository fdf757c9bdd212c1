import { toDagJson } from "dag-store";
import { button, code, element, facts, run } from "./element";
import { count, date, hexDump } from "./format";
import type { Model } from "./model";
import type { Session } from "./session";

/** Beyond so many, links to other nodes are not listed. */
const LISTED = 12;

/** The node that is chosen: its fields, its bytes, and what it hangs together with. */
export class NodePanel {
  readonly #body: HTMLElement;
  readonly #model: Model;
  readonly #session: Session;
  readonly #show: (node: number) => void;
  #shown: number | undefined;
  #shownSecond: number | undefined;
  #children = 0;
  /** Which filling is the latest: one that was overtaken shows nothing. */
  #turn = 0;

  constructor(body: HTMLElement, model: Model, session: Session, show: (node: number) => void) {
    [this.#body, this.#model, this.#session, this.#show] = [body, model, session, show];
    model.onChange(() => this.#change());
    this.#body.replaceChildren(this.#nothing());
  }

  #change(): void {
    const { selected, second, graph } = this.#model;
    const children = selected === undefined ? 0 : (graph.children[selected]?.length ?? 0);
    if (selected === this.#shown && second === this.#shownSecond && children === this.#children) return;
    [this.#shown, this.#shownSecond, this.#children] = [selected, second, children];
    if (selected === undefined) {
      this.#turn++;
      this.#body.replaceChildren(this.#nothing());
    } else {
      run(() => this.#fill(selected));
    }
  }

  #nothing(): HTMLElement {
    return element(
      "div",
      { className: "empty" },
      element("p", {}, "Choose a node to see what is in it."),
      element("p", { className: "quiet" }, "Drag to move, scroll to zoom. With the graph in focus, the arrow keys walk along its links."),
    );
  }

  async #fill(selected: number): Promise<void> {
    const { graph } = this.#model;
    const cid = graph.cids[selected] ?? "";
    const { store } = this.#session;
    const turn = ++this.#turn;
    const [node, block] = await Promise.all([store.get(cid), store.getBlock(cid)]);
    if (!node || !block || this.#turn !== turn) return;
    const bytes = element("pre", { tabIndex: 0 });
    bytes.setAttribute("aria-label", "Bytes");
    const dump = element("details", {}, element("summary", {}, `Block, ${count(block.length, "byte")}`), bytes);
    // A block may be a megabyte, so it is written out for those who ask.
    dump.addEventListener("toggle", () => (bytes.textContent ||= hexDump(block)), { once: true });
    const json = element("pre", { tabIndex: 0, className: "wrapped" }, pretty(toDagJson(node)));
    json.setAttribute("aria-label", "DAG-JSON");
    this.#body.replaceChildren(
      element("h2", {}, graph.title(selected)),
      facts(
        ["CID", code(cid)],
        ["Type", node.eventType],
        ["Scope", node.scopeId],
        ["Time", `${date(node.timestamp)} UTC`],
        ["Parents", this.#links(graph.parents[selected] ?? [])],
        ["Children", this.#links(graph.children[selected] ?? [])],
      ),
      this.#walks(selected),
      ...this.#pair(selected),
      element("details", { open: true }, element("summary", {}, "DAG-JSON"), json),
      dump,
    );
  }

  #links(nodes: readonly number[]): HTMLElement | string {
    if (nodes.length === 0) return "none";
    const { graph } = this.#model;
    const items = nodes.slice(0, LISTED).map((node) => {
      const link = button(graph.title(node), () => this.#show(node), { className: "link" });
      return element("li", {}, link);
    });
    if (nodes.length > LISTED) items.push(element("li", {}, `and ${nodes.length - LISTED} more`));
    return element("ul", { className: "links" }, ...items);
  }

  #walks(selected: number): HTMLElement {
    const { graph } = this.#model;
    const { store } = this.#session;
    const cid = graph.cids[selected] ?? "";
    const walks = {
      Ancestors: () => store.ancestors(cid).cids().toArray(),
      Descendants: () => store.descendants(cid).cids().toArray(),
    };
    const buttons = Object.entries(walks).map(([name, walk]) =>
      button(name, async () => {
        const nodes = this.#numbers(await walk());
        nodes.delete(selected);
        const what = count(nodes.size, name.slice(0, -1).toLowerCase());
        nodes.add(selected);
        this.#model.change(() => (this.#model.highlight = { what, nodes, marked: new Set() }));
      }, { id: name.toLowerCase() }),
    );
    return element("div", { className: "row" }, ...buttons);
  }

  /** What a second node, chosen with shift, and this one have in common. */
  #pair(selected: number): HTMLElement[] {
    const { second, graph } = this.#model;
    if (second === undefined) {
      return [element("p", { className: "quiet small" }, "Shift and a click on another node finds what both come from.")];
    }
    const cids = [selected, second].map((node) => graph.cids[node] ?? "");
    const merge = button("Merge bases", async () => {
      const { store } = this.#session;
      const bases = this.#numbers(await store.mergeBases(cids));
      const { left, right } = store.diff(cids[0] as string, cids[1] as string);
      const sides = await Promise.all([left.cids().toArray(), right.cids().toArray()]);
      const nodes = new Set([...bases, ...this.#numbers(sides.flat())]);
      const what = bases.size > 0 ? `${count(bases.size, "merge base")}, and what has come since` : "Nothing in common";
      this.#model.change(() => (this.#model.highlight = { what, nodes, marked: bases }));
      const first = [...bases][0];
      if (first !== undefined) {
        result.replaceChildren("Both come from ", button(graph.title(first), () => this.#show(first), { className: "link" }));
      } else {
        result.textContent = "They have no ancestor in common.";
      }
    }, { id: "merge-bases" });
    const result = element("p", { className: "small", role: "status", id: "merge-bases-found" });
    return [element("p", { className: "small" }, `Second: ${graph.title(second)}`), element("div", { className: "row" }, merge), result];
  }

  #numbers(cids: readonly string[]): Set<number> {
    return new Set(cids.map((cid) => this.#model.graph.find(cid)).filter((node) => node !== undefined));
  }
}

/** DAG-JSON has no spaces; people need some. */
const pretty = (json: string): string => JSON.stringify(JSON.parse(json), undefined, 2);
