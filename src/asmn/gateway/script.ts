/**
 * The gateway's table as a script for nftables: whoever reads it sees the policy. It replaces the table as a whole,
 * in one transaction. How a packet goes:
 *
 *   forward -> check -> to and from secem      always, the way that leads there, within limits
 *                    -> source, target         an end that is not open now: closed
 *                    -> origin                 an address on the wrong interface: spoofed
 *                    -> port, protocol, pair   what the catalog names, each with its limits -> pass
 *                    -> answers                to what it names: no SYN, no request, of UDP what was asked for
 *                    -> abnormal               dropped, or lowered: DSCP, slow class or slow limit -> pass
 *
 * Limits are policing: what is above is dropped. The kernel's limit holds one second of the rate beside the
 * burst. A rule looks at the packet alone, so that it acts on connections that were there before it; the
 * connection tracker is used only where a catalog limits connections, by `ct count`, and where answers have ports
 * but no flag that tells them from what begins something (UDP and its like).
 */
import {
  BACK,
  addressType,
  elementText,
  familyOf,
  FORTH,
  FRAGMENT,
  header,
  keyText,
  KEYS,
  keyType,
} from "./keys.js";
import {
  CLASS_LOWERED,
  COUNTERS,
  FAMILIES,
  OPEN,
  OPEN_WIDE,
  TRACKING,
  VOLUME_OUT,
  VOLUME_PAIRS,
  type Family,
} from "./names.js";
import { hasPorts, type ExactMatch, type Limits, type Policy, type WideMatch } from "./policy.js";
import type { GatewayRules } from "./settings.js";
import { TCP, WITH_PORTS, type CatalogEntry } from "../catalog/index.js";
import type { Volumes } from "./volumes.js";

export interface ScriptInput {
  readonly rules: GatewayRules;
  /** No catalog: nothing passes but the Sec-EM. */
  readonly action: "closed" | "drop" | "lower";
  readonly policy: Policy;
  readonly entries: readonly CatalogEntry[];
  /** Interfaces that have the slow class. */
  readonly shaped: readonly string[];
  /** The kernel can track connections for us. */
  readonly tracked: boolean;
  readonly volumes: Volumes;
  /** Interface -> addresses and prefixes that may come from there. */
  readonly homes: ReadonlyMap<string, readonly string[]>;
}

/** Behind other people's filters, whose drops are to count first. */
const PRIORITY = 10;
const ONLY_SYN = "tcp flags & (syn | ack) == syn";
const ANSWERS_4 =
  "{ echo-reply, destination-unreachable, time-exceeded, parameter-problem, timestamp-reply }";
const ANSWERS_6 =
  "{ echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem }";
const ERRORS_4 = "{ destination-unreachable, time-exceeded, parameter-problem }";
const ERRORS_6 = "{ destination-unreachable, packet-too-big, time-exceeded, parameter-problem }";
/** Of ICMP errors from one end to another. */
const ERRORS_PER_SECOND = 100;
/** SYN, and octets, from one address to the Sec-EM, and back to it. */
const SECEM_LIMITS: Readonly<Record<string, string>> = {
  opens: "rate over 20/second burst 20 packets",
  octets: "rate over 2000000 bytes/second",
  back: "rate over 10000000 bytes/second",
};
/** By an interface that does not lead back to where the packet says it is from. */
const WRONG_WAY = "fib saddr . iif oif missing goto spoofed";
const MOST_SOURCES = 65_536;
/** Protocols with ports whose answers look like what begins something. */
const FLAGLESS = WITH_PORTS.filter((protocol) => protocol !== TCP);
/** As many as a policy has flows; a set that has limits with its elements has to say. */
const MOST_LIMITED = 65_536;

/** The whole table, with nobody let in. */
export function tableScript(input: ScriptInput): string {
  return new TableScript(input).lines();
}

class TableScript {
  private readonly input: ScriptInput;
  private readonly table: string;
  private readonly out: string[] = [];

  constructor(input: ScriptInput) {
    this.input = input;
    this.table = `inet ${input.rules.table}`;
  }

