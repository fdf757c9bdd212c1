/** Wakes all who wait for something new. */
export class News {
  #next;
  #wake;

  /** Resolves when something is told from now on. */
  next() {
    this.#next ??= new Promise((resolve) => {
      this.#wake = resolve;
    });
    return this.#next;
  }

  tell() {
    this.#wake?.();
    this.#next = undefined;
  }
}
