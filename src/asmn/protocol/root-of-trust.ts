/**
 * Roots of trust (ASM-68): what makes a measurement more than an agent's own word. `none` is declared and
 * shows nothing. `platform` is a document by which the platform that started the instance speaks for it.
 * `tpm` is a quote (`tpm-quote.ts`).
 */
import { equalSecrets } from "../crypto/index.js";
import type { InstanceNames, SigningKey } from "../crypto/index.js";
import { defineDocument } from "./document.js";
import { name, octets, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import type { Struct } from "./struct.js";
import { openTpmDocument, parseQuote, verifyTpmDocument } from "./tpm-quote.js";
import type { TpmKeys } from "./tpm-quote.js";
import { fail, pass } from "./words.js";
import type { Checked, RootKind } from "./words.js";

export interface PlatformDocument extends InstanceNames {
  readonly platform: string;
  readonly image: Uint8Array;
  readonly instanceKey: Uint8Array;
  /** Of the evidence that it belongs to; undefined: made once, when the instance was started. */
  readonly challenge: Uint8Array | undefined;
  /** The platform's wall clock, milliseconds. */
  readonly time: number;
}

const struct: Struct<PlatformDocument> = defineStruct("platform document", {
  platform: field(1, name),
  tenant: field(2, name),
  vnf: field(3, name),
  instance: field(4, name),
  image: field(5, octets(32)),
  instanceKey: field(6, octets(32)),
  challenge: optional(7, octets(32)),
  time: field(8, u64),
});

const document = defineDocument("platform", struct);

export function signPlatformDocument(value: PlatformDocument, key: SigningKey): Uint8Array {
  return document.sign(value, key);
}

/** What the evidence says, which the document must say too. */
export interface RootFacts extends InstanceNames {
  readonly image: Uint8Array;
  readonly instanceKey: Uint8Array;
  readonly challenge: Uint8Array;
}

export interface RootPolicy {
  readonly demands: RootKind;
  /** Public keys by name of the platform. */
  readonly platformKeys: ReadonlyMap<string, Uint8Array>;
  /** How old a platform's document without challenge may be, by the Sec-EM's time; 0: it needs a challenge. */
  readonly staticSeconds: number;
  readonly tpm: TpmKeys;
}

/**
 * Reason of a fault: root-of-trust. Something stronger than demanded is verified all the same.
 * @param time the Sec-EM's, milliseconds
 */
export function verifyRoot(
  kind: RootKind,
  octets: Uint8Array,
  facts: RootFacts,
  policy: RootPolicy,
  time: number,
): Checked<RootKind> {
  if (policy.demands !== "none" && kind !== policy.demands)
    return fail("root-of-trust", `${policy.demands} is demanded, the agent has ${kind}`);
  switch (kind) {
    case "none":
      return pass(kind);
    case "platform":
      return verifyPlatform(octets, facts, policy, time);
    case "tpm": {
      const quote = verifyTpmDocument(octets, facts.challenge, policy.tpm);
      return quote.ok ? pass(kind) : quote;
    }
  }
}

/**
 * What an agent can see of a document before it sends it: whether it is one, and bears this challenge.
 * @returns what is wrong with it, as a clause; undefined = nothing that can be seen here
 */
export function documentFault(
  kind: "platform" | "tpm",
  octets: Uint8Array,
  challenge: Uint8Array,
): string | undefined {
  if (kind === "platform") {
    const opened = document.open(octets);
    if (!opened.ok) return `it is no platform document (${opened.sentence})`;
    const { challenge: own } = opened.value.value;
    return own === undefined || equalSecrets(own, challenge) ? undefined : OTHER_CHALLENGE;
  }
  const quote = parseQuote(openTpmDocument(octets)?.attest ?? new Uint8Array(0));
  if (quote === undefined) return "it is no TPM document";
  return equalSecrets(quote.extraData, challenge) ? undefined : OTHER_CHALLENGE;
}

const OTHER_CHALLENGE = "it belongs to another challenge";

function verifyPlatform(
  bytes: Uint8Array,
  facts: RootFacts,
  { platformKeys, staticSeconds }: RootPolicy,
  time: number,
): Checked<RootKind> {
  const opened = document.open(bytes);
  if (!opened.ok) return fail("root-of-trust", opened.sentence);
  const { value, signedBy } = opened.value;
  const key = platformKeys.get(value.platform);
  if (key === undefined)
    return fail("root-of-trust", `no key is registered for the platform ${value.platform}`);
  if (!signedBy(key)) return fail("root-of-trust", "the platform document's signature is wrong");
  const fits =
    value.tenant === facts.tenant &&
    value.vnf === facts.vnf &&
    value.instance === facts.instance &&
    equalSecrets(value.image, facts.image) &&
    equalSecrets(value.instanceKey, facts.instanceKey);
  if (!fits) return fail("root-of-trust", "the platform speaks of another instance, image or key");
  if (value.challenge !== undefined)
    return equalSecrets(value.challenge, facts.challenge)
      ? pass("platform")
      : fail("root-of-trust", "the platform document belongs to another challenge");
  if (staticSeconds === 0) return fail("root-of-trust", "the platform document has no challenge");
  const age = Math.abs(time - value.time) / 1000;
  return age <= staticSeconds
    ? pass("platform")
    : fail("root-of-trust", `the platform document is ${Math.round(age)} s from now`);
}
