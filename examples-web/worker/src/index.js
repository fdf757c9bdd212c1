import { DurableObject } from "cloudflare:workers";
import { DagStore, DagStoreError } from "dag-store";

/** The nodes of one ballot. */
export class Ballot extends DurableObject {
  #store = new DagStore();

  async fetch(request) {
    const [name, cid] = new URL(request.url).pathname.slice(1).split("/");
    try {
      if (request.method === "POST") {
        return Response.json({ cid: await this.#insert(name, await request.json()) });
      }
      const answer = cid ? await this.#store.get(cid) : await this.#state();
      return answer ? Response.json(answer) : new Response("There is no such node", { status: 404 });
    } catch (error) {
      if (!(error instanceof DagStoreError)) throw error;
      return Response.json({ code: error.code, message: error.message }, { status: 400 });
    }
  }

  #insert(scopeId, { content, eventType, parents = [] }) {
    return this.#store.insert({ content, eventType, scopeId, parents });
  }

  async #state() {
    const [size, heads, stateHash] = await Promise.all([
      this.#store.size(),
      this.#store.heads(),
      this.#store.stateHash(),
    ]);
    return { size, heads, stateHash };
  }
}

export default {
  fetch(request, env) {
    const [, name] = new URL(request.url).pathname.split("/");
    if (!name) return new Response("Which ballot?", { status: 404 });
    return env.BALLOTS.getByName(name).fetch(request);
  },
};
