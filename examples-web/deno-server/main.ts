import { type Commit, DagStore, DagStoreError, type NodeInput, toDagJson } from "dag-store";
import { SqliteJournal } from "dag-store/sqlite";

const [file = "garden.sqlite", port = "8000"] = Deno.args;
const store = await DagStore.open({ journal: new SqliteJournal(file) });

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopping.abort());

const server = Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(port),
    signal: stopping.signal,
    onListen: ({ port }) => console.log(`listening on http://127.0.0.1:${port}`),
  },
  async (request) => {
    try {
      return await answer(request, new URL(request.url));
    } catch (error) {
      if (error instanceof DagStoreError) return Response.json({ code: error.code, message: error.message }, { status: 400 });
      if (error instanceof SyntaxError) return Response.json({ message: "that is no JSON" }, { status: 400 });
      throw error;
    }
  },
);
// Requests that are under way have their answers, and streams of news have ended.
await server.finished;
await store.close();
console.log("stopped");

async function answer(request: Request, { pathname, searchParams }: URL): Promise<Response> {
  const [, what, cid] = pathname.split("/");
  const scopeId = searchParams.get("scope") ?? undefined;
  switch (`${request.method} ${what}`) {
    case "POST nodes": {
      const node: NodeInput = await request.json();
      return Response.json({ cid: await store.insert(node) }, { status: 201 });
    }
    case "GET nodes": {
      if (!cid) {
        const page = await store.list({ scopeId, cursor: searchParams.get("cursor") ?? undefined }).page();
        return Response.json({ nodes: page.nodes.map(({ cid }) => cid), cursor: page.cursor });
      }
      const node = await store.get(cid);
      return node ? new Response(toDagJson(node)) : Response.json({ code: "ERR_NOT_FOUND" }, { status: 404 });
    }
    case "GET state":
      return Response.json({ size: await store.size({ scopeId }), stateHash: await store.stateHash({ scopeId }) });
    case "GET watch":
      return news(request, scopeId);
    default:
      return Response.json({ message: "there is nothing here" }, { status: 404 });
  }
}

/** Every commit from now on, or after the last one that the client has seen, as server-sent events. */
function news(request: Request, scopeId?: string): Response {
  const seen = request.headers.get("Last-Event-ID");
  const from = seen === null ? undefined : Number(seen) + 1;
  const left = new AbortController();
  const commits = store.watch({ scopeId, from, signal: AbortSignal.any([left.signal, stopping.signal]) });
  const events = new ReadableStream<string>({
    start: (stream) => stream.enqueue(": listening\n\n"),
    async pull(stream) {
      try {
        const { value: commit } = await commits.next();
        if (commit) stream.enqueue(`id: ${commit.sequence}\ndata: ${JSON.stringify(told(commit))}\n\n`);
      } catch (error) {
        if (left.signal.aborted) return;
        if (!stopping.signal.aborted) stream.enqueue(`event: end\ndata: ${JSON.stringify({ message: String(error) })}\n\n`);
        stream.close();
      }
    },
    cancel: () => left.abort(),
  });
  return new Response(events.pipeThrough(new TextEncoderStream()), { headers: { "Content-Type": "text/event-stream" } });
}

function told({ inserted, removed }: Commit) {
  return { inserted, removed };
}
