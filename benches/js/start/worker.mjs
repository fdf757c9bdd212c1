import { DagStore } from "dag-store";

export default {
  async fetch() {
    return new Response(await new DagStore().insert({ content: "first", eventType: "genesis", scopeId: "garden-coop", timestamp: 0 }));
  },
};
