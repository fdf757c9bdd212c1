import type { NodeInput } from "dag-store";

const SCOPES = ["garden-coop", "housing-coop", "library-circle", "energy-coop", "food-coop", "repair-café"];
const MEMBERS = ["Ada", "Bela", "Chidi", "Dora", "Emre", "Fatima", "Goran", "Hana", "Ines", "Jonas", "Kira", "Leo"];
const IDEAS = [
  "Plant an orchard", "Buy a cargo bike", "Mend the roof", "Open on Sundays", "Share the workshop", "Dig a pond",
  "Paint the hall", "Host the assembly", "Plant a hedge", "Lend tools for free",
];
const FIRST = Date.UTC(2026, 0, 5, 9);
const MINUTE = 60_000;

/** A node, and which earlier ones of the same list it follows from. */
export interface SampleNode {
  node: Omit<NodeInput, "parents" | "content"> & { content: Record<string, string | number> };
  parents: number[];
}

/**
 * Ballots of some cooperatives, always the same ones: proposals that several members vote on, what is decided, and what comes of
 * it. Any number of nodes, parents first.
 */
export function sample(count: number): SampleNode[] {
  const nodes: SampleNode[] = [];
  const random = numbers(7);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const ballots = new Map<string, { state: number; proposal: number; votes: number[] }>();
  let timestamp = FIRST;
  const add = (scopeId: string, eventType: string, content: Record<string, string | number>, parents: number[]) => {
    timestamp += Math.ceil(random() * 50) * MINUTE;
    return nodes.push({ node: { content, eventType, scopeId, timestamp }, parents }) - 1;
  };

  const scopes = SCOPES.slice(0, Math.max(2, Math.min(SCOPES.length, count / 50)));
  while (nodes.length < count) {
    const scope = pick(scopes);
    const ballot = ballots.get(scope);
    if (!ballot) {
      const state = add(scope, "genesis", { title: `The statutes of ${scope}` }, []);
      ballots.set(scope, { state, proposal: -1, votes: [] });
    } else if (ballot.proposal < 0) {
      ballot.proposal = add(scope, "proposal", { title: pick(IDEAS), budget: Math.ceil(random() * 40) * 50 }, [ballot.state]);
    } else if (ballot.votes.length < 3 || (ballot.votes.length < 7 && random() < 0.6)) {
      const member = MEMBERS[ballot.votes.length * 2 + (random() < 0.5 ? 0 : 1)] ?? "Ada";
      const choice = random() < 0.7 ? "yes" : "no";
      ballot.votes.push(add(scope, "vote", { member, choice }, [ballot.proposal]));
    } else {
      ballot.state = add(scope, "execution", { title: "The ballot is closed", votes: ballot.votes.length }, ballot.votes);
      if (random() < 0.4) ballot.state = add(scope, "receipt", { title: "Paid", by: pick(MEMBERS) }, [ballot.state]);
      if (random() < 0.15) {
        const others = [...ballots].filter(([name]) => name !== scope).map(([, { state }]) => state);
        if (others.length > 0) ballot.state = add(scope, "anchor", { title: "Seen by others" }, [ballot.state, pick(others)]);
      }
      ballots.set(scope, { state: ballot.state, proposal: -1, votes: [] });
    }
  }
  return nodes.slice(0, count);
}

/** Numbers from 0 to 1 that look random and are always the same (mulberry32). */
function numbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
