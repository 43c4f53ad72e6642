/**
 * Key schedule and identities of the exchange between two VNFs: SIGMA with ephemeral X25519 (ASM-60). Each
 * side signs the exchange as seen by its role, and shows by a MAC under the fresh secret that it is the one
 * which signed. `first` covers Greet and the clear part of Reply, `second` all of the handshake.
 */
import {
  equalSecrets,
  hkdfExpand,
  hkdfExtract,
  hmac,
  lengthPrefixed,
  SealedDirection,
  sha256,
  signLabelled,
  verifyLabelled,
} from "../crypto/index.js";
import type { SigningKey, Suite } from "../crypto/index.js";
import { name, octets } from "./kinds.js";
import type { Greet, Reply } from "./peer-messages.js";
import { greet as greetType } from "./peer-messages.js";
import { defineStruct, field } from "./struct.js";
import { fail, MODE, pass, ROLE, SUITE } from "./words.js";
import type { Checked } from "./words.js";

export type SigmaRole = "initiator" | "responder";

const replyHead = defineStruct("reply in clear", {
  suite: field(1, SUITE),
  nonce: field(2, octets(32)),
  ephemeral: field(3, octets(32)),
});

const signed = defineStruct("what a VNF signs", {
  mode: field(1, MODE),
  role: field(2, ROLE),
  suite: field(3, SUITE),
  tenant: field(4, name),
  initiator: field(5, octets(32)),
  responder: field(6, octets(32)),
  key: field(7, octets(32)),
  first: field(8, octets(32)),
});

const identity = defineStruct("identity", {
  key: field(1, octets(32)),
  signature: field(2, octets(64)),
  mac: field(3, octets(32)),
});

export interface SigmaKeys {
  readonly first: Uint8Array;
  readonly root: Uint8Array;
  readonly suite: Suite;
  /** One for each direction of the handshake. */
  readonly sealed: Readonly<Record<SigmaRole, SealedDirection>>;
}

export function deriveSigma(
  greet: Greet,
  reply: Omit<Reply, "kind" | "sealed">,
  secret: Uint8Array,
): SigmaKeys {
  const label = Buffer.from("evpnd asmn 1 vnf to vnf\0", "latin1");
  const first = sha256(
    label,
    lengthPrefixed(greetType.struct.encode(greet)),
    lengthPrefixed(replyHead.encode(reply)),
  );
  const { suite } = reply;
  const root = hkdfExtract(sha256(greet.nonce, reply.nonce), secret);
  const direction = (role: SigmaRole) =>
    new SealedDirection(suite, hkdfExpand(root, `handshake from ${role}`, first));
  const sealed = { initiator: direction("initiator"), responder: direction("responder") };
  return { first, root, suite, sealed };
}

/** Both sealed identities are under it: what follows fits these two and no others. */
export function secondHash(first: Uint8Array, reply: Uint8Array, prove: Uint8Array): Uint8Array {
  return sha256(first, lengthPrefixed(reply), lengthPrefixed(prove));
}

export function sealIdentity(
  keys: SigmaKeys,
  role: SigmaRole,
  greet: Greet,
  own: SigningKey,
): Uint8Array {
  const body = signedBody(keys, role, greet, own.publicKey);
  const signature = signLabelled(own, `greet-${role}`, body);
  const mac = hmac(hkdfExpand(keys.root, `mac of ${role}`, keys.first), body);
  const text = identity.encode({ key: own.publicKey, signature, mac });
  return keys.sealed[role].seal(keys.first, text);
}

/** The key of the other side, which it has proved. Reasons: signature, malformed. */
export function openIdentity(
  keys: SigmaKeys,
  role: SigmaRole,
  greet: Greet,
  sealed: Uint8Array,
): Checked<Uint8Array> {
  const text = keys.sealed[role].open(keys.first, sealed);
  if (text === undefined) return fail("signature", `the ${role}'s identity does not open`);
  const decoded = identity.decode(text);
  if (!decoded.ok) return fail("malformed", decoded.sentence);
  const { key, signature, mac } = decoded.value;
  const body = signedBody(keys, role, greet, key);
  if (!equalSecrets(hmac(hkdfExpand(keys.root, `mac of ${role}`, keys.first), body), mac))
    return fail("signature", `the ${role}'s MAC is wrong`);
  if (!verifyLabelled(key, `greet-${role}`, body, signature))
    return fail("signature", `the ${role}'s signature is wrong`);
  return pass(key);
}

/** That both have the same of everything. */
export function finishMac(keys: SigmaKeys, second: Uint8Array): Uint8Array {
  return hmac(hkdfExpand(keys.root, "finish of responder", second), second);
}

export function trafficSecret(keys: SigmaKeys, from: SigmaRole, second: Uint8Array): Uint8Array {
  return hkdfExpand(keys.root, `data from ${from}`, second);
}

function signedBody(
  { suite, first }: SigmaKeys,
  role: SigmaRole,
  { tenant, initiator, responder }: Greet,
  key: Uint8Array,
): Uint8Array {
  return signed.encode({ mode: "sound", role, suite, tenant, initiator, responder, key, first });
}
