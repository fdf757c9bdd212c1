/** Gives the wasm out of `inline-data.js`: base64 of its deflate-raw. */
export function unpack(data) {
  const compressed = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Response(stream).arrayBuffer();
}
