/** Roots of trust (ASM-68), as they are registered: whether evidence has the one that its VNF demands. */
import { fromHex } from "../../util/bytes.js";
import { verifyRoot, type EvidenceFacts } from "../protocol/index.js";
import type { AsmnRootOfTrust, SecEmSettings } from "../settings.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";

type PlatformKeys = SecEmSettings["platformKeys"];

/** Settings come as a whole, so the list that they have is the key. */
const platforms = new WeakMap<PlatformKeys, ReadonlyMap<string, Uint8Array>>();

/** @returns why not; undefined when it is enough */
export function rootFault(
  core: Core,
  { tenant, vnf, instance }: InstanceRecord,
  demands: AsmnRootOfTrust,
  facts: EvidenceFacts,
): string | undefined {
  const { image, instanceKey, rootChallenge: challenge } = facts;
  const { platformKeys, platformDocumentSeconds } = core.settings;
  const outcome = verifyRoot(
    facts.root,
    facts.rootDocument,
    { tenant, vnf, instance, image, instanceKey, challenge },
    {
      demands,
      platformKeys: mapOf(platformKeys),
      staticSeconds: platformDocumentSeconds,
      tpm: core.tpm.keysFor({ tenant, vnf, instance }, image),
    },
    core.time(),
  );
  return outcome.ok ? undefined : outcome.sentence;
}

function mapOf(keys: PlatformKeys): ReadonlyMap<string, Uint8Array> {
  const known = platforms.get(keys);
  if (known !== undefined) return known;
  const made = new Map(
    keys.map(({ name, publicKey }) => [name, fromHex(publicKey) ?? new Uint8Array(0)]),
  );
  platforms.set(keys, made);
  return made;
}
