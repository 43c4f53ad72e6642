/**
 * The rules that make tunnels fail closed, as a script for nftables. Protected prefixes are those behind the
 * far ends. A packet for one of them leaves through a tunnel or not at all, and a packet that says it is from
 * one of them came through a tunnel or is dropped. The kernel holds the rules: they need neither the IKE
 * daemon nor us to be alive.
 *
 * A tunnel is an interface of the IKE daemon's (userland ESP), an interface that tunnels are bound to, or the
 * kernel's own IPsec, which nftables sees on the route out and on the path in.
 *
 * The same table clamps the segment size of TCP through tunnels (RFC 4459 section 3.2), where that is asked for.
 */
export const GUARD_TABLE = "evpnd_guard";

/** Behind other people's filters and translations, so that the last word on where a packet goes is seen. */
const OUT_PRIORITY = 300;
const IN_PRIORITY = -310;
const CLAMP_PRIORITY = -150;

/** Devices of userland ESP. */
const DAEMON_INTERFACES = "ipsec*";

/** What a tunnel is, and what passes it. */
export interface GuardWays {
  /** Names of interfaces that are tunnels, beside the daemon's; `*` at the end is a wildcard. */
  readonly interfaces: readonly string[];
  /** Largest segments of TCP over IPv4 and IPv6, octets; undefined = as they come. */
  readonly segment?: { readonly four: number; readonly six: number } | undefined;
}

export interface GuardContents extends GuardWays {
  /** Canonical prefixes of either family. */
  readonly prefixes: readonly string[];
}

/**
 * Puts the table in place, or replaces its rules; one transaction. Prefixes are added to those that are there;
 * with `replace` they take their place.
 */
export function guardScript(contents: GuardContents, replace = false): string {
  const { prefixes, interfaces } = contents;
  const four = prefixes.filter((prefix) => !prefix.includes(":"));
  const six = prefixes.filter((prefix) => prefix.includes(":"));
  const table = `inet ${GUARD_TABLE}`;
  const chains = ["leave", "arrive", "forward", "output", "prerouting", "clamp"];
  const tunnels = [DAEMON_INTERFACES, ...interfaces].map((name) => JSON.stringify(name));
  return [
    `add table ${table}`,
    `add set ${table} remote4 { type ipv4_addr; flags interval; auto-merge; }`,
    `add set ${table} remote6 { type ipv6_addr; flags interval; auto-merge; }`,
    `add chain ${table} leave`,
    `add chain ${table} arrive`,
    hook(table, "forward", "forward", OUT_PRIORITY),
    hook(table, "output", "output", OUT_PRIORITY),
    hook(table, "prerouting", "prerouting", IN_PRIORITY),
    hook(table, "clamp", "forward", CLAMP_PRIORITY),
    ...chains.map((chain) => `flush chain ${table} ${chain}`),
    ...tunnels.map((name) => `add rule ${table} leave oifname ${name} return`),
    `add rule ${table} leave rt ipsec exists return`,
    `add rule ${table} leave ip daddr @remote4 counter drop`,
    `add rule ${table} leave ip6 daddr @remote6 counter drop`,
    ...tunnels.map((name) => `add rule ${table} arrive iifname ${name} return`),
    `add rule ${table} arrive meta secpath exists return`,
    `add rule ${table} arrive ip saddr @remote4 counter drop`,
    `add rule ${table} arrive ip6 saddr @remote6 counter drop`,
    `add rule ${table} forward jump leave`,
    `add rule ${table} output oifname "lo" return`,
    // The far gateway may itself be within what is protected: what makes the tunnel is let through.
    `add rule ${table} output meta l4proto { esp, ah } return`,
    `add rule ${table} output udp sport { 500, 4500 } udp dport { 500, 4500 } return`,
    `add rule ${table} output jump leave`,
    `add rule ${table} prerouting iifname "lo" return`,
    `add rule ${table} prerouting fib daddr type local meta l4proto { esp, ah } return`,
    `add rule ${table} prerouting fib daddr type local udp sport { 500, 4500 } udp dport { 500, 4500 } return`,
    `add rule ${table} prerouting jump arrive`,
    ...clampRules(table, tunnels, contents),
    ...(replace ? [`flush set ${table} remote4`, `flush set ${table} remote6`] : []),
    ...elements(table, "remote4", four),
    ...elements(table, "remote6", six),
    "",
  ].join("\n");
}

/** Both directions: the far end may be a box that clamps nothing. Sizes are only ever lowered. */
function clampRules(table: string, tunnels: readonly string[], { segment }: GuardWays): string[] {
  if (segment === undefined) return [];
  const ways = [
    ...tunnels.flatMap((name) => [`oifname ${name}`, `iifname ${name}`]),
    "rt ipsec exists",
    "meta secpath exists",
  ];
  const sizes = [
    ["ipv4", segment.four],
    ["ipv6", segment.six],
  ] as const;
  return ways.flatMap((way) =>
    sizes.map(
      ([family, size]) =>
        `add rule ${table} clamp ${way} meta nfproto ${family} tcp flags syn tcp option maxseg size set ${size}`,
    ),
  );
}

function hook(table: string, name: string, at: string, priority: number): string {
  return `add chain ${table} ${name} { type filter hook ${at} priority ${priority}; policy accept; }`;
}

function elements(table: string, set: string, prefixes: readonly string[]): string[] {
  if (prefixes.length === 0) return [];
  return [`add element ${table} ${set} { ${prefixes.join(", ")} }`];
}