  lines(): string {
    const { table } = this;
    this.out.push(`add table ${table}`, `delete table ${table}`, `add table ${table}`);
    for (const name of COUNTERS) this.out.push(`add counter ${table} ${name}`);
    const ports = this.input.rules.interfaces.map(({ name }) => JSON.stringify(name));
    this.set("ports", "type ifname", ports);
    for (const chain of ["check", "closed", "spoofed", "policed", "abnormal", "pass"]) {
      this.out.push(`add chain ${table} ${chain}`);
    }
    this.out.push(
      `add chain ${table} forward { type filter hook forward priority ${PRIORITY}; policy accept; }`,
    );
    for (const family of FAMILIES) this.sets(family);
    this.limits();
    for (const name of ["closed", "spoofed", "policed"]) {
      this.rule(name, `counter name ${name} drop`);
    }
    this.pass();
    this.abnormal();
    for (const family of FAMILIES) this.check(family);
    for (const way of ["iifname", "oifname"]) this.rule("forward", `${way} @ports goto check`);
    this.out.push("");
    return this.out.join("\n");
  }

  private sets(family: Family): void {
    const { policy, rules, homes, volumes } = this.input;
    const type = addressType(family);
    const mine = (places: readonly string[]) => places.filter((one) => familyOf(one) === family);
    const known = mine(policy.known);
    const flags = "flags interval; auto-merge";
    this.set(`known${family}`, `type ${type}`, known.filter(isExact));
    this.set(`known_wide${family}`, `type ${type}; ${flags}`, known.filter(isWide));
    this.set(`${OPEN}${family}`, `type ${type}; flags timeout`, []);
    this.set(`${OPEN_WIDE}${family}`, `type ${type}; flags interval, timeout`, []);
    this.set(`networks${family}`, `type ${type}; ${flags}`, mine(policy.networks));
    const secEm = rules.secEm.filter(({ address }) => familyOf(address) === family);
    const doors = secEm.map(({ address, port }) => `${address} . ${port}`);
    this.set(`secem${family}`, `type ${type} . inet_service`, doors);
    for (const name of ["opens", "octets", "back"]) {
      const dynamic = `flags dynamic, timeout; timeout 10s; size ${MOST_SOURCES}`;
      for (const who of ["secem_", "secem_known_"]) {
        this.set(`${who}${name}${family}`, `type ${type}; ${dynamic}`, []);
      }
    }
    const bound = [...homes].flatMap(([name, places]) =>
      mine(places).flatMap((place) => (isExact(place) ? [{ name, place }] : [])),
    );
    this.set(`bound${family}`, `type ${type}`, [...new Set(bound.map(({ place }) => place))]);
    this.set(
      `homes${family}`,
      `type ifname . ${type}`,
      bound.map(({ name, place }) => `${JSON.stringify(name)} . ${place}`),
    );
    const pairs = volumes.pairs.filter(({ from }) => familyOf(from) === family);
    const twice = `type ${type} . ${type}; counter`;
    this.set(
      `${VOLUME_PAIRS}${family}`,
      twice,
      pairs.map(({ from, to }) => `${from} . ${to}`),
    );
    this.set(`${VOLUME_OUT}${family}`, `type ${type}; counter`, mine(volumes.out));
    const related = policy.exact.filter(({ from }) => familyOf(from) === family);
    const ends = related.flatMap(({ from, to }) => [`${from} . ${to}`, `${to} . ${from}`]);
    this.set(`related${family}`, `type ${type} . ${type}`, [...new Set(ends)]);
    this.matches(family, related);
  }

  private matches(family: Family, all: readonly ExactMatch[]): void {
    for (const spec of KEYS) {
      const those = all.filter(({ kind }) => kind === spec.kind);
      if (those.length === 0) continue;
      const type = `type ${keyType(spec, family)}`;
      this.set(`${spec.kind}${family}`, `${type}; counter`, those.map(elementText));
    }
  }

