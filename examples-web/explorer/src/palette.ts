/** Where a type that is known has its colour, among the eight; others take what comes next. */
const KNOWN = new Map(
  Object.entries({
    genesis: 0, proposal: 1, vote: 2, execution: 3, attestation: 4, receipt: 5, anchor: 6,
    commit: 1, merge: 6, addition: 2, change: 3, removal: 7,
  }),
);

/** The colours, as the style sheet has them now: they change with light and dark. */
export class Palette {
  readonly ink: string;
  readonly quiet: string;
  readonly line: string;
  readonly band: string;
  readonly surface: string;
  readonly accent: string;
  readonly mark: string;
  readonly font: string;
  readonly #types: string[];

  constructor() {
    const style = getComputedStyle(document.documentElement);
    const token = (name: string) => style.getPropertyValue(`--${name}`).trim();
    this.ink = token("ink");
    this.quiet = token("quiet");
    this.line = token("edge");
    this.band = token("band");
    this.surface = token("surface");
    this.accent = token("accent");
    this.mark = token("mark");
    this.font = token("font");
    this.#types = Array.from({ length: 8 }, (_, i) => token(`type-${i}`));
  }

  /** The colour of a type. */
  type(name: string, number: number): string {
    return this.#types[colourOf(name, number)] ?? this.ink;
  }
}

/** Which of the eight colours a type has. */
export const colourOf = (name: string, number: number): number => KNOWN.get(name) ?? number % 8;
