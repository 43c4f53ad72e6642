/** The table of requirements in docs/radius.md, and its sums. EVPND_UPDATE_DOCS=1 npx vitest run test/docs */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { homeServerCounters, listenerCounters } from "../../src/radius/statistics/counters.js";
import { REQUIREMENTS } from "./lib/radius-requirements.js";
import { checkRequirements } from "./lib/requirements.js";

const PAGE = "docs/radius.md";

test("each requirement has tests, and the table names them", () =>
  checkRequirements({
    page: PAGE,
    prefix: "RAD",
    requirements: REQUIREMENTS,
    madeBy: "test/docs/radius-requirements.test.ts",
  }));

test("RAD-33: the sums that docs/radius.md prints name every counter that is an outcome, once", () => {
  const page = readFileSync(PAGE, "utf8");
  const [listener = "", home = ""] = [...page.matchAll(/```\n(received = [^`]*)```/g)].map(
    ([, sums]) => sums,
  );
  const terms = (text: string) => [...text.matchAll(/[a-zA-Z]+/g)].map(([word]) => word).sort();
  // Parts of requests and responses, shown beside them.
  const parts = [
    ...["starts", "stops", "interims"],
    ...["startResponses", "stopResponses", "interimResponses"],
  ];
  const outcomes = Object.keys(listenerCounters()).filter((name) => !parts.includes(name));
  expect(terms(listener)).toEqual([...outcomes, "requests"].sort());
  const ours = ["sent", "resent", "probes", "latency", "latencySumMs"];
  const heard = Object.keys(homeServerCounters()).filter((name) => !ours.includes(name));
  expect(terms(home)).toEqual(heard.sort());
});