  /**
   * Limits stand with the elements of a set, one set for each kind of match: tens of thousands load in no time. Only
   * what two kinds of match share (a flow and its later fragments), and what rules name, are objects.
   */
  private limits(): void {
    const { policy } = this.input;
    const objects = new Set([...policy.shared, ...policy.wide.map(({ limits }) => limits)]);
    for (const index of objects) {
      const limits = index === undefined ? undefined : policy.limits[index];
      for (const [name, what] of limits === undefined ? [] : limitTexts(limits)) {
        this.out.push(`add limit ${this.table} ${name}_${index} { ${what}; }`);
      }
    }
    for (const family of FAMILIES) {
      for (const spec of KEYS) this.limited(family, spec);
    }
    policy.wide.forEach((match, index) => {
      const chain = `wide_${index}`;
      this.out.push(`add counter ${this.table} ${chain}`, `add chain ${this.table} ${chain}`);
      this.rule(chain, `counter name ${chain}`);
      const limits = match.limits === undefined ? undefined : policy.limits[match.limits];
      for (const [name] of limits === undefined ? [] : limitTexts(limits)) {
        const which = name === "opens" ? `${ONLY_SYN} ` : "";
        this.rule(chain, `${which}limit name ${name}_${match.limits} goto policed`);
      }
      this.rule(chain, "goto pass");
    });
  }

  private limited(family: Family, spec: (typeof KEYS)[number]): void {
    const { policy } = this.input;
    const those = policy.exact.filter(
      ({ kind, from }) => kind === spec.kind && familyOf(from) === family,
    );
    if (those.length === 0) return;
    const chain = `${spec.kind}_limits${family}`;
    const key = keyText(spec, family);
    this.out.push(`add chain ${this.table} ${chain}`);
    const type = `type ${keyType(spec, family)}`;
    for (const name of ["opens", "packets", "octets"] as const) {
      const own: string[] = [];
      const shared: string[] = [];
      for (const match of those) {
        const limits = policy.limits[match.limits ?? -1];
        const text = limits && limitTexts(limits).find(([one]) => one === name)?.[1];
        if (text === undefined || (name === "opens" && spec === FRAGMENT)) continue;
        if (!policy.shared.has(match.limits ?? -1)) own.push(`${elementText(match)} limit ${text}`);
        else shared.push(`${elementText(match)} : "${name}_${match.limits}"`);
      }
      const set = `${spec.kind}_${name}${family}`;
      const which = name === "opens" ? `${ONLY_SYN} ` : "";
      if (own.length > 0) {
        this.set(set, `${type}; flags dynamic; size ${MOST_LIMITED}`, own);
        this.rule(chain, `${which}${key} @${set} goto policed`);
      }
      if (shared.length > 0) {
        this.set(`${set}_shared`, `${type} : limit`, shared, "map");
        this.rule(chain, `${which}limit name ${key} map @${set}_shared goto policed`);
      }
    }
    this.connections(family, spec, those, chain);
    this.rule(chain, "goto pass");
  }

  /** One rule for each number of connections that some flow is held to. */
  private connections(
    family: Family,
    spec: (typeof KEYS)[number],
    those: readonly ExactMatch[],
    chain: string,
  ): void {
    const groups = new Map<number, string[]>();
    for (const match of those) {
      const most = this.input.policy.limits[match.limits ?? -1]?.connections;
      if (most === undefined) continue;
      groups.set(most, [...(groups.get(most) ?? []), elementText(match)]);
    }
    const key = keyText(spec, family);
    for (const [most, elements] of groups) {
      const name = `${spec.kind}_${most}_connections${family}`;
      this.set(name, `type ${keyType(spec, family)}`, elements);
      const dynamic = `flags dynamic; size ${MOST_SOURCES}`;
      this.set(`${name}_now`, `type ${keyType(spec, family)}; ${dynamic}`, []);
      const count = `add @${name}_now { ${key} ct count over ${most} }`;
      this.rule(chain, `${ONLY_SYN} ${key} @${name} ${count} goto policed`);
    }
  }

