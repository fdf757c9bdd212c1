/** Every entry, by `require`. */
import main = require("dag-store");
import wasm = require("dag-store/dag.wasm");
import inline = require("dag-store/inline");
import slim = require("dag-store/slim");

const source: slim.WasmSource = wasm;
slim.init(source);
// @ts-expect-error a number is no wasm
slim.init(7);

const stores: main.DagStore[] = [new main.DagStore(), new inline.DagStore(), new slim.DagStore()];
export = stores;
