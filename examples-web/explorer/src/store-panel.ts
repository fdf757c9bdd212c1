import type { Progress } from "dag-store";
import { act, button, code, element, facts, run } from "./element";
import { bytes, count, number, percent } from "./format";
import type { Model } from "./model";
import type { Session } from "./session";

/** How the store is kept, and ways in and out: CAR files. */
export class StorePanel {
  readonly #session: Session;
  readonly #facts = element("div", { id: "store-facts" });
  readonly #said = element("p", { className: "small", role: "status", id: "store-status" });
  readonly #file = element("p", { className: "small" });
  #isAsking = false;
  #asksAgain = false;
  #address = "";

  constructor(body: HTMLElement, model: Model, session: Session) {
    this.#session = session;
    const picker = element("input", { type: "file", accept: ".car", hidden: true, id: "car-file" });
    picker.setAttribute("aria-label", "CAR file");
    picker.addEventListener("change", () => act(() => picker.files?.[0] && this.import(picker.files[0])));
    // So that the same file may be chosen again.
    picker.addEventListener("click", () => (picker.value = ""));
    body.append(
      element("h2", {}, "Store"),
      this.#facts,
      element(
        "div",
        { className: "row" },
        button("Ask to keep it", () => this.#persist(), { id: "persist" }),
        button("Start over", () => this.#startOver(), { id: "start-over" }),
      ),
      element("h3", {}, "CAR files"),
      element("p", { className: "quiet" }, "Drop one anywhere on the page, or choose it. Every block is verified; it is imported wholly or not at all."),
      element("div", { className: "row" }, button("Export", () => this.#export(), { id: "export" }), button("Import…", () => picker.click()), picker),
      this.#file,
      this.#said,
    );
    model.onChange(() => this.#update());
    this.#update();
  }

  /** Imports a CAR file, and says what came of it. */
  async import(file: File): Promise<void> {
    this.#said.textContent = `${file.name}: reading…`;
    try {
      const onProgress = ({ done, total }: Progress) => (this.#said.textContent = `${file.name}: ${percent(done, total)}`);
      const { inserted, roots } = await this.#session.store.importCar(file, { onProgress });
      this.#said.textContent = `${file.name}: ${count(inserted.length, "new node")}, ${count(roots.length, "root")}.`;
    } catch (error) {
      this.#said.textContent = `${file.name}: nothing of it was imported.`;
      throw error;
    }
  }

  async #startOver(): Promise<void> {
    const size = await this.#session.store.size();
    if (confirm(`Delete all ${count(size, "node")} of this store, in every tab, and begin anew?`)) await this.#session.startOver();
  }

  async #export(): Promise<void> {
    const parts: BlobPart[] = [];
    for await (const chunk of this.#session.store.exportCar()) parts.push(chunk as Uint8Array<ArrayBuffer>);
    const type = "application/vnd.ipld.car";
    const blob = new Blob(parts, { type });
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(blob);
    const name = `${this.#session.dataset.name}.car`;
    const link = element("a", { href: this.#address, download: name, draggable: true, id: "car-link" }, `${name}, ${bytes(blob.size)}`);
    // Dragged out of the page it becomes the file, where the browser knows that.
    link.addEventListener("dragstart", (event) => event.dataTransfer?.setData("DownloadURL", `${type}:${name}:${this.#address}`));
    this.#file.replaceChildren("Click or drag it out: ", link);
  }

  async #persist(): Promise<void> {
    const kept = await this.#session.journal.persist();
    this.#said.textContent = kept ? "The browser has promised to keep it." : "The browser has promised nothing.";
    this.#update();
  }

  /** One question at a time; what changes meanwhile is asked for once more. */
  #update(): void {
    this.#asksAgain = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    run(async () => {
      try {
        while (this.#asksAgain) {
          this.#asksAgain = false;
          await this.#ask();
        }
      } finally {
        this.#isAsking = false;
      }
    });
  }

  async #ask(): Promise<void> {
    const { store } = this.#session;
    const [status, size, heads, stateHash] = await Promise.all([store.status(), store.size(), store.heads(), store.stateHash()]);
    const { bytesUsed, bytesQuota, persisted } = status.medium ?? {};
    const known = (value: number | undefined) => (value === undefined ? "not known" : bytes(value));
    this.#facts.replaceChildren(
      facts(
        ["Nodes", number(size)],
        ["Heads", number(heads.length)],
        ["Commits", number(status.sequence)],
        ["State hash", code(stateHash)],
        ["Kept in", "IndexedDB, shared by all tabs"],
        ["Durability", status.promises?.durability ?? "none"],
        ["Used", `${known(bytesUsed)} of ${known(bytesQuota)}`],
        ["Persisted", persisted ? "yes" : "no: the browser may delete it"],
      ),
    );
  }
}
