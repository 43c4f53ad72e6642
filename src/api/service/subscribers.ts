/** Subscribers and the MAC FIB: MACs without or away from their sessions. */
import type { FindingQuery, SubscriberControl } from "../../fib/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { page, text, unary, type Operation } from "./operation.js";

function subscribersOf({ subscribers }: HttpBackend): SubscriberControl {
  if (subscribers !== undefined) return subscribers;
  throw new HttpError(
    409,
    "off",
    "MACs are not compared with sessions: add a subscribers block to the configuration and reload",
  );
}

export const SUBSCRIBER_OPERATIONS: readonly Operation[] = [
  page({
    id: "ListSubscriberFindings",
    dump: "DumpSubscriberFindings",
    group: "Subscribers",
    summary: "MACs without a subscriber's session, or away from it",
    role: "viewer",
    http: { method: "GET", path: "/v1/subscribers/findings" },
    input: "ListSubscriberFindingsRequest",
    output: "ListSubscriberFindingsResponse",
    rows: "findings",
    row: "SubscriberFinding",
    rules: { domain: text(128), kind: { enum: ["without-session", "away"] } },
    run: (backend, query: FindingQuery) => subscribersOf(backend).findings(query),
  }),
  unary({
    id: "GetSubscriberSummary",
    group: "Subscribers",
    summary: "How the comparison of MACs with sessions stands",
    role: "viewer",
    http: { method: "GET", path: "/v1/subscribers" },
    input: "GetSubscriberSummaryRequest",
    output: "SubscriberSummary",
    run: (backend) => subscribersOf(backend).stats(),
  }),
];
