import { scaleUtc } from "d3-scale";
import { Camera } from "./camera";
import { date } from "./format";
import { MOST_LANES } from "./lanes";
import { Layout } from "./layout";
import type { Model } from "./model";
import { Palette } from "./palette";

/** Beyond so many nodes in view they are drawn as bars, of so many pixels. */
const DETAIL = 2_000;
const BAR = 3;
/** No more heads than this are marked then. */
const MARKED = 500;
/** Pixels of the axis at the foot. */
const AXIS = 26;

/**
 * The graph on a canvas. Only what is in view is drawn: nodes and links while they can be told apart, else how many nodes there are,
 * lane by lane. So a frame costs about the same whether there are 100 nodes or 100,000.
 */
export class View {
  readonly camera: Camera;
  readonly #model: Model;
  readonly #canvas: HTMLCanvasElement;
  readonly #paint: CanvasRenderingContext2D;
  #palette = new Palette();
  #layout: Layout;
  #byTime = false;
  #requested = 0;

  constructor(canvas: HTMLCanvasElement, model: Model) {
    this.#canvas = canvas;
    this.#model = model;
    const paint = canvas.getContext("2d");
    if (!paint) throw new Error("this browser can't draw on a canvas");
    this.#paint = paint;
    this.#layout = this.#lay();
    this.camera = new Camera(canvas, () => this.#request());
    model.onChange(() => this.#change());
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#change();
  }

  get byTime(): boolean {
    return this.#byTime;
  }

  set byTime(byTime: boolean) {
    this.#byTime = byTime;
    this.#layout = this.#lay();
    this.camera.fit();
    this.#request();
  }

  /** Takes the colours anew, after a change of theme. */
  recolour(): void {
    this.#palette = new Palette();
    this.#request();
  }

  /** Brings a node into view. */
  show(node: number): void {
    const place = this.#layout.along[node] ?? 0;
    this.camera.approach(place);
    this.camera.show(place, this.#y(node));
    this.#request();
  }

  /** The node at that point of the canvas, or the nearest within reach. */
  at(x: number, y: number): number | undefined {
    const { order, along } = this.#layout;
    const reach = 14 / this.camera.step;
    const place = this.camera.place(x);
    let [nearest, least] = [undefined as number | undefined, 14 ** 2];
    for (let i = this.#layout.from(place - reach); i < order.length; i++) {
      const node = order[i] ?? 0;
      if ((along[node] ?? 0) > place + reach) break;
      if (node >= this.#model.size) continue;
      const distance = (this.camera.x(along[node] ?? 0) - x) ** 2 + (this.#y(node) - y) ** 2;
      if (distance < least) [nearest, least] = [node, distance];
    }
    return nearest;
  }

  #y(node: number): number {
    return this.#layout.y(node) + this.camera.top;
  }

  #change(): void {
    this.#measure();
    this.#request();
  }

  #lay(): Layout {
    return new Layout(this.#model.graph, this.#byTime, this.#canvas.clientHeight - AXIS);
  }

  #measure(): void {
    if (this.#layout.order.length !== this.#model.graph.size) this.#layout = this.#lay();
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const length = this.#layout.length + this.#model.ghosts.length;
    this.camera.measure(length, this.#layout.height + this.#ghostRoom() + AXIS, { width, height });
  }

  #resize(): void {
    const ratio = devicePixelRatio;
    this.#canvas.width = this.#canvas.clientWidth * ratio;
    this.#canvas.height = this.#canvas.clientHeight * ratio;
    this.#layout = this.#lay();
    this.#measure();
    const { selected } = this.#model;
    if (selected !== undefined) this.camera.show(this.#layout.along[selected] ?? 0, this.#y(selected));
    this.#draw();
  }

  #request(): void {
    this.#requested ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    cancelAnimationFrame(this.#requested);
    this.#requested = 0;
    if (this.#layout.order.length !== this.#model.graph.size) this.#measure();
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const paint = this.#paint;
    paint.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    paint.clearRect(0, 0, width, height);
    paint.font = `12px ${this.#palette.font}`;
    paint.textBaseline = "middle";

    const first = this.#layout.from(this.camera.place(-20));
    const end = this.#layout.from(this.camera.place(width + 20));
    this.#drawBands(width);
    if (end - first > DETAIL) this.#drawBars(first, end, width);
    else this.#drawNodes(first, end);
    this.#drawGhosts();
    this.#drawChosen();
    this.#drawCaptions();
    this.#drawAxis(width, height);
    // Says when what was asked for is on the screen.
    this.#canvas.dataset["drawn"] = `${this.#model.size}`;
    this.#canvas.dataset["detail"] = end - first > DETAIL ? "bars" : "nodes";
  }

  /** Every second scope has a ground, so that the eye keeps to one. */
  #drawBands(width: number): void {
    const { tops } = this.#layout;
    this.#paint.fillStyle = this.#palette.band;
    for (let scope = 0; scope + 1 < tops.length; scope += 2) {
      const top = tops[scope] ?? 0;
      this.#paint.fillRect(0, top + this.camera.top, width, (tops[scope + 1] ?? 0) - top);
    }
  }

  #drawCaptions(): void {
    const paint = this.#paint;
    paint.fillStyle = this.#palette.quiet;
    // Around the letters, so that links behind them don't cross them out.
    paint.strokeStyle = this.#palette.surface;
    paint.lineWidth = 4;
    paint.lineJoin = "round";
    paint.font = `600 12px ${this.#palette.font}`;
    this.#model.graph.scopeNames.all.forEach((name, scope) => {
      const y = (this.#layout.tops[scope] ?? 0) + this.camera.top + this.#layout.caption / 2 + 2;
      const title = cut(name, 60);
      paint.strokeText(title, 12, y);
      paint.fillText(title, 12, y);
    });
    paint.font = `12px ${this.#palette.font}`;
  }

  /** How bright a node is: quiet where it is filtered out, or others are highlighted. */
  #alpha(node: number): number {
    const { highlight } = this.#model;
    if (highlight) return highlight.nodes.has(node) ? 1 : 0.15;
    return !this.#model.isFiltered || this.#model.matches(node) ? 1 : 0.12;
  }

