import { DagStore } from "dag-store";

const scopeId = "garden-coop";
const at = (time) => Date.parse(`2026-03-01T${time}Z`);

const store = new DagStore();
const proposal = await store.insert({
  content: { title: "Plant an orchard", budget: 1200 },
  eventType: "proposal",
  scopeId,
  timestamp: at("09:00"),
});

// All three votes, or none.
const batch = await store.beginBatch();
for (const [member, choice, time] of [
  ["ana", "yes", "09:20"],
  ["ben", "no", "09:41"],
  ["eva", "yes", "10:05"],
]) {
  await batch.insert({
    content: { member, choice },
    eventType: "vote",
    scopeId,
    timestamp: at(time),
    parents: [proposal],
  });
}
await batch.commit();

const count = { yes: 0, no: 0 };
for await (const vote of store.list({ eventTypes: ["vote"] })) count[vote.content.choice]++;
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
