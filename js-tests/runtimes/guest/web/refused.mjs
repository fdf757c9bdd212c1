/** Under a policy without 'wasm-unsafe-eval', the first call must say what is missing. */
import { DagStore } from "../../../../node_modules/dag-store/dist/browser.js";

const said = await new DagStore().size().then(
  (size) => `no error, but a size of ${size}`,
  ({ code, message }) => `${code}: ${message}`,
);
await fetch("/outcomes", { method: "POST", body: JSON.stringify({ end: said }) });
