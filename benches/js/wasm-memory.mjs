/** Memory of the wasm instance, from outside: nothing is changed, the instance is the package's own. */
export function watchMemory() {
  let memory;
  WebAssembly.Instance = class extends WebAssembly.Instance {
    constructor(...of) {
      super(...of);
      memory = this.exports.memory;
    }
  };
  return () => memory?.buffer.byteLength ?? 0;
}
