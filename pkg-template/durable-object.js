/** A journal in the SQLite database of a Durable Object. */
import { DagStoreError } from "./error.js";
import { readOptions } from "./options.js";
import { SqlJournal } from "./sql-journal.js";

export class DurableObjectJournal extends SqlJournal {
  #storage;

  constructor(storage, options) {
    super(readOptions(options, "options", ["name"]));
    if (typeof storage?.sql?.exec !== "function" || typeof storage.transactionSync !== "function") {
      const message = "needs the storage of a Durable Object with SQLite, `ctx.storage` (`new_sqlite_classes` in its migrations)";
      throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
    }
    this.#storage = storage;
  }

  async open() {
    const storage = this.#storage;
    const run = (sql, ...values) => told(() => storage.sql.exec(sql, ...values).toArray());
    const transaction = (task) => told(() => storage.transactionSync(task));
    this.begin({ run, look: (task) => task(), write: transaction });
    return { durability: "strict", writers: "many", watch: false, checkpoints: true };
  }

  /** What was written is in memory first; it counts once the platform has confirmed it. */
  async append(after, segments) {
    const written = await super.append(after, segments);
    if (written) await this.#confirmed();
    return written;
  }

  async writeCheckpoint(meta, chunks) {
    const written = await super.writeCheckpoint(meta, chunks);
    await this.#confirmed();
    return written;
  }

  async #confirmed() {
    try {
      await this.#storage.sync();
    } catch (cause) {
      const message = "the platform has not confirmed what was written; it restarts the object";
      throw new DagStoreError("ERR_OUTCOME_UNKNOWN", message, { cause });
    }
  }

  async status() {
    return { bytesUsed: this.#storage.sql.databaseSize };
  }

  async close() {
    this.end();
  }
}

/** Runs what may fail in the platform's words, and says it in ours. */
function told(task) {
  try {
    return task();
  } catch (cause) {
    if (cause instanceof DagStoreError) throw cause;
    const isFull = /SQLITE_FULL|exceeded (its )?maximum|storage limit/i.test(cause?.message);
    const [code, message] = isFull ? ["ERR_QUOTA", "the object has no room left"] : ["ERR_STORAGE", "the object's database failed"];
    throw new DagStoreError(code, `${message}: ${cause?.message}`, { cause });
  }
}
