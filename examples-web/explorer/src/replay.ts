import { DagStore } from "dag-store";
import { button, code, element, run } from "./element";
import { count } from "./format";
import type { Model } from "./model";
import type { Session } from "./session";

/** So few nodes are replayed without being asked. */
const AT_ONCE = 5_000;

/**
 * A slider through the commits. The state hash at each is that of a second store, in memory, into which the commits are replayed one
 * after the other; at the end it is the first store's own.
 */
export class Replay {
  readonly #model: Model;
  readonly #session: Session;
  readonly #slider = element("input", { type: "range", min: "0", id: "replay-slider" });
  readonly #where = element("output", { id: "replay-where" });
  readonly #hash = element("output", { id: "replay-hash" });
  readonly #live: HTMLButtonElement;
  readonly #hashes: string[] = [];
  /** The commits that are replayed, and whether one replays them now. */
  #replica: DagStore | undefined;
  #isReplaying = false;

  constructor(section: HTMLElement, model: Model, session: Session) {
    [this.#model, this.#session] = [model, session];
    this.#slider.setAttribute("aria-label", "Commit");
    this.#slider.addEventListener("input", () => this.#go(Number(this.#slider.value)));
    this.#live = button("Live", () => this.#go(undefined), { id: "live", className: "plain" });
    section.append(
      element("div", { className: "replay-line" }, this.#where, this.#hash),
      element("div", { className: "replay-line" }, this.#slider, this.#live),
    );
    model.onChange(() => {
      this.#change();
      if (model.graph.size <= AT_ONCE) run(() => this.#replay());
    });
    this.#change();
  }

  #go(step: number | undefined): void {
    const { steps } = this.#model;
    const at = step === undefined || step >= steps.length ? undefined : step;
    this.#model.change(() => {
      this.#model.shown = at === undefined ? undefined : at === 0 ? 0 : (steps[at - 1]?.size ?? 0);
      if (this.#model.selected !== undefined && this.#model.selected >= this.#model.size) this.#model.selected = undefined;
      this.#model.highlight = undefined;
    });
    run(() => this.#replay());
  }

  #change(): void {
    const { steps, shown } = this.#model;
    const isLive = shown === undefined;
    this.#slider.max = String(steps.length);
    if (isLive) this.#slider.value = String(steps.length);
    const at = Number(this.#slider.value);
    this.#where.textContent = `Commit ${at} of ${steps.length}`;
    this.#slider.setAttribute("aria-valuetext", `commit ${at} of ${steps.length}, ${count(this.#model.size, "node")}`);
    this.#live.setAttribute("aria-pressed", String(isLive));
    this.#showHash(at);
  }

  #showHash(at: number): void {
    const hash = this.#hashes[at];
    if (this.#hash.dataset["of"] === `${at} ${hash}`) return;
    this.#hash.dataset["of"] = `${at} ${hash}`;
    const isAll = this.#model.shown === undefined;
    this.#hash.replaceChildren(...(hash ? ["state ", code(hash)] : [isAll ? "Drag to replay" : "replaying…"]));
  }

  /** Replays what has not been replayed yet, a commit at a time, keeping the hash after each. */
  async #replay(): Promise<void> {
    if (this.#isReplaying) return;
    this.#isReplaying = true;
    try {
      this.#replica ??= new DagStore();
      if (this.#hashes.length === 0) this.#hashes.push(await this.#replica.stateHash());
      const { steps, graph } = this.#model;
      while (this.#hashes.length <= steps.length) {
        const done = this.#hashes.length - 1;
        const cids = graph.cids.slice(steps[done - 1]?.size ?? 0, steps[done]?.size);
        const nodes = await this.#session.store.getMany(cids);
        const { stateHash } = await this.#replica.insertMany(nodes.filter((node) => node !== undefined), { stateHash: true });
        this.#hashes.push(stateHash ?? "");
        this.#change();
      }
    } finally {
      this.#isReplaying = false;
    }
  }
}
