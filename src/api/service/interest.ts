/** What each peer is sent by its route targets, and what is held back. */
import { ADDRESS } from "./peers.js";
import { unary, type Operation } from "./operation.js";

export const INTEREST_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListInterests",
    group: "Interests",
    summary: "What each peer is sent by, and how much is held back",
    role: "viewer",
    http: { method: "GET", path: "/v1/interest" },
    input: "ListInterestsRequest",
    output: "ListInterestsResponse",
    run: async ({ control }) => ({ peers: await control.interests() }),
  }),
  unary({
    id: "GetInterest",
    group: "Interests",
    summary: "A peer's route targets, and examples of what is held back",
    role: "viewer",
    http: { method: "GET", path: "/v1/interest/:address" },
    input: "GetInterestRequest",
    output: "InterestDetail",
    rules: ADDRESS,
    run: ({ control }, { address }: { address: string }) => control.interest(address),
  }),
];
