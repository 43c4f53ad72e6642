/** Option `trust` of peers, groups and ranges. */
import type { AsmnSettings } from "../asmn/settings.js";
import type { TrustRequirement } from "../contract.js";
import { isLinkLocal } from "../fast-bgp-codec/values/ip.js";
import type { TrustEntry } from "./asmn-file.js";
import { knownTenant } from "./asmn.js";
import { knownVnf } from "./asmn-tenants.js";
import type { ConfigPath, IssueList } from "./issue.js";

export interface TrustContext {
  /** Where the option stands, and for faults. */
  readonly path: ConfigPath;
  /** Address, or prefix of a range, that it is asked of. */
  readonly peer: string;
  /** Undefined = there are no trust checks. */
  readonly asmn: AsmnSettings | undefined;
  readonly issues: IssueList;
}

/** Undefined where nothing is required. */
export function trustRequirement(
  entry: TrustEntry | undefined,
  { path, peer, asmn, issues }: TrustContext,
): TrustRequirement | undefined {
  if (entry === undefined || entry.require === false) return undefined;
  const { tenant, vnf, effect = "refuse", "dry-run": dryRun = false } = entry;
  if (tenant === undefined) {
    issues.error(path, '"tenant" is missing', "say whose VNF it must be");
    return undefined;
  }
  if (isLinkLocal(peer)) {
    issues.error(
      path,
      `${peer} is link-local: another host on another link may have the same address`,
      "peer with the VNF's global or unique local address, which its verdict names",
    );
  }
  if (asmn?.gate === undefined) {
    issues.error(
      path,
      "nobody here knows who is trusted, so this peer could never come up",
      "add asmn: {gate: {}} with a Sec-EM (docs/asmn.md)",
    );
  } else if (asmn.secEm !== undefined && asmn.gate.sources.length === 0) {
    const { tenants } = asmn.secEm;
    const names = tenants.map(({ name }) => name);
    knownTenant(tenant, names, [...path, "tenant"], issues);
    const found = tenants.find(({ name }) => name === tenant);
    if (vnf !== undefined && found !== undefined) {
      const vnfs = found.vnfs.map(({ name }) => name);
      knownVnf(vnf, vnfs, [...path, "vnf"], issues);
    }
  }
  return { tenant, vnf, effect, dryRun };
}
