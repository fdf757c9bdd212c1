import { byId } from "./element";

const KEY = "dag-store-explorer:theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Light or dark: as the system has it, until somebody chooses. */
export function startTheme(onChange: () => void): void {
  const toggle = byId<HTMLButtonElement>("theme");
  const isDark = () => (localStorage.getItem(KEY) ?? (dark.matches ? "dark" : "light")) === "dark";
  const show = () => {
    document.documentElement.dataset["theme"] = isDark() ? "dark" : "light";
    toggle.textContent = isDark() ? "Light" : "Dark";
    toggle.ariaLabel = isDark() ? "Use light colours" : "Use dark colours";
    onChange();
  };
  toggle.addEventListener("click", () => {
    localStorage.setItem(KEY, isDark() ? "light" : "dark");
    show();
  });
  dark.addEventListener("change", show);
  show();
}
