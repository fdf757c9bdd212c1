import { defineConfig } from "vite";
import { gitHistory } from "./build/git-history.ts";

export default defineConfig({
  // Relative, so that the built folder works wherever it is put.
  base: "./",
  plugins: [gitHistory()],
});
