// Must compile with the newest `lib` and that of browsers: what only they have names for.
import { type Batch, type Bytes, DagStore, Link } from "dag-store";
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
  const all = await store.exportCar().toBytes();
  await store.importCar(new File([all], "all.car"));
  await store.importCar(new Request("https://example.org/", { method: "POST", body: all }));
  const bytes: ReadableStream<Uint8Array> = store.exportCar().stream();
  await store.importCar(bytes);
  await store.importCar(response.body!.pipeThrough(new DecompressionStream("gzip")));
  // What is given is bytes that everything takes, without a word more.
  for await (const chunk of store.exportCar()) await useAsBytes(chunk);
  const [block, node, { proof }] = [await store.getBlock("bafy"), await store.get("bafy"), await store.prove("bafy")];
  for (const bytes of [block, node?.nonce, proof, Link.parse("bafy").bytes]) if (bytes) await useAsBytes(bytes);
  if (node?.content instanceof Uint8Array) await useAsBytes(node.content);
  const disposable: Disposable & AsyncDisposable = batch;
  void disposable;
}

async function useAsBytes(bytes: Bytes): Promise<unknown> {
  const precise: Uint8Array<ArrayBuffer> = bytes;
  return [new Blob([precise]), new Response(bytes), await crypto.subtle.digest("SHA-256", bytes)];
}
