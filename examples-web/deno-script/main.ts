import { DagStore } from "dag-store";

interface Vote {
  member: string;
  choice: "yes" | "no";
}

const scopeId = "garden-coop";
const at = (time: string) => Date.parse(`2026-03-01T${time}Z`);

const store = new DagStore();
const proposal = await store.insert({
  content: { title: "Plant an orchard", budget: 1200 },
  eventType: "proposal",
  scopeId,
  timestamp: at("09:00"),
});

// All three votes, or none.
const votes: [Vote, string][] = [
  [{ member: "ana", choice: "yes" }, "09:20"],
  [{ member: "ben", choice: "no" }, "09:41"],
  [{ member: "eva", choice: "yes" }, "10:05"],
];
await using batch = await store.beginBatch();
for (const [content, time] of votes) {
  await batch.insert({ content, eventType: "vote", scopeId, timestamp: at(time), parents: [proposal] });
}
await batch.commit();

const count = { yes: 0, no: 0 };
for await (const vote of store.list<Vote>({ eventTypes: ["vote"] })) count[vote.content.choice]++;
await store.insert({
  content: count,
  eventType: "receipt",
  scopeId,
  timestamp: at("12:00"),
  parents: await store.heads(),
});
console.log("votes:", count);

// Whoever replays the history and gets the same hash has the same nodes.
const copy = new DagStore();
await copy.insertMany(await store.list().toArray());
if ((await copy.stateHash()) !== (await store.stateHash())) throw new Error("the copy is not the same");

console.log("state hash:", await store.stateHash());