  private check(family: Family): void {
    const { action, homes } = this.input;
    const [chain, ip] = [`check${family}`, header(family)];
    this.out.push(`add chain ${this.table} ${chain}`);
    this.rule("check", `meta nfproto ipv${family} goto ${chain}`);
    this.secEm(family, chain);
    if (action === "closed") {
      this.rule(chain, "goto closed");
      return;
    }
    for (const [end, field] of [
      ["source", "saddr"],
      ["target", "daddr"],
    ]) {
      const name = `${end}${family}`;
      this.out.push(`add chain ${this.table} ${name}`);
      this.rule(name, `${ip} ${field} @${OPEN}${family} return`);
      this.rule(name, `${ip} ${field} @known${family} goto closed`);
      this.rule(name, `${ip} ${field} @${OPEN_WIDE}${family} return`);
      this.rule(name, `${ip} ${field} @known_wide${family} goto closed`);
      this.rule(name, `${ip} ${field} @networks${family} return`);
      this.rule(name, "goto closed");
      this.rule(chain, `jump ${name}`);
    }
    if (homes.size > 0) this.origin(family, chain);
    this.later(family, chain);
    const [first, ...others] = FORTH;
    if (first !== undefined) this.exact(family, chain, first);
    this.wide(family, chain, "forth");
    for (const spec of others) this.exact(family, chain, spec);
    this.answersOnly(family, chain);
    for (const spec of BACK) this.exact(family, chain, spec);
    this.wide(family, chain, "answers");
    this.rule(chain, "goto abnormal");
  }

  /**
   * Fragments behind the first one have no transport header, and the kernel does not always notice: nothing
   * that looks at one may see them.
   */
  private later(family: Family, chain: string): void {
    const name = `later${family}`;
    this.out.push(`add chain ${this.table} ${name}`);
    const isLater = family === 4 ? "ip frag-off & 0x1fff != 0" : "frag frag-off != 0";
    this.rule(chain, `${isLater} goto ${name}`);
    this.exact(family, name, FRAGMENT);
    this.wide(family, name, "fragments");
    for (const spec of [...FORTH, ...BACK]) {
      if (!spec.fields.some((field) => field.startsWith("th "))) this.exact(family, name, spec);
    }
    this.rule(name, "goto abnormal");
  }

  private exact(family: Family, chain: string, spec: (typeof KEYS)[number]): void {
    const some = this.input.policy.exact.some(
      ({ kind, from }) => kind === spec.kind && familyOf(from) === family,
    );
    if (!some) return;
    const match = `${keyText(spec, family)} @${spec.kind}${family}`;
    this.rule(chain, `${match} goto ${spec.kind}_limits${family}`);
  }

  /** Before trust and origin: so neither end may be forged, nor flood the other. */
  private secEm(family: Family, chain: string): void {
    const [ip, name, back] = [header(family), `to_secem${family}`, `from_secem${family}`];
    if (!this.input.rules.secEm.some(({ address }) => familyOf(address) === family)) return;
    const [source, target] = [`${ip} saddr`, `${ip} daddr`];
    for (const [one, end] of [
      [name, source],
      [back, target],
    ] as const) {
      this.out.push(`add chain ${this.table} ${one}`, `add chain ${this.table} ${one}_known`);
      this.rule(one, WRONG_WAY);
      this.rule(one, `${end} @known${family} goto ${one}_known`);
    }
    // Strangers, however many, take no VNF's place; those who find none share one limit, and are counted.
    for (const [tail, set] of [
      ["", "secem_"],
      ["_known", "secem_known_"],
    ] as const) {
      this.each(`${name}${tail}`, `${ONLY_SYN} `, `${set}opens`, family, source);
      this.each(`${name}${tail}`, "", `${set}octets`, family, source);
      this.each(`${back}${tail}`, "", `${set}back`, family, target);
      for (const one of [name, back]) this.rule(`${one}${tail}`, "counter name secem accept");
    }
    this.rule(chain, `${ip} daddr . tcp dport @secem${family} goto ${name}`);
    const answers = `${ip} saddr . tcp sport @secem${family} tcp flags & (syn | ack) != syn`;
    this.rule(chain, `${answers} goto ${back}`);
  }

  /** A limit for each address; a set that is full takes none, and what is not in it then has one limit together. */
  private each(chain: string, which: string, name: string, family: Family, end: string): void {
    const { out, table } = this;
    const [set, limit] = [`${name}${family}`, SECEM_LIMITS[name.replace(/^.*_/, "")]];
    const excess = "counter name secem_excess drop";
    out.push(`add limit ${table} ${set} { ${limit}; }`);
    this.rule(chain, `${which}update @${set} { ${end} limit ${limit} } ${excess}`);
    this.rule(
      chain,
      `${which}${end} != @${set} counter name secem_crowd limit name ${set} ${excess}`,
    );
  }

