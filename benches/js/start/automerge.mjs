import * as Automerge from "@automerge/automerge";

Automerge.from({ nodes: [{ content: "first", eventType: "genesis", scopeId: "garden-coop", timestamp: 0 }] });
