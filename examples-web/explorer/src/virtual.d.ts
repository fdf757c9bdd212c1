declare module "virtual:git-history" {
  const history: import("../build/git-history.ts").GitHistory;
  export default history;
}
