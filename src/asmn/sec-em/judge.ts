/**
 * What the registry says to authentic evidence: where it came from, what vouches for it, which image and
 * manifest, which catalog, in the order of the protocol's reasons. Good evidence is trusted as soon as the
 * agent has confirmed; anything else is untrusted at once.
 */
import { isIPv4 } from "node:net";
import { toHex } from "../../util/bytes.js";
import { equalSecrets } from "../crypto/index.js";
import { allowedChangesDigest, parseAllowedChange } from "../measure/index.js";
import type { EvidenceFacts, Judgement, Reason } from "../protocol/index.js";
import type { Core } from "./core.js";
import type { InstanceRecord } from "./instance-book.js";
import { rootFault } from "./roots.js";

interface Objection {
  readonly reason: Reason;
  readonly sentence: string;
}

export function judge(core: Core, record: InstanceRecord, facts: EvidenceFacts): Judgement {
  const objection = objectionTo(core, record, facts);
  const { verdictLifetimeSeconds, renewalSeconds } = core.settings;
  const { binding } = record.bgp;
  const md5Key = record.md5Key === undefined ? undefined : Buffer.from(record.md5Key, "latin1");
  return {
    reason: objection?.reason ?? "none",
    sentence: objection?.sentence ?? "it has proved itself",
    lifetimeSeconds: verdictLifetimeSeconds,
    renewSeconds: renewalSeconds,
    binding,
    // Who is not trusted has no use for it.
    md5Key: objection === undefined ? md5Key : undefined,
  };
}

function objectionTo(
  core: Core,
  record: InstanceRecord,
  facts: EvidenceFacts,
): Objection | undefined {
  const { registry, images } = core;
  const { tenant, vnf, bgp } = record;
  const descriptor = registry.vnf(record)?.descriptor;
  if (descriptor === undefined) {
    return { reason: "removed", sentence: `${tenant}/${vnf} is not registered any more` };
  }
  const from = plainAddress(facts.remoteAddress);
  if (bgp.addresses.length > 0 && !bgp.addresses.map(plainAddress).includes(from)) {
    return { reason: "address", sentence: `it speaks from ${from}, which is not an address of it` };
  }
  const root = rootFault(core, record, descriptor.rootOfTrust, facts);
  if (root !== undefined) return { reason: "root-of-trust", sentence: root };
  const image = toHex(facts.image);
  const fault = images.fault(record, image);
  if (fault !== undefined) return { reason: "image", sentence: fault };
  const other = allowanceFault(descriptor.manifest.allowedChanges, facts.allowed);
  if (other !== undefined) return { reason: "manifest", sentence: other };
  const manifest = images.manifestOf(record, image);
  if (manifest !== undefined && manifest !== toHex(facts.manifest)) {
    return { reason: "manifest", sentence: "what runs differs in what may not change" };
  }
  // The one it was asked for: when it has changed since, a prompt is on its way, and another step follows.
  const asked = facts.askedCatalogVersion;
  if (
    asked !== 0 &&
    (asked !== facts.catalogVersion || !equalSecrets(facts.askedCatalogDigest, facts.catalogDigest))
  ) {
    return { reason: "catalog", sentence: `it has not the current catalog, version ${asked}` };
  }
  return undefined;
}

/** By descriptor's list, which is never changed in place. */
const allowances = new WeakMap<readonly string[], { readonly digest: Uint8Array | undefined }>();

/** Whether the agent leaves out of its manifest what the descriptor says, no more and no less. */
function allowanceFault(list: readonly string[], has: Uint8Array | undefined): string | undefined {
  const known = allowances.get(list) ?? {
    digest: allowedChangesDigest(
      // What is no allowed change, of a descriptor from before they were checked, is nobody's.
      list.map((text) => parseAllowedChange(text) ?? { kind: "file", name: `\0${text}` }),
    ),
  };
  allowances.set(list, known);
  const { digest } = known;
  if (digest === undefined && has === undefined) return undefined;
  if (digest !== undefined && has !== undefined && equalSecrets(digest, has)) return undefined;
  const what = "its list of allowed changes is not that of its descriptor";
  if (has === undefined) return `${what}: it has none, and the descriptor names ${list.length}`;
  return digest === undefined ? `${what}, which allows none` : what;
}

/** Without a zone, and IPv4 as such. */
export function plainAddress(address: string): string {
  const [bare = ""] = address.toLowerCase().split("%");
  const mapped = /^::ffff:(.*)$/.exec(bare)?.[1];
  return mapped !== undefined && isIPv4(mapped) ? mapped : bare;
}