  /** An address that is at home somewhere comes from there, and from there nothing else comes. */
  private origin(family: Family, chain: string): void {
    const { homes } = this.input;
    const [ip, name] = [header(family), `origin${family}`];
    this.out.push(`add chain ${this.table} ${name}`);
    this.rule(name, `iifname . ${ip} saddr @homes${family} return`);
    this.rule(name, `${ip} saddr @bound${family} goto spoofed`);
    for (const [port, places] of homes) {
      const wide = places.filter((one) => isWide(one) && familyOf(one) === family);
      if (wide.length > 0) {
        const within = `${ip} saddr { ${wide.join(", ")} }`;
        this.rule(name, `iifname ${JSON.stringify(port)} ${within} return`);
        this.rule(name, `${within} goto spoofed`);
      }
    }
    for (const port of homes.keys()) {
      this.rule(name, `iifname ${JSON.stringify(port)} goto spoofed`);
    }
    this.rule(chain, `jump ${name}`);
  }

  /** What begins something goes no further; errors about what is named pass, few of them. */
  private answersOnly(family: Family, chain: string): void {
    const [icmp, ip] = [family === 4 ? "icmp" : "icmpv6", header(family)];
    const [answers, errors] = family === 4 ? [ANSWERS_4, ERRORS_4] : [ANSWERS_6, ERRORS_6];
    this.rule(chain, `${ONLY_SYN} goto abnormal`);
    this.rule(chain, `${icmp} type != ${answers} goto abnormal`);
    const ends = `${ip} saddr . ${ip} daddr @related${family}`;
    const few = `limit rate ${ERRORS_PER_SECOND}/second`;
    this.rule(chain, `${icmp} type ${errors} ${ends} ${few} goto pass`);
    for (const match of this.input.policy.wide) {
      const [from, to] = [places(match.from, family), places(match.to, family)];
      if (from === undefined || to === undefined) continue;
      const about = `${icmp} type ${errors} ${ip} saddr ${to} ${ip} daddr ${from}`;
      this.rule(chain, `${about} ${few} goto pass`);
    }
    if (!this.input.tracked || !this.hasFlaglessAnswers(family)) return;
    this.rule(chain, `meta l4proto { ${FLAGLESS.join(", ")} } ${TRACKING} goto abnormal`);
  }

  private hasFlaglessAnswers(family: Family): boolean {
    const { policy, entries } = this.input;
    const isOne = (protocol: number | undefined) =>
      protocol === undefined || FLAGLESS.includes(protocol);
    return (
      policy.exact.some(
        ({ kind, from, protocol }) =>
          BACK.some((spec) => spec.kind === kind) && familyOf(from) === family && isOne(protocol),
      ) || policy.wide.some(({ answer, entry }) => answer && isOne(entries[entry]?.protocol))
    );
  }

  private wide(family: Family, chain: string, which: "forth" | "answers" | "fragments"): void {
    const { policy, entries } = this.input;
    const ip = header(family);
    const rules = policy.wide.flatMap((match, index) => {
      const [from, to] = [places(match.from, family), places(match.to, family)];
      const entry = entries[match.entry];
      const isMeant = which === "fragments" || match.answer === (which === "answers");
      if (!isMeant || from === undefined || to === undefined || entry === undefined) return [];
      const protocol = entry.protocol === undefined ? "" : ` meta l4proto ${entry.protocol}`;
      const ends = `${ip} saddr ${from} ${ip} daddr ${to}${protocol}`;
      const end = match.answer ? "sport" : "dport";
      const { ports } = entry;
      const hasNone = which === "fragments" || ports === undefined || !hasPorts(entry.protocol);
      const port = hasNone ? "" : ` th ${end} ${ports.first}-${ports.last}`;
      // The narrower first: a port before all ports, a protocol before every one.
      const order = entry.protocol === undefined ? 2 : ports === undefined ? 1 : 0;
      return [{ order, text: `${ends}${port} goto wide_${index}` }];
    });
    rules.sort((a, b) => a.order - b.order);
    for (const { text } of rules) this.rule(chain, text);
  }

