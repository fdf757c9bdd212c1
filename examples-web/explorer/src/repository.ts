import type { GitCommit } from "../build/git-history.ts";
import type { SampleNode } from "./sample";

/**
 * A git history as a DAG: each commit a node of the scope `history` that follows from the commits it follows from, and for each
 * folder it touched a node in that folder's scope, which follows from the commit and from what was done there before.
 */
export function repositoryNodes(commits: readonly GitCommit[]): SampleNode[][] {
  const placed = new Map<string, number>();
  const last = new Map<string, number>();
  let count = 0;
  return commits.map(({ id, parents, author, timestamp, subject, areas }) => {
    const group: SampleNode[] = [];
    const add = (eventType: string, scopeId: string, content: Record<string, string | number>, from: (number | undefined)[]) => {
      group.push({ node: { content, eventType, scopeId, timestamp }, parents: from.filter((parent) => parent !== undefined) });
      return count++;
    };
    const eventType = ["genesis", "commit"][parents.length] ?? "merge";
    const commit = add(eventType, "history", { subject, author, commit: id }, parents.map((parent) => placed.get(parent)));
    placed.set(id, commit);
    for (const { name, files, added, removed } of areas) {
      const kind = removed === 0 ? "addition" : added === 0 ? "removal" : "change";
      const title = `${name}: +${added} −${removed}`;
      last.set(name, add(kind, name, { title, files, added, removed }, [commit, last.get(name)]));
    }
    return group;
  });
}
