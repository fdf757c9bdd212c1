"use client";

import { useEffect, useState } from "react";
import { api } from "../../js-tests/runtimes/guest/api.mjs";
import { postSuite } from "../../js-tests/runtimes/guest/web/post.mjs";

/** Runs the suite in the browser. The server imports this module too, and there it must do nothing. */
export default function Page() {
  const [said, say] = useState("running");
  useEffect(() => {
    const outcomes = new URLSearchParams(location.search).get("outcomes");
    postSuite(api, outcomes).then(() => say("done"));
  }, []);
  return <p>{said}</p>;
}
