/** What differs between `pg` and `postgres`: how a statement is run, a transaction, and listening. */
import { DagStoreError } from "./error.js";

/** How the driver that a caller hands in is used. */
export function driverOf(given) {
  if (typeof given === "function" && ["unsafe", "begin", "listen"].every((name) => typeof given[name] === "function")) return new Postgres(given);
  if (Object(given) === given && ["connect", "query"].every((name) => typeof given[name] === "function")) return new Pg(given);
  const message = "the database must be a Pool of `pg`, or what `postgres()` of the package of that name gives";
  throw new DagStoreError("ERR_INVALID_ARGUMENT", message);
}

const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED";
const LISTEN = "LISTEN dag_store";
/** Rolls a transaction back. */
export const ROLLBACK = Symbol("rollback");

/** A transaction that failed in its very end: it may have happened. */
export class Doubt extends Error {}

/** A pool of `pg`. */
class Pg {
  #pool;

  constructor(pool) {
    this.#pool = pool;
  }

  async query(text, values) {
    return (await this.#pool.query(text, values)).rows;
  }

  /** Runs a task in a transaction. It gives ROLLBACK, or what the caller is given. */
  async transaction(task) {
    const client = await this.#pool.connect();
    // An error without a query to tell would end the process; the next query tells too.
    const ignore = () => {};
    client.on("error", ignore);
    let failure;
    try {
      await client.query(BEGIN);
      const done = await task(async (text, values) => {
        const { rows, rowCount } = await client.query(text, values);
        return Object.assign(rows, { changed: rowCount });
      });
      await client.query(done === ROLLBACK ? "ROLLBACK" : "COMMIT").catch((cause) => {
        throw done === ROLLBACK ? cause : doubt(cause);
      });
      return done;
    } catch (error) {
      // A connection of which it isn't known where it stands goes.
      failure = error;
      throw error;
    } finally {
      client.off("error", ignore);
      client.release(failure);
    }
  }

  /** Listens until it is stopped, or the connection ends: then it calls `ended`. */
  async listen(heard, ended) {
    const client = await this.#pool.connect();
    let isOver = false;
    const end = (error) => {
      if (isOver) return;
      isOver = true;
      client.release(error ?? true);
      ended();
    };
    client.on("notification", ({ payload }) => heard(payload));
    client.on("error", end);
    client.on("end", end);
    try {
      await client.query(LISTEN);
    } catch (error) {
      end(error);
    }
    return () => end();
  }
}

/** `sql` of `postgres`. */
class Postgres {
  #sql;

  constructor(sql) {
    this.#sql = sql;
  }

  query(text, values) {
    return this.#sql.unsafe(text, values);
  }

  /**
   * By `begin`, which alone tells when a connection is gone. It then rolls back all the same, on a socket that is none, which
   * would be the end of the process: so nothing is told to it any more, and it is left with what it waits for.
   */
  async transaction(task) {
    let [isGone, isCommitting] = [false, false];
    let fail;
    const failed = new Promise((_, reject) => (fail = reject));
    let done;
    const whole = this.#sql.begin("isolation level read committed", async (sql) => {
      let isBroken = false;
      try {
        done = await task(async (text, values) => {
          if (isGone) throw new Error("the connection is closed");
          try {
            const rows = await sql.unsafe(text, values);
            return Object.assign([...rows], { changed: rows.count });
          } catch (error) {
            isBroken = !isState(error?.code);
            throw error;
          }
        });
      } catch (error) {
        if (!isBroken && !isGone) throw error;
        fail(error);
        return new Promise(() => {});
      }
      if (done === ROLLBACK) throw ROLLBACK;
      isCommitting = true;
    });
    whole.catch(() => (isGone = true));
    try {
      await Promise.race([whole, failed]);
      return done;
    } catch (error) {
      if (error === ROLLBACK) return ROLLBACK;
      throw isCommitting ? doubt(error) : error;
    }
  }

  /** It connects anew by itself, and tells of every time. */
  async listen(heard) {
    const { unlisten } = await this.#sql.listen("dag_store", heard, () => heard());
    return () => unlisten().catch(() => {});
  }
}

/** Whether this is a code of the server's own. */
export const isState = (code) => typeof code === "string" && /^[0-9A-Z]{5}$/.test(code);

/** Whether a commit that failed is in doubt: not where the server has refused it, and lives on. */
function doubt(cause) {
  const { code } = cause ?? {};
  const isSure = isState(code) && !/^(08|57|58|XX)/.test(code);
  return isSure ? cause : new Doubt("the commit is in doubt", { cause });
}