  private abnormal(): void {
    const { action, shaped, rules } = this.input;
    const { dscp, rate, burst } = rules.lower;
    const drop = "counter name abnormal drop";
    if (action !== "lower") {
      this.rule("abnormal", drop);
      return;
    }
    const octets = Math.max(1, Math.floor(rate / 8));
    const limit = `{ rate over ${octets} bytes/second burst ${burst} bytes; }`;
    for (const family of FAMILIES) {
      const [ip, open] = [header(family), `${OPEN}${family}`];
      // Between networks nobody here is answerable for it.
      this.rule(
        "abnormal",
        `${ip} saddr != @${open} ${ip} daddr != @${open} ${ip} saddr != @${OPEN_WIDE}${family} ` +
          `${ip} daddr != @${OPEN_WIDE}${family} ${drop}`,
      );
      this.rule("abnormal", `${ip} dscp set ${dscp}`);
    }
    for (const name of shaped) {
      const slow = `meta priority set ${CLASS_LOWERED} counter name lowered goto pass`;
      this.rule("abnormal", `oifname ${JSON.stringify(name)} ${slow}`);
    }
    const excess = "counter name slowed drop";
    for (const [index, { name }] of rules.interfaces.entries()) {
      if (shaped.includes(name)) continue;
      this.out.push(`add limit ${this.table} slow_${index} ${limit}`);
      this.rule("abnormal", `oifname ${JSON.stringify(name)} limit name slow_${index} ${excess}`);
    }
    this.out.push(`add limit ${this.table} slow ${limit}`);
    this.rule("abnormal", `oifname != @ports limit name slow ${excess}`);
    this.rule("abnormal", "counter name lowered goto pass");
  }

  /** What gets through, counted where an alarm wants to know. */
  private pass(): void {
    const { volumes } = this.input;
    for (const family of FAMILIES) {
      const ip = header(family);
      if (volumes.pairs.some(({ from }) => familyOf(from) === family)) {
        this.rule("pass", `${ip} saddr . ${ip} daddr @${VOLUME_PAIRS}${family}`);
      }
      if (volumes.out.some((from) => familyOf(from) === family)) {
        const outside = `${ip} daddr != @known${family} ${ip} daddr != @known_wide${family}`;
        this.rule("pass", `${outside} ${ip} saddr @${VOLUME_OUT}${family}`);
      }
    }
    this.rule("pass", "accept");
  }

  private set(
    name: string,
    spec: string,
    elements: readonly string[],
    what: "set" | "map" = "set",
  ): void {
    this.out.push(`add ${what} ${this.table} ${name} { ${spec}; }`);
    if (elements.length === 0) return;
    // One a line: where nft complains of one, the line tells which.
    this.out.push(`add element ${this.table} ${name} {`, `${elements.join(",\n")}`, "}");
  }

  private rule(chain: string, text: string): void {
    this.out.push(`add rule ${this.table} ${chain} ${text}`);
  }
}

function limitTexts(limits: Limits): ["opens" | "packets" | "octets", string][] {
  const { rate, burst, packets, opens } = limits;
  const texts: ["opens" | "packets" | "octets", string][] = [];
  if (opens !== undefined) texts.push(["opens", perSecond(opens)]);
  if (packets !== undefined) texts.push(["packets", perSecond(packets)]);
  if (rate !== undefined) texts.push(["octets", octetsPerSecond(rate, burst)]);
  return texts;
}

/** A tenth of a second's worth may come at once. */
function perSecond(packets: number): string {
  return `rate over ${packets}/second burst ${Math.max(5, Math.ceil(packets / 10))} packets`;
}

/** Octets, never `kbytes`: those are 1,024 octets each, and rates are decimal. */
function octetsPerSecond(bits: number, burst: number): string {
  return `rate over ${Math.max(1, Math.floor(bits / 8))} bytes/second burst ${burst} bytes`;
}

function places(of: WideMatch["from"], family: Family): string | undefined {
  const those = of.filter((one) => familyOf(one) === family);
  return those.length === 0 ? undefined : `{ ${those.join(", ")} }`;
}

function isExact(place: string): boolean {
  return !place.includes("/");
}

function isWide(place: string): boolean {
  return place.includes("/");
}
