/** What makes strange values, and the round trip that must work after each of them. */
import { NotHere, equal, node } from "./expect.mjs";

export const nested = (depth, wrap) => {
  let value = 1;
  for (let i = 0; i < depth; i++) value = wrap(value);
  return value;
};

export const revoked = (target) => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};

/** A proxy whose traps of these names throw. */
export const throwing = (target, ...traps) => {
  const handler = {};
  for (const trap of traps) {
    handler[trap] = () => {
      throw new Error("a trap");
    };
  }
  return new Proxy(target, handler);
};

/** What throws something that can't even be looked at. */
export const unspeakable = (target = {}) =>
  new Proxy(target, {
    ownKeys() {
      throw revoked({});
    },
  });

export const detached = (value) => {
  const buffer = value.buffer ?? value;
  structuredClone(buffer, { transfer: [buffer] });
  return value;
};

export const shared = (bytes, options) => {
  if (typeof SharedArrayBuffer === "undefined") throw new NotHere("the runtime has no SharedArrayBuffer");
  if (options && !SharedArrayBuffer.prototype.grow) throw new NotHere("the engine has no growable buffers");
  return new SharedArrayBuffer(bytes, options);
};

export const resizable = (bytes, options = { maxByteLength: 2 * bytes }) => {
  if (!ArrayBuffer.prototype.resize) throw new NotHere("the engine has no resizable buffers");
  return new ArrayBuffer(bytes, options);
};

/** A view whose buffer has shrunk below it. */
export const outOfBounds = (View) => {
  const buffer = resizable(16);
  const view = new View(buffer, 8, 1);
  buffer.resize(4);
  return view;
};

export const getter = (key = "a", target = {}) => Object.defineProperty(target, key, { get: () => 1, enumerable: true });
export const throwingGetter = (key = "a", target = {}) =>
  Object.defineProperty(target, key, {
    get() {
      throw new Error("a getter");
    },
    enumerable: true,
  });

/** Everything once: in, out, staged, committed, listed, checked, removed. */
export async function roundTrip(store) {
  const before = await store.size();
  const good = node(7, { content: { text: "ok é", list: [1, 2n ** 60n, null, -1.5], bytes: Uint8Array.of(1, 2) } });
  const id = await store.insert(good);
  equal(await store.get(id), { cid: id, ...good, parents: [] });
  const batch = await store.beginBatch();
  const child = await batch.insert(node(8, { parents: [id] }));
  equal((await batch.commit()).inserted, [child]);
  equal((await store.list({ reverse: true, limit: 2 }).toArray()).map(({ cid }) => cid), [child, id]);
  equal((await store.verify()).nodes, before + 2);
  equal([await store.remove(child), await store.remove(id), await store.size()], [true, true, before]);
}
