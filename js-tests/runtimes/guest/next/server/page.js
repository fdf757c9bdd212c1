import { api } from "../../js-tests/runtimes/guest/api.mjs";
import { postSuite } from "../../js-tests/runtimes/guest/web/post.mjs";

/** Runs the suite while it is rendered. */
export default async function Page({ searchParams }) {
  const { outcomes } = await searchParams;
  await postSuite(api, outcomes);
  return <p>done</p>;
}
