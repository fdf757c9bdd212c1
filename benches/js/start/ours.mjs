import { DagStore } from "dag-store";

await new DagStore().insert({ content: "first", eventType: "genesis", scopeId: "garden-coop", timestamp: 0 });
