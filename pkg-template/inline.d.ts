export * from "dag-store";
