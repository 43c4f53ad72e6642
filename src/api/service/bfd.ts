/** BFD sessions in full. */
import { unary, type Operation } from "./operation.js";

export const BFD_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetBfd",
    group: "Bfd",
    summary: "BFD sessions, and packets that belong to none",
    role: "viewer",
    http: { method: "GET", path: "/v1/bfd" },
    input: "GetBfdRequest",
    output: "BfdState",
    run: ({ control }) => control.bfd(),
  }),
];
