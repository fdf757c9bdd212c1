/** Every entry, by `import`. */
import * as main from "dag-store";
import wasm from "dag-store/dag.wasm";
import * as inline from "dag-store/inline";
import { init, type WasmSource } from "dag-store/slim";
import * as slim from "dag-store/slim";

const source: WasmSource = wasm;
init(source);
init(Promise.resolve(new Uint8Array(8)));
// @ts-expect-error a number is no wasm
init(7);

// The classes are the same in all of them.
const stores: main.DagStore[] = [new main.DagStore(), new inline.DagStore(), new slim.DagStore()];
const code: main.ErrorCode = new inline.DagStoreError("ERR_LIMIT", "").code;
export { code, stores };
