/** The entry for Cloudflare Workers, where wasm can't be compiled at run time: the import is a module. */
import wasm from "./dag.wasm";
import { setLoader } from "./instance.js";
import { setTurns } from "./turn.js";

export * from "./api.js";

setLoader(() => wasm);

// A timer is gone with the request that set it, and stores may be shared by requests: work that waited for one
// could wait for ever. Nobody paints a page here, so the others have their turn when it's done.
setTurns((task) => queueMicrotask(task));
