/** Text of 64 KiB that can't be made smaller. */
function text() {
  const bytes = crypto.getRandomValues(new Uint8Array(1 << 15));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const cidsIn = async (store) => (await store.list().toArray()).map(({ cid }) => cid);

/**
 * Writes to a store until there is no more room. Reports each commit that was acknowledged, by which error it is known
 * that there is no room, what the store still reads, and at last what `look` does.
 */
export async function fill(open, report) {
  const store = await open();
  for (let i = 0, isFull = false; !isFull; i++) {
    const node = { content: text(), eventType: "receipt", scopeId: "full", timestamp: i };
    try {
      await report({ acknowledged: await store.insert(node) });
    } catch (error) {
      isFull = true;
      await report({ code: error.code, message: error.message });
    }
  }
  await report({ read: await cidsIn(store) });
  await store.close();
  await look(open, report);
}

/** Opens a store, and reports what is in it. */
export async function look(open, report) {
  const store = await open();
  await store.verify();
  await report({ again: await cidsIn(store) });
  await store.close();
}
