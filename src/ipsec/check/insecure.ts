/**
 * Weaknesses: what RFC 8221, 8247 and 9395 tell not to use any more, and what opens a gateway. Each has a
 * name, and each tunnel that needs it says who answers for it, and until when. A default never has one.
 */
import {
  cipherRow,
  groupRow,
  integrityRow,
  PREDEFINED_ZONES,
  type Gateway,
  type OptIn,
  parseRange,
  type Tunnel,
  type TunnelSide,
} from "../model/index.js";
import { WEAKNESSES, type FindingCode } from "./codes.js";
import type { CheckContext } from "./context.js";
import type { Finding } from "./finding.js";
import { FindingSink } from "./sink.js";

/** Bits below which a key can be guessed. */
export const KEY_BITS = 128;
const DAY = 86_400_000;
/** Warned so long before. */
const SOON = 30 * DAY;

/** Weaknesses of one end's parameters and keys. */
export function sideWeaknesses(side: TunnelSide, context: CheckContext, sink: FindingSink): void {
  const { ike, child } = side;
  const weak = (code: string | undefined, what: string, remedy: string): void => {
    if (code === undefined) return;
    sink.add(code as FindingCode, { message: what, remedy });
  };
  if (ike.version === 1) weak("ikev1", "it uses IKEv1", "use IKEv2");
  if (ike.version === 1 && ike.mode === "aggressive") {
    weak("aggressive-mode", "it uses aggressive mode", "use main mode, or IKEv2");
  }
  for (const { encryption, integrity, group } of ike.proposals) {
    weak(cipherRow(encryption).weak, `phase 1 may use ${encryption}`, BETTER_CIPHER);
    weak(groupRow(group).weak, `phase 1 may use ${group}`, BETTER_GROUP);
    if (integrity === undefined) continue;
    weak(integrityRow(integrity).weak, `phase 1 may use ${integrity}`, BETTER_HASH);
  }
  for (const { encryption, integrity, pfs, protocol } of child.proposals) {
    if (protocol === "esp") {
      weak(cipherRow(encryption).weak, `phase 2 may use ${encryption}`, BETTER_CIPHER);
    } else weak("cipher-null", "phase 2 uses AH, which does not encrypt", "use ESP");
    if (integrity !== undefined) {
      weak(integrityRow(integrity).weak, `phase 2 may use ${integrity}`, BETTER_HASH);
    } else if (!cipherRow(encryption).aead) {
      weak("esp-no-integrity", "phase 2 does not authenticate packets", "use AES-GCM");
    }
    if (pfs === undefined) {
      weak("no-pfs", "phase 2 has no perfect forward secrecy", "name a group in its proposals");
    } else weak(groupRow(pfs).weak, `phase 2 may use ${pfs}`, BETTER_GROUP);
  }
  if (child.replayWindow === 0) {
    weak("no-replay", "replay protection is off", "set a replay window of 64 or more");
  }
  keyWeaknesses(side, context, weak);
}

const BETTER_CIPHER = "use AES-GCM with 256 bits";
const BETTER_HASH = "use SHA-256 or better, or AES-GCM, which needs none";
const BETTER_GROUP = "use curve25519, ecp384 or modp3072";

type Weak = (code: FindingCode, what: string, remedy: string) => void;

function keyWeaknesses({ authentication }: TunnelSide, context: CheckContext, weak: Weak): void {
  if (authentication.kind !== "psk") return;
  const { scope, secret } = authentication;
  if (scope.kind === "group") {
    weak("group-psk", `the group "${scope.name}" shares one key`, "give each peer a key");
  }
  if (scope.kind === "prefix") {
    const range = parseRange(scope.prefix);
    if (range === undefined || range.last > range.first) {
      weak(
        "wildcard-psk",
        `the key is good for every peer in ${scope.prefix}`,
        "bind it to the peer's address alone",
      );
    }
  }
  const facts = context.secrets?.(secret);
  if (facts === undefined) return;
  if (facts.bits !== undefined && facts.bits < KEY_BITS) {
    weak(
      "weak-psk",
      `the key "${secret}" has about ${Math.floor(facts.bits)} bits`,
      `let evpnd make one: evpnctl ipsec secrets generate ${secret}`,
    );
  }
  if (facts.seenInClear) {
    weak(
      "psk-in-clear",
      `the key "${secret}" stood in clear in an imported text`,
      `let evpnd make a new one: evpnctl ipsec secrets generate ${secret}`,
    );
  }
}

/** Weaknesses of a gateway that this tunnel's traffic meets. */
export function gatewayWeaknesses(side: TunnelSide, gateway: Gateway, sink: FindingSink): void {
  const at = { gateway: gateway.name };
  if (gateway.permitIpsec) {
    sink.add("permit-ipsec", {
      ...at,
      message: `${gateway.name} lets all tunnel traffic pass its interface access lists`,
      remedy: "switch permit-ipsec off and permit what is needed",
    });
  }
  const zones = [...PREDEFINED_ZONES, ...gateway.zones];
  const used = [side.outgoingInterface];
  if (side.binding.kind === "interface") used.push(side.binding.interface);
  for (const { name, zone, manageable } of gateway.interfaces) {
    if (!manageable || !used.includes(name)) continue;
    if (zones.findLast((one) => one.name === zone)?.trusted !== false) continue;
    sink.add("management-untrusted", {
      ...at,
      message: `${gateway.name} answers to management on ${name}, in zone ${zone}`,
      remedy: "switch management off there, or allow it from a management zone only",
    });
  }
}

/**
 * Lays opt-ins over findings: a weakness that somebody answers for is a warning. Adds what is wrong with
 * the opt-ins themselves.
 */
export function applyOptIns(tunnel: Tunnel, findings: readonly Finding[], now: number): Finding[] {
  const sink = new FindingSink(tunnel.name);
  const valid = new Map<string, OptIn>();
  for (const optIn of tunnel.optIns) {
    const end = endOf(optIn.expires);
    const used = findings.some(({ code }) => code === optIn.finding);
    if (end === undefined || end <= now) {
      if (!used) continue;
      sink.add("opt-in-expired", {
        message: `the opt-in of ${optIn.owner} for ${optIn.finding} ran out on ${optIn.expires}`,
        remedy: "remove the weakness, or have its owner renew the opt-in",
      });
      continue;
    }
    valid.set(optIn.finding, optIn);
    if (!used) {
      sink.add("opt-in-unused", {
        message: `${optIn.finding} is opted into, and is not there`,
        remedy: "take the opt-in out",
      });
    } else if (end - now < SOON) {
      sink.add("opt-in-expires", {
        message: `the opt-in of ${optIn.owner} for ${optIn.finding} runs out on ${optIn.expires}`,
        remedy: "remove the weakness, or have its owner renew the opt-in",
      });
    }
  }
  const laid = findings.map((finding): Finding => {
    const optIn = isWeakness(finding.code) ? valid.get(finding.code) : undefined;
    if (optIn !== undefined) {
      const { owner, expires } = optIn;
      return { ...finding, severity: "warning", optIn: { owner, expires } };
    }
    if (!isWeakness(finding.code)) return finding;
    const remedy = `${finding.remedy}; or opt into ${finding.code} with an owner and a last day`;
    return { ...finding, remedy };
  });
  return [...laid, ...sink.findings];
}

function isWeakness(code: string): boolean {
  return (WEAKNESSES as readonly string[]).includes(code);
}

/** End of the day, UTC; undefined when it is no date. */
function endOf(day: string): number | undefined {
  const start = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  return Number.isNaN(start) ? undefined : start + DAY;
}
