/** With care: blocks one after another in large buffers, rather than a buffer that is held for each. */
import { fields } from "../fields.mjs";
import { ByHand } from "../reference.mjs";

const BUFFER = 1 << 24;

class Arena {
  #places = new Map();
  #buffers = [];
  #used = BUFFER;

  put(id, block) {
    if (this.#used + block.length > BUFFER) {
      this.#buffers.push(new Uint8Array(BUFFER));
      this.#used = 0;
    }
    this.#buffers.at(-1).set(block, this.#used);
    this.#places.set(id, (this.#buffers.length - 1) * BUFFER + this.#used);
    this.#used += block.length;
  }
}

const maker = new ByHand();
const arena = new Arena();
const parents = [];
for (let i = 0; i < Number(process.argv[2]); i++) {
  const { cid, id, block } = maker.make({ ...fields(i), parents });
  arena.put(id, block);
  parents[0] = cid;
}
console.log(process.resourceUsage().maxRSS * 1024);
