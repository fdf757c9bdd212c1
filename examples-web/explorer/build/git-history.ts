import { execFileSync } from "node:child_process";
import type { Plugin } from "vite";

/** A commit of a git repository, as the page gets it. */
export interface GitCommit {
  id: string;
  parents: string[];
  author: string;
  /** Unix milliseconds. */
  timestamp: number;
  subject: string;
  /** What it touched, by the folder at the top of the repository. */
  areas: Area[];
}

/** What a commit did to one folder. */
export interface Area {
  name: string;
  files: number;
  added: number;
  removed: number;
}

/** A repository's history, or why there is none. */
export type GitHistory = { commits: GitCommit[] } | { commits?: undefined; reason: string };

const MODULE = "virtual:git-history";
/** No more commits than this, the newest: the page carries them all. */
const LIMIT = 5_000;
/** Between commits and between their fields: bytes that no text has. */
const [COMMIT, FIELD] = ["\x1e", "\x1f"];

/**
 * Gives the page, as the module `virtual:git-history`, the history of the repository that it is built in, or of the one
 * that the variable `EXPLORER_REPOSITORY` names.
 */
export function gitHistory(): Plugin {
  return {
    name: "git-history",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    load: (id) => (id === `\0${MODULE}` ? `export default ${JSON.stringify(read())};` : undefined),
  };
}

/** Reads the history, parents before their children. */
function read(): GitHistory {
  const format = "%x1e%H%x1f%P%x1f%an%x1f%ct%x1f%s%x1f";
  const args = ["log", "--topo-order", "--reverse", `--max-count=${LIMIT}`, "--numstat", "--no-renames", `--format=${format}`];
  try {
    const cwd = process.env["EXPLORER_REPOSITORY"] ?? process.cwd();
    const log = execFileSync("git", args, { cwd, encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "pipe"] });
    const commits = log.split(COMMIT).slice(1).map(parse);
    return commits.length > 0 ? { commits } : { reason: "the repository has no commits" };
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split("\n")[0];
    return { reason: said || (error as Error).message };
  }
}

function parse(text: string): GitCommit {
  const [id = "", parents = "", author = "", seconds = "", subject = "", numbers = ""] = text.split(FIELD);
  return {
    id,
    parents: parents.split(" ").filter(Boolean),
    author,
    timestamp: Number(seconds) * 1_000,
    subject,
    areas: areas(numbers),
  };
}

/** Adds up the lines of `--numstat`, which are `added<tab>removed<tab>path`, or dashes for what is no text. */
function areas(lines: string): Area[] {
  const found = new Map<string, Area>();
  for (const line of lines.split("\n")) {
    const [added, removed, path] = line.split("\t");
    if (!path) continue;
    const name = path.includes("/") ? path.slice(0, path.indexOf("/")) : "top";
    const area = found.get(name) ?? { name, files: 0, added: 0, removed: 0 };
    area.files += 1;
    area.added += Number(added) || 0;
    area.removed += Number(removed) || 0;
    found.set(name, area);
  }
  return [...found.values()];
}
