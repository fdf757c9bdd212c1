/** Every entry, by `require`. */
import main = require("dag-store");
import wasm = require("dag-store/dag.wasm");
import durable = require("dag-store/durable-object");
import indexeddb = require("dag-store/indexeddb");
import inline = require("dag-store/inline");
import postgres = require("dag-store/postgres");
import slim = require("dag-store/slim");
import sqlite = require("dag-store/sqlite");
import testing = require("dag-store/testing");

const source: slim.WasmSource = wasm;
slim.init(source);
// @ts-expect-error a number is no wasm
slim.init(7);

const stores: main.DagStore[] = [new main.DagStore(), new inline.DagStore(), new slim.DagStore()];
const journals: main.Journal[] = [new indexeddb.IndexedDBJournal("name"), new sqlite.SqliteJournal("file"), new testing.MemoryJournal()];
journals.push(new durable.DurableObjectJournal({} as durable.DurableObjectStorageLike));
journals.push(new postgres.PostgresJournal({} as postgres.PgPoolLike));
export = { journals, stores };
