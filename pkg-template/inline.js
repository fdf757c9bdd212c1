/** The entry with the wasm within the JavaScript, for where no file can be loaded. */
import data from "./inline-data.js";
import { setLoader } from "./instance.js";
import { unpack } from "./unpack.js";

export * from "./api.js";

setLoader(() => unpack(data));
