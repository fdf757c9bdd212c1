/** Damages every byte of a journal in SQLite, one after the other; ends well if all was as it must be. */
import { DagStore } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";
import { damageEvery } from "../../suite/sqlite.mjs";

await damageEvery(1, { DagStore, SqliteJournal });
