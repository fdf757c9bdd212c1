import type { Batch } from "dag-store";
import { act, button, element, field } from "./element";
import { count, short } from "./format";
import type { Model } from "./model";
import type { Session } from "./session";

const TYPES = ["vote", "proposal", "execution", "attestation", "receipt", "anchor", "genesis"];

/** A batch: what is staged is a ghost until it is committed, and gone when it is rolled back. */
export class BatchPanel {
  readonly #model: Model;
  readonly #session: Session;
  readonly #list = element("ol", { className: "staged", id: "staged" });
  readonly #said = element("p", { className: "small", role: "status", id: "batch-status" });
  readonly #ends: HTMLButtonElement[];
  readonly #parents = element("p", { className: "quiet small" });
  #batch: Batch | undefined;

  constructor(body: HTMLElement, model: Model, session: Session) {
    [this.#model, this.#session] = [model, session];
    const type = element("select", { name: "type" }, ...TYPES.map((name) => element("option", { value: name }, name)));
    const scope = element("input", { name: "scope", required: true, value: "garden-coop", autocomplete: "off" });
    const text = element("input", { name: "text", required: true, value: "yes", autocomplete: "off" });
    const form = element(
      "form",
      { className: "stack", id: "stage" },
      field("Type", type),
      field("Scope", scope),
      field("Text", text),
      this.#parents,
      element("button", { type: "submit", className: "primary" }, "Stage"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(() => this.#stage(type.value, scope.value, text.value));
    });
    this.#ends = [
      button("Commit", () => this.#commit(), { className: "primary", id: "commit" }),
      button("Roll back", () => this.#rollBack(), { id: "roll-back" }),
    ];
    body.append(
      element("h2", {}, "Batch"),
      element("p", { className: "quiet" }, "Staged nodes are dashed in the graph. Nobody else sees them before they are committed, all at once."),
      form,
      this.#list,
      element("div", { className: "row" }, ...this.#ends),
      this.#said,
    );
    let known = 0;
    model.onChange(() => {
      // Until somebody has written something else, it is a scope that there is.
      const scopes = model.graph.scopeNames.all;
      if (known === 0 && scopes.length > 0) [known, scope.value] = [scopes.length, scopes[0] as string];
      this.#change();
    });
    this.#change();
  }

  #change(): void {
    const { ghosts, selected, graph } = this.#model;
    const parent = selected === undefined ? undefined : graph.title(selected);
    this.#parents.textContent = `Follows from ${ghosts.length > 0 ? "what was staged before" : (parent ?? "nothing: choose a node to be its parent")}.`;
    this.#list.replaceChildren(...ghosts.map(({ title, eventType, cid }) => element("li", {}, `${eventType}: ${title} `, element("code", {}, short(cid)))));
    for (const end of this.#ends) end.disabled = ghosts.length === 0;
  }

  async #stage(eventType: string, scopeId: string, text: string): Promise<void> {
    const { ghosts, selected, graph } = this.#model;
    const last = ghosts.at(-1)?.cid;
    const chosen = selected === undefined ? undefined : graph.cids[selected];
    const from = last ?? chosen;
    this.#batch ??= await this.#session.store.beginBatch();
    const cid = await this.#batch.insert({ content: { text }, eventType, scopeId, parents: from ? [from] : [] });
    const parents = last ? [last] : selected !== undefined ? [selected] : [];
    this.#said.textContent = "";
    this.#model.change(() => {
      if (!ghosts.some((ghost) => ghost.cid === cid)) this.#model.ghosts = [...ghosts, { cid, title: text, eventType, scopeId, parents }];
    });
  }

  async #commit(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    try {
      const commit = await batch?.commit();
      if (commit) this.#said.textContent = `Commit ${commit.sequence}: ${count(commit.inserted.length, "node")}.`;
    } finally {
      this.#model.change(() => (this.#model.ghosts = []));
    }
  }

  async #rollBack(): Promise<void> {
    const batch = this.#batch;
    this.#batch = undefined;
    await batch?.rollback();
    this.#said.textContent = "Rolled back: nothing of it remains.";
    this.#model.change(() => (this.#model.ghosts = []));
  }
}
