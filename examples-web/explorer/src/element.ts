type Child = Node | string | undefined;

/** Makes an element, with properties set and children in it. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

/** The element of the page with this id. */
export function byId<Made extends HTMLElement>(id: string): Made {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as Made;
}

/** A button that does something; what that throws is told at the page's foot. */
export function button(text: string, onClick: () => unknown, properties: Partial<HTMLButtonElement> = {}): HTMLButtonElement {
  const made = element("button", { type: "button", textContent: text, ...properties });
  made.addEventListener("click", () => act(onClick));
  return made;
}

/** Does what the visitor wants, and tells what went wrong; what went wrong before is no longer of interest. */
export function act(action: () => unknown): Promise<void> {
  byId("alert").hidden = true;
  return run(action);
}

/** Does something in the background, and tells what went wrong. */
export async function run(action: () => unknown): Promise<void> {
  const alert = byId("alert");
  try {
    await action();
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    alert.textContent = code ? `${code}: ${message}` : message;
    alert.hidden = false;
  }
}

/** Names and what they are, as a list. */
export function facts(...pairs: [string, Child][]): HTMLDListElement {
  return element("dl", {}, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/** A hash or a CID: cut where there is no room, with all of it to copy. */
export const code = (text: string): HTMLElement => element("code", { title: text }, text);

/** A form's field, with its name above. */
export const field = (name: string, input: HTMLElement): HTMLElement => element("label", { className: "field" }, element("span", {}, name), input);
