/** How many lanes a scope gets at most: beyond that, those whose last node is oldest are used again. */
export const MOST_LANES = 8;

/** Where a new node of a scope goes. */
export interface Placed {
  lane: number;
  /** The parent that it goes on from, in the same lane; a link from any other bends. */
  continues: number | undefined;
}

/**
 * The lanes of one scope, as in a drawing of git branches: a node goes on in the lane of the first parent whose lane ends with that
 * parent, else it takes a free one. A merge frees the lanes that end in it. Nodes come in an order where parents are first, so
 * what is placed never moves.
 */
export class Lanes {
  /** The last node of each lane; `undefined` where it is free. */
  readonly #tips: (number | undefined)[] = [];

  get count(): number {
    return this.#tips.length;
  }

  /** Places a node; `laneOf` tells the lane of a parent in this scope, and `undefined` for one of another. */
  place(node: number, parents: readonly number[], laneOf: (parent: number) => number | undefined): Placed {
    let placed: Placed | undefined;
    for (const parent of parents) {
      const lane = laneOf(parent);
      if (lane === undefined || this.#tips[lane] !== parent) continue;
      if (placed) this.#tips[lane] = undefined;
      else placed = { lane, continues: parent };
    }
    placed ??= { lane: this.#free(), continues: undefined };
    this.#tips[placed.lane] = node;
    return placed;
  }

  #free(): number {
    const free = this.#tips.indexOf(undefined);
    if (free >= 0) return free;
    if (this.#tips.length < MOST_LANES) return this.#tips.length;
    let oldest = 0;
    this.#tips.forEach((tip, lane) => {
      if ((tip ?? 0) < (this.#tips[oldest] ?? 0)) oldest = lane;
    });
    return oldest;
  }
}
