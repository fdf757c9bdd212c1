import type { Commit } from "dag-store";
import { BatchPanel } from "./batch-panel";
import { DATASETS, chosen } from "./dataset";
import { act, byId, element, run } from "./element";
import { Filters } from "./filters";
import { count, percent } from "./format";
import { listen } from "./keys";
import { Model } from "./model";
import { NodePanel } from "./node-panel";
import { ProofPanel } from "./proof-panel";
import { Replay } from "./replay";
import { Session } from "./session";
import { StorePanel } from "./store-panel";
import { Tabs } from "./tabs";
import { startTheme } from "./theme";
import { View } from "./view";

run(start);

async function start(): Promise<void> {
  const dataset = chosen();
  offerDatasets(dataset.name);
  const model = new Model();
  const canvas = byId<HTMLCanvasElement>("graph");
  const view = new View(canvas, model);
  startTheme(() => view.recolour());

  const notice = byId("notice");
  const say = (text: string | undefined) => {
    notice.hidden = !text;
    notice.textContent = text ?? "";
  };
  say("Opening…");
  const session = await Session.open(dataset, (share) => say(`Filling the store: ${percent(share, 1)}`));
  say(dataset.notice);
  const tellIfEmpty = () => {
    if (!dataset.notice) say(model.graph.size === 0 ? "Nothing is here yet: stage a node, or drop a CAR file." : undefined);
  };

  const tabs = new Tabs(byId("panel"));
  const show = (node: number) => {
    model.select(node);
    view.show(node);
    tabs.show("node");
  };
  new NodePanel(tabs.add("node", "Node"), model, session, show);
  new Filters(tabs.add("search", "Search"), model, show, () => tabs.show("search"));
  new BatchPanel(tabs.add("batch", "Batch"), model, session);
  new ProofPanel(tabs.add("proof", "Proof"), model, session);
  const store = new StorePanel(tabs.add("store", "Store"), model, session);
  new Replay(byId("replay"), model, session);

  listen(canvas, model, view);
  listenToPointer(canvas, model, view, () => tabs.show("node"));
  listenToTools(view);
  takeDrops((file) => {
    tabs.show("store");
    return store.import(file);
  });
  announce(model);
  model.onChange(tellIfEmpty);
  if ((await session.store.size()) === 0) tellIfEmpty();
  await session.follow((commit) => takeIn(commit, session, model));
}

/** Adds what a commit brought, whichever tab it is from. */
async function takeIn({ inserted, sequence, id }: Commit, { store }: Session, model: Model): Promise<void> {
  const nodes = await store.getMany(inserted);
  model.add(nodes.filter((node) => node !== undefined), { sequence, id });
}

function offerDatasets(name: string): void {
  const select = byId<HTMLSelectElement>("dataset");
  select.append(...DATASETS.map((dataset) => element("option", { value: dataset.name }, dataset.title)));
  select.value = name;
  select.addEventListener("change", () => (location.search = `?data=${select.value}`));
}

function listenToPointer(canvas: HTMLCanvasElement, model: Model, view: View, onSelect: () => void): void {
  canvas.addEventListener("click", (event) => {
    canvas.focus();
    const node = view.at(event.offsetX, event.offsetY);
    if (event.shiftKey && model.selected !== undefined) model.chooseSecond(node);
    else model.select(node);
    if (node !== undefined) onSelect();
  });
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    canvas.style.cursor = view.at(offsetX, offsetY) === undefined ? "grab" : "pointer";
  });
}

function listenToTools(view: View): void {
  byId("zoom-in").addEventListener("click", () => view.camera.zoomBy(1.6));
  byId("zoom-out").addEventListener("click", () => view.camera.zoomBy(1 / 1.6));
  byId("fit").addEventListener("click", () => view.camera.fit());
  const spacing = byId("spacing");
  spacing.addEventListener("click", () => {
    view.byTime = !view.byTime;
    spacing.setAttribute("aria-pressed", String(view.byTime));
  });
}

/** Takes CAR files that are dropped anywhere. */
function takeDrops(onFile: (file: File) => Promise<void>): void {
  const hint = byId("drop-hint");
  const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    hint.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) hint.hidden = true;
  });
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    hint.hidden = true;
    act(async () => {
      for (const file of event.dataTransfer?.files ?? []) await onFile(file);
    });
  });
}

/** Says in words what the graph shows: how much there is, and what was chosen. */
function announce(model: Model): void {
  const [summary, announcer] = [byId("summary"), byId("announcer")];
  let said = "";
  let [counted, heads] = [-1, 0];
  const tell = () => {
    const { graph, size, selected, second, highlight } = model;
    if (size !== counted) {
      [counted, heads] = [size, 0];
      for (let node = 0; node < size; node++) if (model.isHead(node)) heads++;
    }
    summary.textContent = highlight?.what ?? `${count(size, "node")}, ${count(heads, "head")}`;
    if (`${selected} ${second}` === said) return;
    said = `${selected} ${second}`;
    const node = second ?? selected;
    if (node === undefined) return;
    const links = `${count(graph.parents[node]?.length ?? 0, "parent")}, ${count(graph.children[node]?.length ?? 0, "child", "children")}`;
    announcer.textContent = `${second === undefined ? "" : "Second: "}${graph.type(node)} in ${graph.scope(node)}: ${graph.title(node)}. ${links}.`;
  };
  model.onChange(tell);
  tell();
}
