import { DagStore, type Proof, type ProofRange } from "dag-store";
import { type ProvedEntry, checkBlock, verifyRange } from "dag-store/verify";
import { act, button, code, element, facts, field } from "./element";
import { bytes, count, date, short } from "./format";
import type { Model } from "./model";
import type { Session } from "./session";

/** What was proved: the range, the proof, and the nodes of the type that was asked for. */
interface Claim {
  range: ProofRange;
  type: string;
  proof: Proof;
  entries: ProvedEntry[];
}

/**
 * A proof, made and checked: these are all nodes of a type, a scope and a time. The checks are those of whoever has nothing but
 * the state hash, so they use `dag-store/verify` alone.
 */
export class ProofPanel {
  readonly #model: Model;
  readonly #session: Session;
  readonly #scope = element("select", { name: "scope" });
  readonly #type = element("select", { name: "type" });
  readonly #since = element("input", { type: "date", name: "since" });
  readonly #until = element("input", { type: "date", name: "until" });
  readonly #result = element("div", { id: "proof-result", role: "status" });
  #scopes = "";

  constructor(body: HTMLElement, model: Model, session: Session) {
    [this.#model, this.#session] = [model, session];
    const form = element(
      "form",
      { className: "stack", id: "prove" },
      field("All nodes of type", this.#type),
      field("in the scope", this.#scope),
      element("div", { className: "pair" }, field("from (UTC)", this.#since), field("to", this.#until)),
      element("button", { type: "submit", className: "primary" }, "Prove and check"),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(() => this.#prove());
    });
    body.append(
      element("h2", {}, "Proof"),
      element("p", { className: "quiet" }, "Proves that these are all, to somebody who has no store and trusts one hash."),
      form,
      this.#result,
    );
    model.onChange(() => this.#offer());
    this.#offer();
  }

  /** Offers the scopes and types that there are: votes first, if there are any. */
  #offer(): void {
    const { scopeNames, typeNames } = this.#model.graph;
    const all = [...scopeNames.all, "", ...typeNames.all].join("\0");
    if (all === this.#scopes) return;
    this.#scopes = all;
    const [scope, type] = [this.#scope.value, this.#type.value];
    this.#scope.replaceChildren(...scopeNames.all.map((name) => element("option", { value: name }, name)));
    this.#type.replaceChildren(...typeNames.all.map((name) => element("option", { value: name }, name)));
    if (scope) this.#scope.value = scope;
    this.#type.value = type || ["vote", "commit"].find((name) => typeNames.all.includes(name)) || (typeNames.all[0] ?? "");
  }

  async #prove(): Promise<void> {
    const range: ProofRange = {
      scopeId: this.#scope.value,
      since: this.#since.valueAsDate?.getTime(),
      // The whole of the last day.
      until: this.#until.valueAsDate ? this.#until.valueAsDate.getTime() + 86_399_999 : undefined,
    };
    const type = this.#type.value;
    const proof = await this.#session.store.proveRange(range);
    const entries = await this.#check(range, type, proof);
    this.#select(entries, `${count(entries.length, type)}, proved to be all`);

    const claim = { range, type, proof, entries };
    const leaveOut = button("Leave one out", () => this.#leaveOut(claim), { id: "leave-out", disabled: entries.length === 0 });
    const times = entries.length > 0 ? `${date(entries[0]?.timestamp ?? 0)} – ${date(entries.at(-1)?.timestamp ?? 0)}` : "none";
    this.#result.replaceChildren(
      verdict(true, `These are all: ${count(entries.length, `${type} node`)} of ${range.scopeId}.`),
      facts(["State hash", code(proof.stateHash)], ["Proof", bytes(proof.proof.length)], ["Times", times]),
      element("p", { className: "quiet small" }, "Every block was hashed and checked against its entry. Now cheat:"),
      element("div", { className: "row" }, leaveOut),
    );
  }

  /** Checks a proof as a stranger would: the entries, then each node's block. */
  async #check(range: ProofRange, type: string, { stateHash, proof }: Proof): Promise<ProvedEntry[]> {
    const entries = verifyRange(stateHash, range.scopeId, timesOf(range), proof).filter(({ eventType }) => eventType === type);
    for (const entry of entries) checkBlock(entry, range.scopeId, await this.#session.store.getBlock(entry.cid));
    return entries;
  }

  /** Two ways to keep a node from somebody, and what each comes to. */
  async #leaveOut({ range, type, proof, entries }: Claim): Promise<void> {
    const victim = entries[Math.floor(entries.length / 2)] as ProvedEntry;
    const told = entries.filter((entry) => entry !== victim);
    this.#select(told, `${count(told.length, type)}: one is left out`, [victim]);

    const given = new Set(told.map(({ cid }) => cid));
    const missing = verifyRange(proof.stateHash, range.scopeId, timesOf(range), proof.proof).filter(
      (entry) => entry.eventType === type && !given.has(entry.cid),
    );
    const forged = await this.#proveWithout(victim.cid, range);
    let refusal = "";
    try {
      verifyRange(proof.stateHash, range.scopeId, timesOf(range), forged.proof);
    } catch (error) {
      refusal = `${(error as { code: string }).code}: ${(error as Error).message}`;
    }
    this.#result.append(
      verdict(false, `Told of ${told.length}, but ${entries.length} are proved. Missing: ${missing.map(({ cid }) => short(cid)).join()}`),
      verdict(refusal === "", `A proof made by a store without that node, checked with the hash that is trusted: ${refusal}`),
      facts(["Its own hash", code(forged.stateHash)]),
    );
  }

  /** The proof of a store that never had a node, nor what came of it. */
  async #proveWithout(cid: string, range: ProofRange): Promise<Proof> {
    const gone = new Set(await this.#session.store.descendants(cid).cids().toArray());
    const forger = new DagStore();
    try {
      const { store } = this.#session;
      const kept = async function* () {
        for await (const node of store.list()) if (!gone.has(node.cid)) yield node;
      };
      await forger.insertMany(kept());
      return await forger.proveRange(range);
    } finally {
      await forger.close();
    }
  }

  #select(entries: readonly ProvedEntry[], what: string, leftOut: readonly ProvedEntry[] = []): void {
    const { graph } = this.#model;
    const numbers = (of: readonly ProvedEntry[]) => new Set(of.map(({ cid }) => graph.find(cid)).filter((node) => node !== undefined));
    this.#model.change(() => (this.#model.highlight = { what, nodes: numbers(entries), marked: numbers(leftOut) }));
  }
}

const timesOf = ({ since, until }: ProofRange) => ({ since, until });

/** Whether something holds, in words and not by colour alone. */
const verdict = (holds: boolean, text: string): HTMLElement =>
  element("p", { className: `verdict ${holds ? "holds" : "fails"}` }, element("strong", {}, holds ? "Holds. " : "Fails. "), text);
