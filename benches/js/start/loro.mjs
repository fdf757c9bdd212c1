import { LoroDoc } from "loro-crdt";

const document = new LoroDoc();
document.getList("nodes").push({ content: "first", eventType: "genesis", scopeId: "garden-coop", timestamp: 0 });
document.commit();
