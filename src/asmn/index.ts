/**
 * Trust checks: a VNF peers only when it has proved what it is.
 *
 *   agent/ (in the VNF, measure/) -> sec-em/ (registry, chains, verdicts, audit/) -> gate/ (may this peer come up)
 *                                                                               \-> gateway/ (nftables, tc; catalog/)
 *
 * In: settings, agents' proofs over TLS, files of this machine. Out: `TrustGate` for the speaker (`contract.ts`),
 * rules in the kernel, and what `control.ts` answers. `service.ts` holds the parts of one daemon together; it
 * knows nothing of BGP.
 *
 * - `protocol/`, `crypto/`, `link/`: messages, keys, TLS (docs/asmn-protocol.md); no files, no clocks of their own.
 * - `paper/`: the published mechanism, for comparison. It protects nothing and reaches no gate.
 *
 * Invariants: nobody is trusted before the proof is confirmed and on disk; whatever fails leaves the door closed;
 * no secret is in an answer, a log or an error, but for a token in the answer that made it.
 * Not supported: certificates of TPMs (a key is registered as such), images on block devices.
 */
export { AsmnError, type AsmnControl, type AsmnErrorCode, type AsmnStatus } from "./control.js";
export type { MeasureJob, AsmnKeyRow, AsmnRoles } from "./control.js";
export {
  SecEmError,
  type Actor,
  type AuditCheck,
  type AuditRow,
  type BgpFacts,
  type BreakGlassRequest,
  type BreakGlassRow,
  type CatalogRow,
  type FeedRow,
  type ImageRequest,
  type ImageRow,
  type InstanceName,
  type InstancePage,
  type InstanceQuery,
  type InstanceRow,
  type IssuedToken,
  type KeyRow,
  type Scope,
  type ScopeResult,
  type SecEmControl,
  type SecEmErrorCode,
  type SecEmStatus,
  type TokenRequest,
  type TokenRow,
  type TpmKeyRow,
  type VerifyResult,
  type VnfDescriptor,
  type VnfName,
  type VnfRow,
} from "./sec-em/control.js";
export {
  GateError,
  type GateControl,
  type GatedView,
  type GateErrorCode,
  type GateInstanceView,
  type GateStatus,
} from "./gate/control.js";
export type { GatewayControl, GatewayStatus } from "./gateway/control.js";
export { GatewayError, type GatewayErrorCode } from "./gateway/error.js";
export { isTrustFault } from "./fault.js";
export { AsmnService, type AsmnParts, type PartStarters } from "./service.js";
export type { AsmnCatalogEntry, AsmnSettings, AsmnTpmKey } from "./settings.js";
