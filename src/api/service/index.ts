/**
 * The service layer: every operation of the admin API, once. Transports (`http-operations.ts`, `grpc/`) and
 * the OpenAPI document are made from `OPERATIONS`; they check input, role and bounds, and log what is
 * written.
 *
 * To add an operation:
 * 1. `proto/evpnd/v1/TOPIC.proto`: a service (or another rpc of one), and its messages. Requests: every
 *    member `optional` or `repeated`. Answers: `optional` what may be missing. Words of a fixed set are
 *    `string`; times are `uint64`; JSON names are the camelCase of the file's snake_case. What has no
 *    fixed shape is a google.protobuf.Struct. A comment line above each: it goes into the OpenAPI document.
 *    Message names are of one package: prefix what others may have, too. No enums, no oneofs.
 * 2. `src/api/service/TOPIC.ts`: rows made with `unary`, `page` (with `dump`, which streams all rows),
 *    `stream` (batches; ends when `signal` aborts) or `file`; `run` takes the backend, the checked input and
 *    who asks, and returns plain data of the message's shape. Constraints stand in `rules`. Refusals are
 *    thrown as `HttpError(status, code, sentence)`; gRPC makes its status of it. `role: "operator"` for
 *    whatever changes something: it is checked and logged by the transports.
 * 3. Its list goes into `OPERATIONS` below. `HttpBackend` gets an optional member if it needs another door.
 * 4. `docs/http.md` names the path, `EVPND_UPDATE_DOCS=1 npx vitest run --project unit test/docs` writes
 *    docs/openapi.json, and `test/api/service/samples.ts` gets an example of the answer.
 *
 * Not here: BGP, tables, sockets; none of it may be touched from an operation.
 */
import { ASMN_GATE_OPERATIONS } from "./asmn-gate.js";
import { ASMN_KEY_OPERATIONS } from "./asmn-keys.js";
import { ASMN_REGISTRY_OPERATIONS } from "./asmn-registry.js";
import { ASMN_TPM_OPERATIONS } from "./asmn-tpm.js";
import { ASMN_OPERATIONS } from "./asmn.js";
import { BFD_OPERATIONS } from "./bfd.js";
import { CONFIGURATION_OPERATIONS } from "./configuration.js";
import { EXPLAIN_OPERATIONS } from "./explain.js";
import { FEED_OPERATIONS } from "./feeds.js";
import { FIB_OPERATIONS } from "./fib.js";
import { INJECTION_OPERATIONS } from "./injection.js";
import { INTEREST_OPERATIONS } from "./interest.js";
import { IPSEC_GUARD_OPERATIONS } from "./ipsec-guard.js";
import { IPSEC_POLICY_OPERATIONS } from "./ipsec-policy.js";
import { IPSEC_OPERATIONS } from "./ipsec.js";
import { IPSEC_VENDOR_OPERATIONS } from "./ipsec-vendors.js";
import { LINT_OPERATIONS } from "./lint.js";
import { MAINTENANCE_OPERATIONS } from "./maintenance.js";
import type { Operation } from "./operation.js";
import { PEER_OPERATIONS } from "./peers.js";
import { POLICY_OPERATIONS } from "./policies.js";
import { QUARANTINE_OPERATIONS } from "./quarantines.js";
import { RADIUS_DOOR_OPERATIONS } from "./radius-doors.js";
import { RADIUS_OPERATIONS } from "./radius.js";
import { ROUTE_OPERATIONS } from "./routes.js";
import { STATUS_OPERATIONS } from "./status.js";
import { SUBSCRIBER_OPERATIONS } from "./subscribers.js";
import { TIMELINE_OPERATIONS } from "./timeline.js";
import { WATCH_OPERATIONS } from "./watch.js";
import { WHAT_IF_OPERATIONS } from "./what-if.js";

export const OPERATIONS: readonly Operation[] = [
  ...STATUS_OPERATIONS,
  ...PEER_OPERATIONS,
  ...ROUTE_OPERATIONS,
  ...FIB_OPERATIONS,
  ...QUARANTINE_OPERATIONS,
  ...EXPLAIN_OPERATIONS,
  ...WHAT_IF_OPERATIONS,
  ...TIMELINE_OPERATIONS,
  ...WATCH_OPERATIONS,
  ...LINT_OPERATIONS,
  ...POLICY_OPERATIONS,
  ...CONFIGURATION_OPERATIONS,
  ...INJECTION_OPERATIONS,
  ...MAINTENANCE_OPERATIONS,
  ...INTEREST_OPERATIONS,
  ...BFD_OPERATIONS,
  ...FEED_OPERATIONS,
  ...RADIUS_OPERATIONS,
  ...RADIUS_DOOR_OPERATIONS,
  ...SUBSCRIBER_OPERATIONS,
  ...IPSEC_OPERATIONS,
  ...IPSEC_POLICY_OPERATIONS,
  ...IPSEC_GUARD_OPERATIONS,
  ...IPSEC_VENDOR_OPERATIONS,
  ...ASMN_OPERATIONS,
  ...ASMN_REGISTRY_OPERATIONS,
  ...ASMN_TPM_OPERATIONS,
  ...ASMN_KEY_OPERATIONS,
  ...ASMN_GATE_OPERATIONS,
];

export { InputFault, inputCheckOf } from "./input.js";
export { PAGE_DEFAULT, PAGE_MAX } from "./operation.js";
export type {
  Caller,
  FileOperation,
  Operation,
  PageOperation,
  Role,
  Rows,
  StreamOperation,
  UnaryOperation,
} from "./operation.js";
export { loadProto, PACKAGE, proto, type Proto } from "./proto.js";
export { decoderOf, encoderOf } from "./well-known.js";
