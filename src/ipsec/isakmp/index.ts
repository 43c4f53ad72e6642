/**
 * Decoder of ISAKMP and IKE messages (RFC 2408, RFC 7296), for traces and for octets that an operator has.
 *
 * - `decode.ts` header and chain of payloads; `proposals.ts` security associations; `attributes.ts` what
 *   IKEv1 transforms say; `payload-fields.ts` the other payloads; `names.ts` numbers with their names.
 *
 * Pure functions over octets that anybody may have made: bounded, and nothing is thrown. Numbers that are
 * not known are shown as such. Not here: decryption; key exchange data, nonces and hashes are lengths.
 */
export { decodeIke, decodePayloads, type IkeMessage, type IkePayload } from "./decode.js";
export type { IkeAttribute } from "./attributes.js";
export type { IkeField } from "./payload-fields.js";
export type { IkeProposal, IkeTransform } from "./proposals.js";
export { PAYLOADS_V1, PAYLOADS_V2 } from "./names.js";
