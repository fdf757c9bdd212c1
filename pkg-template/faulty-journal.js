import { DagStoreError } from "./error.js";

/** The calls that can be made to fail. */
const CALLS = ["open", "append", "read", "changed", "checkpoint", "writeCheckpoint", "readCheckpoint", "status", "close"];

/** A journal that fails on purpose, and passes everything else on to another. */
export class FaultyJournal {
  /** How many calls were made that the fault counts. */
  calls = 0;
  #journal;
  #fault;

  constructor(journal, fault = {}) {
    this.#journal = journal;
    this.#fault = fault;
  }

  async #make(name, args) {
    const { call, at = 1, times = "once", when = "before", error } = this.#fault;
    if (call === undefined || call === name) this.calls++;
    const fails = (call === undefined || call === name) && (times === "once" ? this.calls === at : this.calls >= at);
    const pass = (given) => this.#journal[name]?.(...given);
    if (!fails) return pass(args);
    if (when === "after") await pass(args);
    if (when === "half") await this.#half(name, args, pass);
    throw error ?? failure(name, when);
  }

  /** Does half of a call: half of the segments, half of the chunks. Of the others, there is no half. */
  async #half(name, args, pass) {
    const [first, second] = args;
    if (name === "append") await pass([first, second.slice(0, second.length / 2)]);
    if (name === "writeCheckpoint") await pass([first, broken(second)]).catch(() => {});
  }

  static {
    for (const name of CALLS) {
      const method = { [name](...args) { return this.#make(name, args); } }[name];
      Object.defineProperty(this.prototype, name, { value: method, writable: true, configurable: true });
    }
  }
}

/** Chunks that end in an error after the first. */
async function* broken(chunks) {
  for await (const chunk of chunks) {
    yield chunk;
    break;
  }
  throw failure("writeCheckpoint", "half");
}

/** What a journal says that did nothing, or that can't tell. */
function failure(name, when) {
  const unknown = name === "append" && when !== "before";
  return new DagStoreError(unknown ? "ERR_OUTCOME_UNKNOWN" : "ERR_STORAGE", `${name} was made to fail ${when} its effect`);
}