  #colour(type: number): string {
    return this.#palette.type(this.#model.graph.typeNames.all[type] ?? "", type);
  }

  #drawNodes(first: number, end: number): void {
    const { graph, size } = this.#model;
    const { along, order } = this.#layout;
    const paint = this.#paint;
    const radius = Math.min(6, Math.max(2, this.camera.step * 0.24));
    const seen: number[] = [];
    for (let i = first; i < end; i++) {
      const node = order[i] ?? 0;
      if (node < size) seen.push(node);
    }

    const within = new Set(seen);
    paint.lineWidth = 1.25;
    for (const node of seen) {
      for (const parent of graph.parents[node] ?? []) this.#drawLink(parent, node);
      for (const child of graph.children[node] ?? []) if (child < size && !within.has(child)) this.#drawLink(node, child);
    }
    paint.globalAlpha = 1;
    for (const node of seen) {
      const [x, y] = [this.camera.x(along[node] ?? 0), this.#y(node)];
      const alpha = this.#alpha(node);
      // Nothing shines through a node, quiet or not.
      this.#disc(x, y, radius + 1, this.#palette.surface);
      paint.globalAlpha = alpha;
      this.#disc(x, y, radius, this.#colour(graph.types[node] ?? 0));
      if (this.#model.isHead(node)) this.#ring(x, y, radius + 3, this.#palette.ink, 1.25);
      paint.globalAlpha = 1;
    }
    if (this.camera.step >= 90) this.#drawTitles(seen);
  }

  #drawTitles(seen: number[]): void {
    const paint = this.#paint;
    const room = this.camera.step - 24;
    paint.fillStyle = this.#palette.quiet;
    for (const node of seen) {
      paint.globalAlpha = this.#alpha(node);
      const title = cut(this.#model.graph.title(node), Math.floor(room / 6));
      paint.fillText(title, this.camera.x(this.#layout.along[node] ?? 0) + 12, this.#y(node) - 9);
    }
    paint.globalAlpha = 1;
  }

  /** A link: straight in its lane; else it bends where a branch begins, or where it joins another lane. */
  #drawLink(parent: number, child: number): void {
    const { graph } = this.#model;
    const paint = this.#paint;
    const [x1, y1] = [this.camera.x(this.#layout.along[parent] ?? 0), this.#y(parent)];
    const [x2, y2] = [this.camera.x(this.#layout.along[child] ?? 0), this.#y(child)];
    const sameScope = graph.scopes[parent] === graph.scopes[child];
    const alpha = Math.min(this.#alpha(parent), this.#alpha(child));
    paint.globalAlpha = alpha * (sameScope ? 0.7 : 0.4);
    paint.strokeStyle = sameScope ? this.#colour(graph.types[child] ?? 0) : this.#palette.line;
    paint.beginPath();
    paint.moveTo(x1, y1);
    if (y1 === y2) {
      paint.lineTo(x2, y2);
    } else {
      const bend = Math.min((x2 - x1) * 0.9, 28);
      const branches = sameScope && graph.continues[child] === -1;
      if (branches) {
        paint.bezierCurveTo(x1 + bend * 0.6, y1, x1 + bend * 0.4, y2, x1 + bend, y2);
        paint.lineTo(x2, y2);
      } else {
        paint.lineTo(x2 - bend, y1);
        paint.bezierCurveTo(x2 - bend * 0.4, y1, x2 - bend * 0.6, y2, x2, y2);
      }
    }
    paint.stroke();
  }

  /** How many nodes there are, lane by lane; the colour is the type of most of them. */
  #drawBars(first: number, end: number, width: number): void {
    const { graph, size } = this.#model;
    const { along, order } = this.#layout;
    const columns = Math.ceil((width + 40) / BAR);
    const types = graph.typeNames.all.length;
    const heads: number[] = [];
    const rows = new Map<number, { counts: Uint32Array; bright: Uint32Array; y: number }>();
    for (let i = first; i < end; i++) {
      const node = order[i] ?? 0;
      if (node >= size) continue;
      if (heads.length < MARKED && this.#model.isHead(node)) heads.push(node);
      const lane = (graph.scopes[node] ?? 0) * MOST_LANES + (graph.lanes[node] ?? 0);
      let row = rows.get(lane);
      if (!row) rows.set(lane, (row = { counts: new Uint32Array(columns * types), bright: new Uint32Array(columns), y: this.#y(node) }));
      const column = Math.floor((this.camera.x(along[node] ?? 0) + 20) / BAR);
      if (column < 0 || column >= columns) continue;
      const at = column * types + (graph.types[node] ?? 0);
      row.counts[at] = (row.counts[at] ?? 0) + 1;
      if (this.#alpha(node) === 1) row.bright[column] = (row.bright[column] ?? 0) + 1;
    }
    const paint = this.#paint;
    for (const { counts, bright, y } of rows.values()) {
      for (let column = 0; column < columns; column++) {
        let [total, most, best] = [0, 0, 0];
        for (let type = 0; type < types; type++) {
          const count = counts[column * types + type] ?? 0;
          total += count;
          if (count > most) [most, best] = [count, type];
        }
        if (total === 0) continue;
        const height = Math.min(this.#layout.lane - 4, 4 + 3 * Math.log2(total));
        const share = (bright[column] ?? 0) / total;
        paint.globalAlpha = 0.12 + 0.78 * (share > 0 ? Math.max(share, 0.4) : 0);
        paint.fillStyle = this.#colour(best);
        paint.fillRect(column * BAR - 20, y - height / 2, BAR - 0.5, height);
      }
    }
    for (const node of heads) {
      paint.globalAlpha = this.#alpha(node);
      this.#disc(...this.#at(node), 3, this.#palette.surface);
      this.#ring(...this.#at(node), 3, this.#palette.ink, 1.25);
    }
    paint.globalAlpha = 1;
  }

  /** Staged nodes: outlines, to the right of all that is committed, in a band of their scope. */
  #drawGhosts(): void {
    const { ghosts, graph } = this.#model;
    const places = new Map(ghosts.map(({ cid }, i) => [cid, i]));
    const paint = this.#paint;
    paint.setLineDash([3, 3]);
    paint.lineWidth = 1.5;
    for (const [i, ghost] of ghosts.entries()) {
      const [x, y] = this.#ghostAt(i);
      paint.strokeStyle = this.#palette.quiet;
      for (const parent of ghost.parents) {
        const at = typeof parent === "string" ? places.get(parent) : undefined;
        const from = at !== undefined ? this.#ghostAt(at) : typeof parent === "number" ? this.#at(parent) : undefined;
        if (!from) continue;
        const bend = Math.min((x - from[0]) * 0.9, 40);
        paint.globalAlpha = 0.6;
        paint.beginPath();
        paint.moveTo(...from);
        paint.lineTo(x - bend, from[1]);
        paint.bezierCurveTo(x - bend * 0.4, from[1], x - bend * 0.6, y, x, y);
        paint.stroke();
      }
      paint.globalAlpha = 1;
      this.#disc(x, y, 6.5, this.#palette.surface);
      this.#ring(x, y, 6, this.#palette.type(ghost.eventType, graph.typeNames.all.indexOf(ghost.eventType)), 1.75);
    }
    paint.setLineDash([]);
  }

  #ghostAt(i: number): [number, number] {
    const ghost = this.#model.ghosts[i];
    const known = this.#model.graph.scopeNames.all.indexOf(ghost?.scopeId ?? "");
    const y = known >= 0 ? this.#layout.laneY(known, 0) : this.#layout.height + this.#layout.caption;
    const spacing = Math.max(this.camera.step, 18);
    return [this.camera.x(this.#layout.length - 1) + spacing * (i + 1), y + this.camera.top];
  }

  #ghostRoom(): number {
    return this.#model.ghosts.length > 0 ? this.#layout.caption + this.#layout.lane : 0;
  }

  #at(node: number): [number, number] {
    return [this.camera.x(this.#layout.along[node] ?? 0), this.#y(node)];
  }

  /** What is chosen stands out, however small nodes are. */
  #drawChosen(): void {
    const { selected, second, highlight, size, graph } = this.#model;
    for (const node of highlight?.marked ?? []) this.#emphasise(node, this.#palette.mark);
    for (const node of [second, selected]) {
      if (node === undefined || node >= size) continue;
      this.#emphasise(node, node === selected ? this.#palette.accent : this.#palette.mark);
    }
    if (selected === undefined || selected >= size) return;
    const [x, y] = this.#at(selected);
    if (x < 0 || x > this.#canvas.clientWidth) return;
    const title = cut(graph.title(selected), 40);
    const paint = this.#paint;
    const wide = paint.measureText(title).width + 16;
    const left = Math.max(8, Math.min(x + 14, this.#canvas.clientWidth - wide - 8));
    paint.fillStyle = this.#palette.ink;
    paint.beginPath();
    paint.roundRect(left, y - 34, wide, 22, 6);
    paint.fill();
    paint.fillStyle = this.#palette.surface;
    paint.fillText(title, left + 8, y - 23);
  }

  #emphasise(node: number, colour: string): void {
    const [x, y] = this.#at(node);
    this.#disc(x, y, 6, this.#colour(this.#model.graph.types[node] ?? 0));
    this.#ring(x, y, 9, colour, 2.5);
  }

  #drawAxis(width: number, height: number): void {
    const paint = this.#paint;
    const { graph } = this.#model;
    const { order, along } = this.#layout;
    if (order.length < 2) return;
    paint.fillStyle = this.#palette.surface;
    paint.fillRect(0, height - AXIS, width, AXIS);
    paint.fillStyle = this.#palette.line;
    paint.globalAlpha = 0.5;
    paint.fillRect(0, height - AXIS, width, 1);
    paint.globalAlpha = 1;
    paint.fillStyle = this.#palette.quiet;
    const place = (node: number) => this.camera.x(along[node] ?? 0);
    if (this.#byTime) {
      const ends = [order[0] ?? 0, order[order.length - 1] ?? 0] as const;
      const scale = scaleUtc(ends.map((node) => graph.timestamps[node] ?? 0), ends.map(place));
      const [from, to] = [scale.invert(0), scale.invert(width)];
      const seen = scaleUtc([from, to], [0, width]);
      const format = formatFor(Number(to) - Number(from));
      for (const tick of seen.ticks(width / 130)) paint.fillText(date(Number(tick), format), seen(tick) + 4, height - AXIS / 2 + 1);
      return;
    }
    // Even places: now and then one says its day, or its time where all is within some days.
    const timeAt = (x: number) => graph.timestamps[order[Math.min(this.#layout.from(this.camera.place(x)), order.length - 1)] ?? 0] ?? 0;
    const format = formatFor(timeAt(width) - timeAt(0));
    let free = 8;
    for (let x = 8; x < width; x += 120) {
      const node = order[this.#layout.from(this.camera.place(x))];
      if (node === undefined) break;
      const at = place(node);
      if (at < free || at > width - 90) continue;
      paint.fillText(date(graph.timestamps[node] ?? 0, format), at, height - AXIS / 2 + 1);
      free = at + 110;
    }
  }

  #disc(x: number, y: number, radius: number, colour: string): void {
    this.#paint.fillStyle = colour;
    this.#paint.beginPath();
    this.#paint.arc(x, y, radius, 0, 2 * Math.PI);
    this.#paint.fill();
  }

  #ring(x: number, y: number, radius: number, colour: string, width: number): void {
    this.#paint.strokeStyle = colour;
    this.#paint.lineWidth = width;
    this.#paint.beginPath();
    this.#paint.arc(x, y, radius, 0, 2 * Math.PI);
    this.#paint.stroke();
  }
}

const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

const MINUTE = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });

/** How a moment is written among others that are so many milliseconds apart in all. */
const formatFor = (span: number) => (span < 7 * 86_400_000 ? MINUTE : DAY);

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, Math.max(1, length - 1))}…` : text);
