import type { DagNode, Value } from "dag-store";
import { Lanes } from "./lanes";

/** Longer titles are cut: a node may be a megabyte of text. */
const LONGEST_TITLE = 200;

/** Numbers for names, in the order in which they came. */
export class Names {
  readonly all: string[] = [];
  readonly #numbers = new Map<string, number>();

  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.all.push(name) - 1;
      this.#numbers.set(name, number);
    }
    return number;
  }
}

/**
 * What is drawn of a store: its nodes in insertion order, by number, each field in an array of its own. It only grows;
 * a number means the same node for good.
 */
export class Graph {
  readonly cids: string[] = [];
  readonly titles: string[] = [];
  readonly types: number[] = [];
  readonly scopes: number[] = [];
  readonly timestamps: number[] = [];
  /** Within the scope. */
  readonly lanes: number[] = [];
  /** The parent in the same lane that the node goes on from, or -1. */
  readonly continues: number[] = [];
  readonly parents: number[][] = [];
  readonly children: number[][] = [];
  readonly typeNames = new Names();
  readonly scopeNames = new Names();
  /** How many nodes each type has. */
  readonly typeCounts: number[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #lanes: Lanes[] = [];

  get size(): number {
    return this.cids.length;
  }

  /** The number of a node. */
  find(cid: string): number | undefined {
    return this.#numbers.get(cid);
  }

  /** What to call a node: never empty. */
  title(node: number): string {
    return this.titles[node] ?? "";
  }

  /** The name of a node's type. */
  type(node: number): string {
    return this.typeNames.all[this.types[node] ?? 0] ?? "";
  }

  /** The name of a node's scope. */
  scope(node: number): string {
    return this.scopeNames.all[this.scopes[node] ?? 0] ?? "";
  }

  /** How many lanes a scope has. */
  laneCount(scope: number): number {
    return this.#lanes[scope]?.count ?? 0;
  }

  /** Adds a node, whose parents must be there; one that is there already is passed over. */
  add(node: DagNode): void {
    if (this.#numbers.has(node.cid)) return;
    const number = this.cids.push(node.cid) - 1;
    const scope = this.scopeNames.number(node.scopeId);
    const type = this.typeNames.number(node.eventType);
    const parents = node.parents.map((cid) => this.#numbers.get(cid)).filter((parent) => parent !== undefined);
    this.#numbers.set(node.cid, number);
    this.titles.push(titleOf(node));
    this.types.push(type);
    this.typeCounts[type] = (this.typeCounts[type] ?? 0) + 1;
    this.scopes.push(scope);
    this.timestamps.push(node.timestamp);
    this.parents.push(parents);
    this.children.push([]);
    for (const parent of parents) this.children[parent]?.push(number);

    const lanes = (this.#lanes[scope] ??= new Lanes());
    const laneOf = (parent: number) => (this.scopes[parent] === scope ? this.lanes[parent] : undefined);
    const { lane, continues } = lanes.place(number, parents, laneOf);
    this.lanes.push(lane);
    this.continues.push(continues ?? -1);
  }
}

/** What to call a node: the text in its content that says most, else its type. */
export function titleOf({ content, eventType }: Pick<DagNode, "content" | "eventType">): string {
  const text = textOf(content).trim() || eventType;
  return text.length > LONGEST_TITLE ? `${text.slice(0, LONGEST_TITLE - 1)}…` : text;
}

function textOf(content: Value): string {
  if (typeof content === "string") return content;
  if (content === null || content instanceof Uint8Array) return "";
  if (typeof content !== "object") return String(content);
  const fields = Object.entries(content).filter((field): field is [string, string] => typeof field[1] === "string");
  const named = fields.find(([name]) => ["title", "subject", "text"].includes(name));
  return named ? named[1] : fields.map(([, text]) => text).join(" · ");
}
