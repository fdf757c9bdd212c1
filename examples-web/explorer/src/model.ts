import type { DagNode } from "dag-store";
import { Graph } from "./graph";

/** A commit, as replay shows it. */
export interface Step {
  sequence: number;
  id: string;
  /** How many nodes there are after it. */
  size: number;
}

/** A staged node, which nobody else sees. */
export interface Ghost {
  cid: string;
  title: string;
  eventType: string;
  scopeId: string;
  /** By number in the graph, or the CID of another ghost. */
  parents: (number | string)[];
}

/** What is highlighted among all nodes, and what that is called. */
export interface Highlight {
  what: string;
  nodes: Set<number>;
  /** Marked besides, such as merge bases. */
  marked: Set<number>;
}

/** What the page is about: the nodes, and what of them is chosen. Whoever shows it is told when it changes. */
export class Model {
  readonly graph = new Graph();
  readonly steps: Step[] = [];
  readonly hiddenTypes = new Set<string>();
  ghosts: Ghost[] = [];
  selected: number | undefined;
  second: number | undefined;
  highlight: Highlight | undefined;
  scope = "";
  text = "";
  /** How many nodes replay shows; all, unless it is on. */
  shown: number | undefined;
  readonly #listeners: (() => void)[] = [];
  #frame: number | undefined;

  /** How many nodes there are to show. */
  get size(): number {
    return this.shown ?? this.graph.size;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Changes it, and tells everybody. */
  change(how: () => void): void {
    how();
    for (const listener of this.#listeners) listener();
  }

  /** Takes in the nodes of a commit. Everybody is told before the next frame: of a long history, once for many commits. */
  add(nodes: readonly DagNode[], commit: { sequence: number; id: string }): void {
    for (const node of nodes) this.graph.add(node);
    const added = new Set(nodes.map(({ cid }) => cid));
    this.ghosts = this.ghosts.filter(({ cid }) => !added.has(cid));
    this.steps.push({ sequence: commit.sequence, id: commit.id, size: this.graph.size });
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = undefined;
      this.change(() => {});
    });
  }

  select(node: number | undefined): void {
    this.change(() => {
      this.selected = node;
      this.second = undefined;
      this.highlight = undefined;
    });
  }

  chooseSecond(node: number | undefined): void {
    this.change(() => {
      this.second = node === this.selected ? undefined : node;
      this.highlight = undefined;
    });
  }

  /** Whether a node is one of those that the filters and the search let through. */
  matches(node: number): boolean {
    const { graph } = this;
    if (this.hiddenTypes.size > 0 && this.hiddenTypes.has(graph.type(node))) return false;
    if (this.scope !== "" && graph.scope(node) !== this.scope) return false;
    return this.text === "" || this.#hasText(node);
  }

  /** Whether anything is filtered at all. */
  get isFiltered(): boolean {
    return this.hiddenTypes.size > 0 || this.scope !== "" || this.text !== "";
  }

  /** The heads among the nodes that are shown. */
  isHead(node: number): boolean {
    const children = this.graph.children[node] ?? [];
    return children.every((child) => child >= this.size);
  }

  #hasText(node: number): boolean {
    const { graph, text } = this;
    return graph.title(node).toLowerCase().includes(text) || (graph.cids[node] ?? "").startsWith(text);
  }
}
