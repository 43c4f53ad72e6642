/** What an agent keeps between steps: in a file of mode 0600, replaced as a whole and fsync'd. A secret. */
import { octets, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import type { Decoded, Struct } from "./struct.js";

export interface AgentState {
  /** The highest counter of any evidence, stored before it is sent. */
  readonly attempt: number;
  /** Of the last step whose Result came; both undefined before enrolment. */
  readonly id: Uint8Array | undefined;
  readonly chain: AgentChain | undefined;
  /** The highest of a Sec-EM that has proved itself by a Result. */
  readonly epoch: number;
}

export interface AgentChain {
  readonly counter: number;
  /** 32 octets. */
  readonly state: Uint8Array;
}

export const NEW_AGENT: AgentState = { attempt: 0, id: undefined, chain: undefined, epoch: 0 };

interface Flat {
  readonly attempt: number;
  readonly epoch: number;
  readonly id: Uint8Array | undefined;
  readonly counter: number | undefined;
  readonly state: Uint8Array | undefined;
}

const struct: Struct<Flat> = defineStruct("agent state", {
  attempt: field(1, u64),
  epoch: field(2, u64),
  id: optional(3, octets(32)),
  counter: optional(4, u64),
  state: optional(5, octets(32)),
});

export function encodeAgentState({ attempt, epoch, id, chain }: AgentState): Uint8Array {
  return struct.encode({ attempt, epoch, id, counter: chain?.counter, state: chain?.state });
}

export function decodeAgentState(bytes: Uint8Array): Decoded<AgentState> {
  const decoded = struct.decode(bytes);
  if (!decoded.ok) return decoded;
  const { attempt, epoch, id, counter, state } = decoded.value;
  const chain = counter === undefined || state === undefined ? undefined : { counter, state };
  return { ok: true, value: { attempt, epoch, id, chain } };
}
