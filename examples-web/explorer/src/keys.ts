import type { Model } from "./model";
import type { View } from "./view";

/** The graph by keyboard: arrow keys walk along its links, as the page says. */
export function listen(canvas: HTMLCanvasElement, model: Model, view: View): void {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const zoom = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[event.key];
    if (zoom) view.camera.zoomBy(zoom);
    else if (event.key === "0") view.camera.fit();
    else if (event.key === "Escape") model.select(undefined);
    else if (!go(event)) return;
    event.preventDefault();
  });

  function go({ key, shiftKey }: KeyboardEvent): boolean {
    const last = model.size - 1;
    if (last < 0) return false;
    const from = shiftKey ? (model.second ?? model.selected) : model.selected;
    const to = from === undefined && key.startsWith("Arrow") ? last : next(key, from ?? last, last);
    if (to === undefined) return false;
    if (to < 0 || to > last) return true;
    if (shiftKey) model.chooseSecond(to);
    else model.select(to);
    view.show(to);
    return true;
  }

  function next(key: string, from: number, last: number): number | undefined {
    const { graph } = model;
    if (key === "ArrowLeft") return graph.parents[from]?.[0] ?? from;
    if (key === "ArrowRight") return graph.children[from]?.find((child) => child <= last) ?? from;
    return { ArrowUp: from - 1, ArrowDown: from + 1, Home: 0, End: last }[key];
  }
}
