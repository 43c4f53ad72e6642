/** Phase-1 and phase-2 parameters of a file, laid over those of a profile. */
import {
  GROUPS,
  parseEspName,
  parseEspProposal,
  parseIkeName,
  parseIkeSuite,
  parseTransforms,
  SECURITY_LEVELS,
  type AuthenticationMethod,
  type ChildParameters,
  type EspProposal,
  type Group,
  type IkeParameters,
  type IkeProposal,
  type PeerDetection,
  type SecurityLevel,
} from "../ipsec/model/index.js";
import type { IpsecEspEntry, IpsecIkeEntry } from "./ipsec-file.js";
import type { ConfigPath, IssueList } from "./issue.js";

export interface ParameterContext {
  readonly path: ConfigPath;
  readonly issues: IssueList;
}

export function ikeParameters(
  base: IkeParameters,
  entry: IpsecIkeEntry | undefined,
  method: AuthenticationMethod,
  context: ParameterContext,
): IkeParameters {
  if (entry === undefined) return base;
  const nat = entry["nat-traversal"];
  return {
    version: entry.version ?? base.version,
    mode: entry.mode ?? base.mode,
    proposals: ikeProposals(base, entry, method, context),
    reauthSeconds: entry.reauth ?? base.reauthSeconds,
    detection: entry.detection === undefined ? base.detection : detectionOf(entry.detection),
    nat: {
      enabled: nat?.enabled ?? base.nat.enabled,
      udpChecksum: nat?.["udp-checksum"] ?? base.nat.udpChecksum,
      keepaliveSeconds: nat?.keepalive ?? base.nat.keepaliveSeconds,
      force: nat?.force ?? base.nat.force,
    },
    mobike: entry.mobike ?? base.mobike,
    makeBeforeBreak: entry["make-before-break"] ?? base.makeBeforeBreak,
    childless: entry.childless ?? base.childless,
    fragmentation: entry.fragmentation ?? base.fragmentation,
  };
}

export function childParameters(
  base: ChildParameters,
  entry: IpsecEspEntry | undefined,
  context: ParameterContext,
): ChildParameters {
  if (entry === undefined) return base;
  return {
    mode: entry.mode ?? base.mode,
    proposals: espProposals(base, entry, context),
    lifetimeSeconds: entry.lifetime ?? base.lifetimeSeconds,
    lifetimeKilobytes: entry["lifetime-kb"] ?? base.lifetimeKilobytes,
    replayWindow: entry["replay-window"] ?? base.replayWindow,
    idleSeconds: entry.idle ?? base.idleSeconds,
    df: entry.df ?? base.df,
  };
}

function detectionOf(entry: NonNullable<IpsecIkeEntry["detection"]>): PeerDetection {
  switch (entry.kind) {
    case "none":
      return { kind: "none" };
    case "dpd":
      return {
        kind: "dpd",
        delaySeconds: entry.delay ?? 10,
        timeoutSeconds: entry.timeout ?? 60,
        action: entry.action ?? "restart",
      };
    case "heartbeat":
      return {
        kind: "heartbeat",
        helloSeconds: entry.hello ?? 0,
        threshold: entry.threshold ?? 5,
      };
  }
}

function ikeProposals(
  base: IkeParameters,
  entry: IpsecIkeEntry,
  method: AuthenticationMethod,
  { path, issues }: ParameterContext,
): readonly IkeProposal[] {
  const said = entry.proposals;
  if (said === undefined) {
    const { lifetime } = entry;
    if (lifetime === undefined) return base.proposals;
    return base.proposals.map((one) => ({ ...one, lifetimeSeconds: lifetime }));
  }
  const usual = entry.lifetime ?? base.proposals[0]?.lifetimeSeconds ?? 28_800;
  return said.flatMap((one, index): IkeProposal[] => {
    const at = [...path, "proposals", index];
    const { proposal, number, lifetime } = typeof one === "string" ? { proposal: one } : one;
    const seconds = lifetime ?? usual;
    const found = levelNames(proposal)?.ike ?? [proposal];
    return found.flatMap((text): IkeProposal[] => {
      const named = parseIkeName(text, seconds);
      const suite = named ?? parseIkeSuite(text);
      if (suite === undefined) {
        issues.error(
          at,
          `"${text}" is not a phase-1 proposal`,
          "write aes256gcm16-prfsha384-curve25519, aes128-sha1-modp1024 or pre-g2-aes128-sha",
        );
        return [];
      }
      if (named !== undefined && (named.authentication === "psk") !== (method === "psk")) {
        issues.error(
          at,
          `"${text}" authenticates in another way than the tunnel`,
          method === "psk" ? "use one that begins with pre-" : "use one that begins with rsa-",
        );
      }
      const authentication = named?.authentication ?? method;
      return [{ number, authentication, ...suiteOf(suite), lifetimeSeconds: seconds }];
    });
  });
}

function suiteOf({
  encryption,
  integrity,
  prf,
  group,
  additional,
}: Omit<IkeProposal, "authentication" | "lifetimeSeconds" | "number">): Omit<
  IkeProposal,
  "authentication" | "lifetimeSeconds" | "number"
> {
  return { encryption, integrity, prf, group, additional };
}

function espProposals(
  base: ChildParameters,
  entry: IpsecEspEntry,
  { path, issues }: ParameterContext,
): readonly EspProposal[] {
  const pfs = pfsOf(entry.pfs, path, issues);
  const withPfs = (proposal: EspProposal): EspProposal =>
    pfs === undefined ? proposal : { ...proposal, pfs: pfs.group };
  if (entry.proposals === undefined) return base.proposals.map(withPfs);
  return entry.proposals.flatMap((said, index) =>
    (levelNames(said)?.esp ?? [said]).flatMap((text): EspProposal[] => {
      const found = parseEspName(text) ?? parseTransforms(text) ?? parseEspProposal(text);
      if (found !== undefined) return [withPfs(found)];
      issues.error(
        [...path, "proposals", index],
        `"${text}" is not a phase-2 proposal`,
        "write aes256gcm16-curve25519-esn, g2-esp-aes128-sha or esp-3des esp-md5-hmac",
      );
      return [];
    }),
  );
}

function pfsOf(
  text: string | undefined,
  path: ConfigPath,
  issues: IssueList,
): { readonly group: Group | undefined } | undefined {
  if (text === undefined) return undefined;
  if (text === "none") return { group: undefined };
  if (Object.hasOwn(GROUPS, text)) return { group: text as Group };
  const known = Object.keys(GROUPS).join(", ");
  issues.error([...path, "pfs"], `"${text}" is not a group`, `use none, or one of ${known}`);
  return undefined;
}

function levelNames(text: string): (typeof SECURITY_LEVELS)[SecurityLevel] | undefined {
  return Object.hasOwn(SECURITY_LEVELS, text) ? SECURITY_LEVELS[text as SecurityLevel] : undefined;
}
