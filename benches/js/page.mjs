/** What runs in the page of `chromium.mjs`: the rows of a module, whose lines it posts. */
export async function run(rows) {
  const lines = [];
  globalThis.printed = (line) => lines.push(line);
  addEventListener("unhandledrejection", ({ reason }) => end({ error: String(reason?.stack ?? reason) }));
  try {
    await rows();
    await end({ lines });
  } catch (error) {
    await end({ error: String(error?.stack ?? error) });
  }
}

const end = (end) => fetch("/outcomes", { method: "POST", body: JSON.stringify({ end }) });
