import { DagStore } from "dag-store";

const scopeId = "garden-coop";
const store = new DagStore();
const proposal = store.insert({
  content: { title: "Plant an orchard", budget: 1200 },
  eventType: "proposal",
  scopeId,
  timestamp: Date.UTC(2026, 2, 1),
});

const vote = async (member, choice) => ({
  content: { member, choice },
  eventType: "vote",
  scopeId,
  parents: [await proposal],
});

const element = (id) => document.getElementById(id);

element("vote").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(event.target, event.submitter);
  run(async () => store.insert(await vote(form.get("member"), form.get("choice"))));
});

element("batch").addEventListener("click", () =>
  run(async () => {
    const batch = await store.beginBatch();
    try {
      for (let i = 0; i < 100; i++) await batch.insert(await vote(`member ${i}`, i % 3 ? "yes" : "no"));
      await batch.commit();
    } finally {
      batch.free(); // Nothing of it remains, unless it was committed.
    }
  }),
);

run(() => proposal);

/** Does something, then shows what the store has, or what went wrong. */
async function run(action) {
  element("error").textContent = "";
  try {
    await action();
    await show();
  } catch (error) {
    element("error").textContent = `${error.code}: ${error.message}`;
  }
}

async function show() {
  const [size, heads, stateHash] = await Promise.all([store.size(), store.heads(), store.stateHash()]);
  const count = { yes: 0, no: 0 };
  for await (const { content } of store.list({ eventTypes: ["vote"] })) count[content.choice]++;

  element("yes").value = count.yes;
  element("no").value = count.no;
  element("size").value = size;
  element("state-hash").textContent = stateHash;
  element("heads").replaceChildren(...heads.slice(-10).reverse().map(item));
}

function item(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}
