/**
 * A side of a tunnel as the IKE daemon takes a connection (`load-conn`; keys as in swanctl.conf). It never
 * begins anything by itself when loaded: loading is idempotent, and what is to be up is the business of
 * `upkeep.ts`. What it does alone, should we be dead, is to notice a dead peer and to renew in time.
 */
import {
  formatEspProposal,
  formatIkeSuite,
  type EspProposal,
  type IkeIdentity,
  type IkeProposal,
  type PeerDetection,
  type Selector,
  type TunnelSide,
} from "../model/index.js";
import type { ViciSection } from "../vici/index.js";
import { requestId } from "./traffic.js";

/** One pair of selectors of a tunnel. */
export interface PlannedChild {
  readonly name: string;
  /** Configured, as the daemon is told. */
  readonly localSelector: string;
  readonly remoteSelector: string;
  /** The same, taken apart. */
  readonly selector: Selector;
}

/** Part of a lifetime after which it is renewed; what remains is for the exchange and for chance. */
const RENEW_AT = 0.9;

export function connectionSection(
  side: TunnelSide,
  children: readonly PlannedChild[],
  interfaceId: number | undefined,
): ViciSection {
  const { ike, local, remote, authentication } = side;
  const auth = authentication.kind === "psk" ? "psk" : "pubkey";
  const { ppk } = authentication;
  return {
    version: String(ike.version),
    local_addrs: [addressOf(local.reach)],
    remote_addrs: [addressOf(remote.reach)],
    proposals: ike.proposals.map(ikeProposalText),
    aggressive: ike.version === 1 ? yesNo(ike.mode === "aggressive") : undefined,
    mobike: ike.version === 2 ? yesNo(ike.mobike) : undefined,
    encap: yesNo(ike.nat.force),
    fragmentation: yesNo(ike.fragmentation),
    childless: ike.version === 2 ? (ike.childless ? "prefer" : "allow") : undefined,
    // A peer that restarts says that it is new (INITIAL_CONTACT): only then the old SAs go.
    unique: "no",
    keyingtries: side.start === "start" ? "0" : "1",
    ...ikeLifetimes(side),
    ...detection(ike.detection),
    ...(ppk === undefined ? {} : { ppk_id: ppk.id, ppk_required: yesNo(ppk.required) }),
    local: { auth, id: identityText(local.identity) },
    remote: {
      auth,
      id: remote.reach.kind === "dialup-group" ? "%any" : identityText(remote.identity),
    },
    children: Object.fromEntries(
      children.map((child) => [
        child.name,
        { ...childSection(side, child), ...bound(interfaceId) },
      ]),
    ),
  };
}

/** Policies that only the interface's packets meet, so that any-to-any takes no other traffic. */
function bound(interfaceId: number | undefined): ViciSection {
  if (interfaceId === undefined) return {};
  const id = String(interfaceId);
  return { if_id_in: id, if_id_out: id };
}

function childSection(side: TunnelSide, child: PlannedChild): ViciSection {
  const { child: parameters, ike, start } = side;
  const { lifetimeSeconds, lifetimeKilobytes, proposals, idleSeconds } = parameters;
  // The daemon divides by a thousand when it says kilobytes to the peer.
  const octets = lifetimeKilobytes * 1000;
  const esp = proposals.filter(({ protocol }) => protocol === "esp");
  const ah = proposals.filter(({ protocol }) => protocol === "ah");
  return {
    local_ts: [child.localSelector],
    remote_ts: [child.remoteSelector],
    esp_proposals: esp.length === 0 ? undefined : esp.map(espProposalText),
    ah_proposals: ah.length === 0 ? undefined : ah.map(espProposalText),
    mode: parameters.mode,
    life_time: `${lifetimeSeconds}s`,
    rekey_time: `${renewAt(lifetimeSeconds)}s`,
    rand_time: `${jitter(lifetimeSeconds)}s`,
    life_bytes: octets === 0 ? undefined : String(octets),
    rekey_bytes: octets === 0 ? undefined : String(renewAt(octets)),
    rand_bytes: octets === 0 ? undefined : String(jitter(octets)),
    replay_window: String(parameters.replayWindow),
    inactivity: idleSeconds === 0 ? undefined : `${idleSeconds}s`,
    copy_df: parameters.df === "copy" ? "yes" : "no",
    start_action: start === "trap" ? "trap" : "none",
    reqid: start === "trap" ? String(requestId(child.name)) : undefined,
    dpd_action: ike.detection.kind === "dpd" ? ike.detection.action : undefined,
    // Two ends that both began anew at once would never come to rest.
    close_action: start === "trap" ? "trap" : "none",
  };
}

/** IKEv1 knows no other renewal than authenticating anew; what it tells the peer is the sum of both times. */
function ikeLifetimes({ ike }: TunnelSide): ViciSection {
  const seconds = Math.min(...ike.proposals.map((proposal) => proposal.lifetimeSeconds));
  const over = `${seconds - renewAt(seconds)}s`;
  const rand = `${jitter(seconds)}s`;
  if (ike.version === 1) {
    return {
      reauth_time: `${renewAt(seconds)}s`,
      rekey_time: "0s",
      over_time: over,
      rand_time: rand,
    };
  }
  return {
    rekey_time: `${renewAt(seconds)}s`,
    reauth_time: `${ike.reauthSeconds}s`,
    over_time: over,
    rand_time: rand,
  };
}

function renewAt(life: number): number {
  return Math.floor(life * RENEW_AT);
}

/** So that a thousand tunnels loaded together do not renew together. */
function jitter(life: number): number {
  return Math.floor(life * (1 - RENEW_AT));
}

function detection(peer: PeerDetection): ViciSection {
  // Heartbeats are ScreenOS' own: a peer that has them takes DPD as well.
  if (peer.kind !== "dpd") return {};
  return { dpd_delay: `${peer.delaySeconds}s`, dpd_timeout: `${peer.timeoutSeconds}s` };
}

/** The daemon's keywords are the model's; `esn` without its opposite insists on it. */
export function ikeProposalText(proposal: IkeProposal): string {
  return formatIkeSuite(proposal);
}

export function espProposalText(proposal: EspProposal): string {
  return formatEspProposal(proposal).replace(/^ah:/, "");
}

/** Told with its type, so that a name that looks like an address stays a name. */
export function identityText({ kind, value }: IkeIdentity): string {
  switch (kind) {
    case "address":
      return value;
    case "fqdn":
      return `fqdn:${value}`;
    case "email":
      return `email:${value}`;
    case "key-id":
      return `keyid:${value}`;
    case "dn":
      return value;
  }
}

function addressOf(reach: TunnelSide["local"]["reach"]): string {
  switch (reach.kind) {
    case "static":
      return reach.address;
    case "host":
      return reach.name;
    default:
      return "%any";
  }
}

function yesNo(value: boolean): "yes" | "no" {
  return value ? "yes" : "no";
}
