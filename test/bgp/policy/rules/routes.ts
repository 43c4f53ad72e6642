/** Routes for tests of rules: as people write them, in the attribute store, and read back from it. */
import {
  decodeAttributes,
  encodeAttributes,
  encodeNlri,
  Family,
  findAttribute,
  labelOf,
  makeAttribute,
  parseIp,
  type DecodedAttribute,
  type DecodedNlri,
} from "../../../../src/fast-bgp-codec/index.js";
import { formatIp } from "../../../../src/fast-bgp-codec/values/ip.js";
import { Chain, NO_RULE } from "../../../../src/bgp/policy/rules/chain.js";
import type { RouteSource } from "../../../../src/bgp/policy/rules/peer-match.js";
import type { RewriteContext } from "../../../../src/bgp/policy/rules/rewrite.js";
import type { DefaultVerdict, PolicySettings } from "../../../../src/bgp/policy/rules/settings.js";
import { AttrStore } from "../../../../src/bgp/rib/attr-store.js";
import { HOLD_REASONS } from "../../../../src/bgp/rib/hold.js";

/** What rules read and write of an attribute set. */
export interface Attributes {
  readonly nextHop: string;
  readonly asPath: readonly number[];
  readonly med: number | undefined;
  readonly localPref: number | undefined;
  readonly communities: readonly string[];
  readonly extended: readonly string[];
  readonly large: readonly string[];
}

export interface Route extends Attributes {
  readonly family: Family;
  readonly nlri: DecodedNlri;
  readonly from: RouteSource;
  /** VNI of the PMSI tunnel. */
  readonly pmsi: number | undefined;
}

export const CONTEXT: RewriteContext = {
  localAs: 65000,
  self: parseIp("192.0.2.254"),
  ebgp: true,
};

export function macRoute(
  over: Partial<Record<keyof MacFields, string | number>> = {},
): DecodedNlri {
  const { rd, esi, tag, mac, ip, vni } = { ...MAC, ...over } as MacFields;
  const octets = ip === "" ? 0 : parseIp(ip)!.length;
  return {
    type: 2,
    rd: `0:${rd}`,
    esi,
    ethTag: tag,
    macLen: 48,
    mac,
    ipLen: octets * 8,
    ip: ip === "" ? null : ip,
    label1: labelOf(vni),
    label2: null,
  };
}

interface MacFields {
  rd: string;
  esi: string;
  tag: number;
  mac: string;
  ip: string;
  vni: number;
}

const MAC: MacFields = {
  rd: "65000:1",
  esi: "0".repeat(20),
  tag: 0,
  mac: "52:54:00:12:34:56",
  ip: "",
  vni: 100,
};

/** An EVPN MAC route of an iBGP client; give what differs. */
export function route(over: Partial<Route> = {}): Route {
  return {
    family: Family.Evpn,
    nlri: macRoute(),
    nextHop: "192.0.2.1",
    from: { address: "10.0.0.1", groups: [] },
    asPath: [],
    med: undefined,
    localPref: 100,
    communities: [],
    extended: [],
    large: [],
    pmsi: undefined,
    ...over,
  };
}

export interface Verdict extends Attributes {
  readonly verdict: string;
  /** Index of the rule that decided; -1 for the default. */
  readonly rule: number;
}

/** A chain with a store of its own. */
export class Rules {
  readonly attrs = new AttrStore();
  readonly chain: Chain;
  readonly made: number[] = [];

  constructor(
    policies: readonly PolicySettings[],
    fallback: DefaultVerdict = "accept",
    context: RewriteContext = CONTEXT,
  ) {
    this.chain = new Chain("", policies, fallback, context, this.attrs, (attr) => {
      this.made.push(attr);
    });
  }

  /** The set's id, with a reference. */
  intern(one: Route): number {
    const nextHop = nextHopOf(one);
    const attributes = encodeAttributes(attributesOf(one));
    const bytes = Buffer.concat([nextHop, attributes]);
    return this.attrs.intern(one.family, nextHop.length, bytes, 0, bytes.length);
  }

  /** What the rules make of it; attributes as received when it is not accepted. */
  decide(one: Route): Verdict {
    const attr = this.intern(one);
    const nlri = encodeNlri(one.family, one.nlri);
    // Somewhere in the middle, as in the table.
    const bytes = Buffer.concat([Buffer.from("ffff", "hex"), nlri, Buffer.from("ff", "hex")]);
    const { chain } = this;
    chain.evaluate(attr, one.family, bytes, 2, chain.maskFor(one.from));
    const { attr: result, hold, rule } = chain;
    const verdict =
      result !== 0
        ? "accept"
        : HOLD_REASONS[hold]!.includes("quarantine")
          ? "quarantine"
          : "reject";
    const shown = this.read(result === 0 ? attr : result);
    for (const made of this.made.splice(0)) this.attrs.release(made);
    this.attrs.release(attr);
    return { verdict, rule: rule === NO_RULE ? -1 : rule, ...shown };
  }

  read(attr: number): Attributes {
    const { attrs } = this;
    const list = decodeAttributes(
      attrs.bytes,
      attrs.attributesStart(attr),
      attrs.attributesEnd(attr),
    );
    const codes = list.map(({ code }) => code);
    if (codes.some((code, i) => i > 0 && code <= codes[i - 1]!)) {
      throw new Error(`not in canonical order: ${codes.join(" ")}`);
    }
    return {
      nextHop: formatNextHop(attrs, attr),
      asPath: (findAttribute(list, 2) ?? []).flatMap(({ asns }) => asns),
      med: findAttribute(list, 4),
      localPref: findAttribute(list, 5),
      communities: findAttribute(list, 8) ?? [],
      extended: findAttribute(list, 16) ?? [],
      large: findAttribute(list, 32) ?? [],
    };
  }
}

function attributesOf(one: Route): DecodedAttribute[] {
  const list = [makeAttribute(1, "IGP")];
  list.push(
    makeAttribute(2, one.asPath.length === 0 ? [] : [{ segment: "AS_SEQUENCE", asns: one.asPath }]),
  );
  if (one.med !== undefined) list.push(makeAttribute(4, one.med));
  if (one.localPref !== undefined) list.push(makeAttribute(5, one.localPref));
  if (one.communities.length > 0) list.push(makeAttribute(8, one.communities));
  if (one.extended.length > 0) list.push(makeAttribute(16, one.extended));
  if (one.pmsi !== undefined) {
    const tunnel = { flags: 0, tunnelType: 6, label: labelOf(one.pmsi), tunnelId: one.nextHop };
    list.push(makeAttribute(22, tunnel));
  }
  if (one.large.length > 0) list.push(makeAttribute(32, one.large));
  return list;
}

function isVpn(family: Family): boolean {
  return family === Family.Ipv4Vpn || family === Family.Ipv6Vpn;
}

function nextHopOf({ family, nextHop }: Route): Uint8Array {
  const address = parseIp(nextHop)!;
  return isVpn(family) ? Buffer.concat([new Uint8Array(8), address]) : address;
}

function formatNextHop(attrs: AttrStore, attr: number): string {
  const skip = isVpn(attrs.family(attr)) ? 8 : 0;
  const length = attrs.nextHopLength(attr) - skip;
  return formatIp(attrs.bytes, attrs.nextHopStart(attr) + skip, length);
}
