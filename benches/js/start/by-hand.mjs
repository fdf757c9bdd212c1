import { ByHand } from "../reference.mjs";

new ByHand().insert({ content: "first", eventType: "genesis", scopeId: "garden-coop", timestamp: 0, parents: [] });
