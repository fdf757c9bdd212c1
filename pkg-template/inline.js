/** The entry with the wasm within the JavaScript, for where no file can be loaded. */
import data from "./inline-data.js";
import { setLoader } from "./instance.js";

export * from "./api.js";

setLoader(async () => {
  const compressed = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
});
