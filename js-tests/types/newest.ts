// Must compile with the newest `lib` and that of browsers: what only they have names for.
import { type Batch, DagStore } from "dag-store";
import { init } from "dag-store/slim";

export async function newest(signal: AbortSignal, rows: ReadableStream<{ content: string; eventType: "vote"; scopeId: string }>): Promise<void> {
  await using store = new DagStore();
  init(new URL("https://example.org/dag.wasm"));
  init(fetch("dag.wasm"));
  init(WebAssembly.compile(new Uint8Array(8)));
  await store.insertMany(rows, { signal });
  const controller = new AbortController();
  for await (const { cid } of store.list({ signal: controller.signal })) controller.abort(cid);
  await store.verify({ signal: AbortSignal.timeout(100) });
  using batch: Batch = await store.beginBatch();
  await batch.insertMany(store.list());
  const disposable: Disposable & AsyncDisposable = batch;
  void disposable;
}
