/** Uses the example `examples-web/vite-app` as a visitor would, and tells what it shows after each step. */
const frame = document.querySelector("iframe");
if (frame.contentDocument.readyState !== "complete" || frame.contentDocument.URL === "about:blank") {
  await new Promise((resolve) => (frame.onload = resolve));
}
const page = frame.contentDocument;
const shown = (id) => page.getElementById(id).textContent;

/** Waits until so many nodes are shown, or an error is. */
async function size(count) {
  while (page.getElementById("size").value !== String(count) && shown("error") === "") {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { size: page.getElementById("size").value, hash: shown("state-hash"), heads: page.querySelectorAll("#heads li").length, error: shown("error") };
}

const steps = [await size(1)];
page.querySelector("[name=member]").value = "Ada";
page.querySelector("button[value=yes]").click();
steps.push(await size(2));
page.getElementById("batch").click();
steps.push(await size(102));
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end: steps }) });
