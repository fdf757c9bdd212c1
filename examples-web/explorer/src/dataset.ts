import history from "virtual:git-history";
import type { DagStore } from "dag-store";
import { repositoryNodes } from "./repository";
import { type SampleNode, sample } from "./sample";

/** What the explorer can open. Each is a store of its own. */
export interface Dataset {
  name: string;
  title: string;
  /** Said in the page, where there is something to say. */
  notice?: string;
  /** The nodes that it begins with, in the groups that are committed at once. */
  groups(): SampleNode[][];
}

const { commits } = history;
const repository: Dataset = commits
  ? { name: "repository", title: "This repository", groups: () => repositoryNodes(commits) }
  : {
      name: "repository-sample",
      title: "A sample of 400 nodes",
      notice: `This page was built where there is no git history (${history.reason}), so it shows a generated sample instead.`,
      groups: () => inGroups(sample(400), 10),
    };

export const DATASETS: readonly Dataset[] = [
  repository,
  { name: "sample-100", title: "Ballots: 100", groups: () => inGroups(sample(100), 5) },
  { name: "sample-100000", title: "Ballots: 100,000", groups: () => inGroups(sample(100_000), 2_000) },
  { name: "empty", title: "Empty", groups: () => [] },
];

/** The dataset that the address names, or the first. */
export function chosen(): Dataset {
  const name = new URLSearchParams(location.search).get("data");
  return DATASETS.find((dataset) => dataset.name === name) ?? repository;
}

/** Puts a dataset's nodes into an empty store, a commit for each group. Another tab that does so too does no harm. */
export async function fill(store: DagStore, dataset: Dataset, onProgress: (share: number) => void): Promise<void> {
  const groups = dataset.groups();
  const cids: string[] = [];
  for (const [i, group] of groups.entries()) {
    onProgress(i / groups.length);
    const batch = await store.beginBatch();
    try {
      for (const { node, parents } of group) {
        cids.push(await batch.insert({ ...node, parents: parents.map((parent) => cids[parent] as string) }));
      }
      await batch.commit();
    } finally {
      batch.free();
    }
  }
}

function inGroups(nodes: SampleNode[], size: number): SampleNode[][] {
  const groups: SampleNode[][] = [];
  for (let from = 0; from < nodes.length; from += size) groups.push(nodes.slice(from, from + size));
  return groups;
}
