/** Roots of trust (ASM-68), as the settings pin them: whether evidence has the one that its VNF demands. */
import { fromHex } from "../../util/bytes.js";
import { verifyRoot, type EvidenceFacts, type TpmKeys } from "../protocol/index.js";
import type { AsmnRootOfTrust } from "../settings.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";

/** None can be registered by the configuration: a quote is refused, with a sentence. */
const NO_TPMS: TpmKeys = new Map();
/** A platform's document that is not bound to this very proof may be so old. */
const STATIC_SECONDS = 0;

/** @returns why not; undefined when it is enough */
export function rootFault(
  core: Core,
  { tenant, vnf, instance }: InstanceRecord,
  demands: AsmnRootOfTrust,
  facts: EvidenceFacts,
): string | undefined {
  const keys = core.settings.platformKeys.flatMap(({ name, publicKey }) => {
    const raw = fromHex(publicKey);
    return raw === undefined ? [] : [[name, raw] as const];
  });
  const { image, instanceKey, rootChallenge: challenge } = facts;
  const outcome = verifyRoot(
    facts.root,
    facts.rootDocument,
    { tenant, vnf, instance, image, instanceKey, challenge },
    { demands, platformKeys: new Map(keys), staticSeconds: STATIC_SECONDS, tpm: NO_TPMS },
    core.time(),
  );
  return outcome.ok ? undefined : outcome.sentence;
}
