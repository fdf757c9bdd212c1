import type { Graph } from "./graph";
import { MOST_LANES } from "./lanes";

/** Pixels above the lanes of a scope, where its name stands, and below; and what these are where there is little room. */
const [ROOMY, TIGHT] = [{ caption: 26, foot: 8 }, { caption: 18, foot: 2 }];
/** Between these is how high a lane is: such that all fit, if they can. */
const [LOWEST, HIGHEST] = [18, 36];

/** Where nodes are: how far along, and how far down. */
export class Layout {
  /** Where each scope begins, and, at the end, where all end. */
  readonly tops: number[] = [];
  /** Pixels of a lane. */
  readonly lane: number;
  /** Pixels above the lanes of a scope, where its name stands. */
  readonly caption: number;
  /** How many places there are, one beside the other. */
  readonly length: number;
  /** How far along each node is: 0 for the first, `length - 1` for the last. */
  readonly along: ArrayLike<number>;
  /** The nodes in that order. */
  readonly order: ArrayLike<number>;
  readonly graph: Graph;

  /** In even places; or as far apart as they are in time. All in that many pixels down, if they fit. */
  constructor(graph: Graph, byTime: boolean, room: number) {
    this.graph = graph;
    const scopes = graph.scopeNames.all.length;
    const lanes = graph.scopeNames.all.reduce((sum, _, scope) => sum + graph.laneCount(scope), 0);
    const { caption, foot } = scopes * (ROOMY.caption + ROOMY.foot) + lanes * LOWEST <= room ? ROOMY : TIGHT;
    this.caption = caption;
    this.lane = Math.max(LOWEST, Math.min(HIGHEST, Math.floor((room - scopes * (caption + foot)) / Math.max(lanes, 1))));
    let top = 0;
    graph.scopeNames.all.forEach((_, scope) => {
      this.tops.push(top);
      top += caption + graph.laneCount(scope) * this.lane + foot;
    });
    this.tops.push(top);

    const { size, timestamps } = graph;
    const order = Int32Array.from({ length: size }, (_, i) => i);
    const along = places(graph);
    this.length = (along[size - 1] ?? 0) + 1;
    if (byTime) {
      order.sort((a, b) => (timestamps[a] ?? 0) - (timestamps[b] ?? 0) || a - b);
      const first = timestamps[order[0] ?? 0] ?? 0;
      const span = (timestamps[order[size - 1] ?? 0] ?? 0) - first || 1;
      order.forEach((node) => (along[node] = (((timestamps[node] ?? 0) - first) / span) * (this.length - 1)));
    }
    [this.order, this.along] = [order, along];
  }

  get height(): number {
    return this.tops.at(-1) ?? 0;
  }

  /** How far down a node is. */
  y(node: number): number {
    return this.laneY(this.graph.scopes[node] ?? 0, this.graph.lanes[node] ?? 0);
  }

  laneY(scope: number, lane: number): number {
    return (this.tops[scope] ?? 0) + this.caption + (lane + 0.5) * this.lane;
  }

  /** The first position in the order that is so far along or farther. */
  from(place: number): number {
    let [low, high] = [0, this.order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.along[this.order[middle] ?? 0] ?? 0) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Even places, which never go back: the next one for each moment, but behind all parents and what is in the same lane. */
function places({ size, timestamps, parents, scopes, lanes }: Graph): Float64Array {
  const places = new Float64Array(size);
  const taken = new Map<number, number>();
  let place = 0;
  for (let node = 0; node < size; node++) {
    if (node > 0 && timestamps[node] !== timestamps[node - 1]) place++;
    const lane = (scopes[node] ?? 0) * MOST_LANES + (lanes[node] ?? 0);
    place = Math.max(place, (taken.get(lane) ?? -1) + 1, ...(parents[node] ?? []).map((parent) => (places[parent] ?? 0) + 1));
    places[node] = place;
    taken.set(lane, place);
  }
  return places;
}
