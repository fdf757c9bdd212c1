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
  for await (const { id } of store.watch({ signal: controller.signal })) controller.abort(id);
  await using watch = store.watch();
  await watch.next();
  await store.verify({ signal: AbortSignal.timeout(100) });
  using batch: Batch = await store.beginBatch();
  await batch.insertMany(store.list());
  const response = new Response(store.exportCar().stream());
  await store.importCar(response, { signal });
  await store.importCar(await fetch("all.car"));
  await store.importCar(new File([await store.exportCar().toBytes() as BlobPart], "all.car"));
  const bytes: ReadableStream<Uint8Array> = store.exportCar().stream();
  await store.importCar(bytes);
  await store.importCar(response.body!.pipeThrough(new DecompressionStream("gzip")));
  const disposable: Disposable & AsyncDisposable = batch;
  void disposable;
}
