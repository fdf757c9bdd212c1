import { DurableObject } from "cloudflare:workers";
import { DagStore, DagStoreError, toDagJson } from "dag-store";
import { DurableObjectJournal } from "dag-store/durable-object";

/** After so many commits a checkpoint takes their place, so that waking up stays cheap. */
const CHECKPOINT = 100;

/**
 * The nodes of one scope, in the object's own database. The object may be sent to sleep whenever nobody asks: all that it
 * knows is read again, and the runtime holds its sockets meanwhile. So it holds no loop and no list of listeners.
 */
export class Scope extends DurableObject {
  #store;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.#store = await DagStore.open({ journal: new DurableObjectJournal(ctx.storage) });
    });
  }

  async fetch(request) {
    const url = new URL(request.url);
    const [scopeId, cid] = url.pathname.slice(1).split("/").map(decodeURIComponent);
    try {
      if (request.headers.get("Upgrade") === "websocket") return await this.#listen(scopeId, url.searchParams.get("after"));
      if (request.method === "POST") return Response.json(await this.#insert(scopeId, await request.json()), { status: 201 });
      if (!cid) return Response.json(await this.#state());
      const node = await this.#store.get(cid);
      if (!node) return Response.json({ code: "ERR_NOT_FOUND", message: "there is no such node" }, { status: 404 });
      return new Response(toDagJson(node), { headers: { "Content-Type": "application/vnd.ipld.dag-json" } });
    } catch (error) {
      return Response.json(toldOf(error), { status: 400 });
    }
  }

  /** A node from a socket, in the form in which one is posted; all sockets hear of it, this one too. */
  async webSocketMessage(socket, message) {
    try {
      const { scopeId } = socket.deserializeAttachment();
      await this.#insert(scopeId, JSON.parse(message));
    } catch (error) {
      socket.send(JSON.stringify(toldOf(error)));
    }
  }

  webSocketClose(socket, code) {
    socket.close(code);
  }

  /** Opens a socket, which hears of every commit: of what came after `after`, if that is given, and of all to come. */
  async #listen(scopeId, after) {
    const { 0: client, 1: server } = new WebSocketPair();
    // What is committed while the past is being read is told twice, and has the same CIDs both times.
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({ scopeId });
    try {
      if (after !== null) await this.#tellPast(server, Number(after));
    } catch (error) {
      // Browsers show nobody the answer to a request for a socket.
      server.send(JSON.stringify(toldOf(error)));
      server.close(1008);
    }
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Tells of nodes some at a time. Only the last message has the number of the last commit, to go on after it. */
  async #tellPast(socket, afterCommit) {
    const sequence = await this.#store.sequence();
    let cursor;
    do {
      const page = await this.#store.list({ afterCommit, cursor, limit: 100 }).page();
      ({ cursor } = page);
      socket.send(newsOf({ sequence: cursor ? undefined : sequence }, page.nodes));
    } while (cursor);
  }

  async #insert(scopeId, { content, eventType, parents = [] }) {
    const batch = await this.#store.beginBatch();
    const cid = await batch.insert({ content, eventType, parents, scopeId, timestamp: Date.now() });
    const { sequence, inserted, stateHash } = await batch.commit({ stateHash: true });
    // Who says the same twice within a millisecond has said it once.
    if (inserted.length > 0) {
      const news = newsOf({ sequence, stateHash }, [await this.#store.get(cid)]);
      for (const socket of this.ctx.getWebSockets()) if (socket.readyState === WebSocket.OPEN) socket.send(news);
      if (sequence % CHECKPOINT === 0) await this.#store.checkpoint();
    }
    return { cid, sequence, stateHash };
  }

  async #state() {
    const [size, sequence, heads, stateHash] = await Promise.all([
      this.#store.size(),
      this.#store.sequence(),
      this.#store.heads(),
      this.#store.stateHash(),
    ]);
    return { size, sequence, heads, stateHash };
  }
}

const newsOf = (commit, nodes) =>
  JSON.stringify({ ...commit, nodes: nodes.map(({ cid, ...node }) => ({ cid, node: JSON.parse(toDagJson(node)) })) });

/** What a client is told of an error that it can do something about. */
function toldOf(error) {
  if (error instanceof DagStoreError) return { code: error.code, message: error.message };
  if (error instanceof SyntaxError) return { code: "ERR_INVALID_ARGUMENT", message: "that is no JSON" };
  throw error;
}

export default {
  fetch(request, env) {
    const [, scopeId] = new URL(request.url).pathname.split("/");
    if (!scopeId) return new Response("Which scope?", { status: 404 });
    return env.SCOPES.getByName(scopeId).fetch(request);
  },
};
