/** The fields of Result that are signed and confirmed: all but the signature and the confirmation. */
import { MD5_KEY_OCTETS } from "./agent-messages.js";
import type { Result } from "./agent-messages.js";
import { octets, sentence, u32, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import type { Struct } from "./struct.js";
import { BINDING, REASON, STATE } from "./words.js";

export type ResultFields = Omit<Result, "kind" | "signature" | "confirmation">;

const fields: Struct<ResultFields> = defineStruct("result fields", {
  counter: field(1, u64),
  state: field(2, STATE),
  reason: field(3, REASON),
  sentence: field(4, sentence),
  lifetimeSeconds: field(5, u32),
  renewSeconds: field(6, u32),
  binding: field(7, BINDING),
  sealed: optional(8, octets(MD5_KEY_OCTETS + 16)),
});

export function encodeResultFields(value: ResultFields): Uint8Array {
  return fields.encode(value);
}
