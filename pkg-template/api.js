/** What every entry exports, whichever way it loads the wasm. */
export { Batch } from "./batch.js";
export { toDagJson } from "./dag-json.js";
export { DagStore } from "./dag-store.js";
export { DagStoreError, ERROR_CODES } from "./error.js";
export { Link } from "./link.js";
