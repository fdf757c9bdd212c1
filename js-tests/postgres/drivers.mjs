/** The drivers that the journal goes by. */
import process from "node:process";
import { PostgresJournal } from "dag-store/postgres";
import pg from "pg";
import postgres from "postgres";

/** How much of the journals' suite is done: connecting, and making tables, takes longer than a commit. */
export const EXTENT = process.env.DAG_STORE_FULL ? {} : { reopenEvery: 40, failEvery: 7 };

/** Those of the suite's cases that Deno and Bun do: not the longest, unless asked for; Node does all of them, by both drivers. */
export const inGuests = (cases) => (process.env.DAG_STORE_FULL ? cases : cases.filter(({ name }) => !name.includes("golden trace")));

/** A medium for the suite. Its journals are closed in the end: one whose closing failed on purpose would listen for ever. */
export function mediumOf(driver, schema) {
  const journals = [];
  return {
    open() {
      journals.push(new PostgresJournal(driver, { schema }));
      return journals.at(-1);
    },
    remove: () => Promise.all(journals.map((journal) => journal.close())),
  };
}

/** How many connections they have: many journals share them here. */
const max = 40;

/** A driver by its name, and how to end it. Statements are sent whole if they are not prepared. */
export function connect(name, address, { prepare = true } = {}) {
  if (name === "postgres") {
    const driver = postgres(address, { max, prepare, onnotice() {} });
    // In seconds: for a connection that was cut it would wait for ever.
    return { driver, end: () => driver.end({ timeout: 5 }) };
  }
  const driver = new pg.Pool({ connectionString: address, max });
  // Else the end of an idle connection is the end of the process.
  driver.on("error", () => {});
  return { driver, end: () => driver.end() };
}
