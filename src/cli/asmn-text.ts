/** Tables of `evpnctl asmn`, within 80 columns. */
import type {
  CatalogAnswer,
  CatalogDiffAnswer,
  GateAnswer,
  GatedPeersAnswer,
  GatewayAnswer,
  GrantAnswer,
  InstanceAnswer,
  LineAnswer,
  SecEmAnswer,
  TrafficGatewayAnswer,
  TrustStatusAnswer,
} from "./asmn-wire.js";
import { formatAge, formatFields, formatTable, shorten, wrap } from "./text.js";

const NAME = 22;

/** Sentences, each a paragraph of its own under a word. */
function sentences(word: string, list: readonly string[], width: number): string {
  return list.map((one) => wrap(one, width, " ".repeat(word.length + 2), `${word}: `)).join("");
}

export function statusText(answer: TrustStatusAnswer, width: number, now: number): string {
  const { secEm, gate, gateway, notTrusted, gated } = answer;
  const untrusted = notTrusted.map((row) => `${scopeText(row)} is ${row.state}: ${row.reason}`);
  const kept = gated.map(({ address, state, effect, spared, reason }) => {
    const done = spared === undefined ? effect : `would ${spared}`;
    return `${address}, ${state}, ${done}: ${reason}`;
  });
  const parts = [
    ...(secEm === undefined
      ? []
      : [secEmText(secEm, width, now) + sentences("Not trusted", untrusted, width)]),
    ...(gate === undefined ? [] : [gateText(gate, width, now) + sentences("Gated", kept, width)]),
    ...(gateway === undefined ? [] : [gatewayText(gateway, width, now)]),
  ];
  return parts.length === 0 ? "No part of the trust checks runs here.\n" : parts.join("\n");
}

/** Whether anything there wants somebody's attention. */
export function isUnwell({ secEm, gate, gateway }: TrustStatusAnswer): boolean {
  const alarms = [...(secEm?.alarms ?? []), ...(gateway?.problems ?? [])];
  const open = gateway?.alarms.some(({ until }) => until === undefined) === true;
  const silent = gate?.sources.some(({ state }) => state !== "alive") === true;
  return alarms.length > 0 || open || silent || gateway?.state === "failing";
}

function secEmText(secEm: SecEmAnswer, width: number, now: number): string {
  const { name, epoch, revocation, instances, feeds, counters, alarms, refusals } = secEm;
  const refused = refusals.map(({ address, subject, reason, times, at }) => {
    const claimed = subject === "" ? "" : ` as ${subject}`;
    return `${address}${claimed}, ${times} times, ${formatAge(now - at)} ago: ${reason}`;
  });
  const states = Object.entries(instances).map(([state, count]) => `${count} ${state}`);
  const { enrolments = 0, renewals = 0, renewalsRefused = 0, clones = 0 } = counters;
  const at = (list: SecEmAnswer["listening"]): string =>
    list.map(({ address, port }) => `${address} port ${port}`).join(", ");
  return (
    formatFields(
      [
        ["Sec-EM", `${name}, epoch ${epoch}, last revocation ${revocation}`],
        ["Agents at", at(secEm.listening) || "nowhere"],
        ["Feed at", at(secEm.feedListening)],
        ["Instances", states.join(", ")],
        [
          "Proofs",
          `${enrolments} enrolled, ${renewals} renewed, ${renewalsRefused} refused, ${clones} clones`,
        ],
        ["Listeners", feeds.map((feed) => `${feed.kind} ${feed.name}`).join(", ") || "none"],
      ],
      width,
    ) +
    sentences("Alarm", alarms, width) +
    sentences("Refused", refused, width)
  );
}

function gateText(gate: GateAnswer, width: number, now: number): string {
  const sources = gate.sources.map((source) => {
    const { name, link, why, state, secondsSinceHeartbeat, refused, lastRefusal } = source;
    const heard =
      secondsSinceHeartbeat === undefined
        ? "never heard"
        : `heard ${secondsSinceHeartbeat.toFixed(0)} s ago`;
    const told = refused === 0 ? "" : `; ${refused} refused, the last one: ${lastRefusal}`;
    const down = link === "up" ? "" : ` (${why})`;
    return ["Sec-EM heard", `${name}: ${state}, link ${link}${down}, ${heard}${told}`] as const;
  });
  const last = gate.applied
    .slice(-3)
    .map(
      (one) =>
        [
          "Applied",
          `${one.address} ${formatAge(now - one.at)} ago: begun after ${one.beganMs.toFixed(0)} ms, ` +
            `${one.routes} routes of ${one.sessions} sessions done after ${one.doneMs.toFixed(0)} ms` +
            (one.waits === undefined ? "" : `; it is waited for: ${one.waits}`),
        ] as const,
    );
  const mode = gate.dryRun ? ", dry run: nobody is gated" : "";
  return (
    formatFields(
      [
        ["Gate", `audience ${gate.audience}${mode}`],
        ["Trusted", `${gate.trusted} of ${gate.instances} instances`],
        ...sources,
        ...gate.breakGlass.map(grantField),
        ...last,
      ],
      width,
    ) +
    (gate.inGrace
      ? sentences(
          "Alarm",
          ["a Sec-EM is out of reach: sessions that are up keep their last verdict for a while"],
          width,
        )
      : "")
  );
}

function grantField(one: GrantAnswer): readonly [string, string] {
  const from = one.address === undefined ? "" : ` from ${one.address}`;
  const left = `for ${one.secondsLeft.toFixed(0)} s more`;
  return ["Break-glass", `${scopeText(one)}${from} by ${one.operator} ${left}: ${one.why}`];
}

function gatewayText(gateway: GatewayAnswer, width: number, now: number): string {
  const { catalog, counters, interfaces, problems, alarms } = gateway;
  const counted = Object.entries(counters)
    .filter(([, { packets }]) => packets > 0)
    .map(([name, { packets }]) => `${packets} ${name.replaceAll("_", " ")}`);
  return (
    formatFields(
      [
        ["Gateway", `${gateway.state}, tenant ${gateway.tenant}, table ${gateway.table}`],
        [
          "Catalog",
          catalog === undefined
            ? "none yet: nothing passes but to the Sec-EM"
            : `version ${catalog.version}, ${catalog.entries} lines, other traffic: ${catalog.action}, ` +
              `for ${formatAge(now - catalog.since)}, in force after ${catalog.tookMs.toFixed(0)} ms`,
        ],
        ["Open", `${gateway.open} of ${gateway.members} instances`],
        [
          "Interfaces",
          interfaces.map((one) => `${one.name}${one.shaped ? " (shaped)" : ""}`).join(", "),
        ],
        ["Packets", counted.join(", ") || "none counted"],
        ...gateway.breakGlass.map(grantField),
        ["Put back", gateway.repairs === 0 ? undefined : `${gateway.repairs} times`],
      ],
      width,
    ) +
    sentences("Problem", problems, width) +
    sentences(
      "Alarm",
      alarms.filter(({ until }) => until === undefined).map(({ text }) => text),
      width,
    )
  );
}

export function scopeText(scope: {
  readonly tenant: string;
  readonly vnf?: string;
  readonly instance?: string;
}): string {
  const { tenant, vnf, instance } = scope;
  return [tenant, vnf ?? "*", ...(vnf === undefined ? [] : [instance ?? "*"])].join("/");
}

export function instancesText(rows: readonly InstanceAnswer[], width: number): string {
  if (rows.length === 0) return "No instances.\n";
  return formatTable(
    rows,
    [
      { title: "Instance", value: (row) => shorten(scopeText(row), NAME) },
      { title: "State", value: ({ state }) => state },
      { title: "Chain", value: ({ chain }) => String(chain), right: true },
      { title: "Bound by", value: ({ bgp }) => bindingText(bgp.binding) },
      { title: "Verdict", value: leftText, right: true },
      { title: "Why", value: ({ reason }) => reason, flexible: true },
    ],
    width,
  );
}

/** A session that is bound by nothing but its address is called so. */
export function bindingText(binding: string): string {
  return binding === "address" ? "address-bound" : binding;
}

function leftText({ verdictLeftMs }: InstanceAnswer): string {
  return verdictLeftMs === undefined ? "none" : `${Math.round(verdictLeftMs / 1000)} s`;
}

export function instanceText(row: InstanceAnswer, width: number, now: number): string {
  const { bgp, attestedAt, image } = row;
  const facts = [
    bgp.addresses.join(", "),
    ...(bgp.as === undefined ? [] : [`AS ${bgp.as}`]),
    ...(bgp.routerId === undefined ? [] : [`router id ${bgp.routerId}`]),
  ];
  const root = row.root === "none" ? "none: its agent's word is believed" : row.root;
  return formatFields(
    [
      ["Instance", scopeText(row)],
      ["State", `${row.state} for ${formatAge(now - row.since)}: ${row.reason}`],
      ["Chain", `step ${row.chain}, ${row.step}`],
      ["Proved", attestedAt === undefined ? "never" : `${formatAge(now - attestedAt)} ago`],
      ["Verdict", leftText(row)],
      ["Session", `${facts.join(", ")}; ${bindingText(bgp.binding)}`],
      ["Agent", row.connected ? "connected" : "not connected"],
      ["Stopped", stopText(row)],
      ["Root of trust", root],
      ["Identity", row.id],
      ["Key", row.publicKey],
      ["Image", image],
    ],
    width,
  );
}

function stopText({ revoked, cloned }: InstanceAnswer): string | undefined {
  if (cloned) return "seen twice; evpnctl asmn restore takes that back";
  return revoked ? "revoked; evpnctl asmn restore takes that back" : undefined;
}

export function gatedText(answer: GatedPeersAnswer, width: number): string {
  const { peers, dryRun } = answer;
  const head = dryRun ? "Dry run: nobody is gated.\n" : "";
  if (peers.length === 0) return `${head}Nobody is gated, or would be.\n`;
  const table = formatTable(
    peers,
    [
      { title: "Peer", value: ({ address }) => address },
      { title: "State", value: ({ state }) => state },
      {
        title: "Effect",
        value: ({ effect, spared }) => (spared === undefined ? effect : `would ${spared}`),
      },
      { title: "Who", value: ({ subject }) => shorten(subject, NAME) },
      { title: "Why", value: ({ reason }) => reason, flexible: true },
    ],
    width,
  );
  return head + table;
}

export function rateText(rate: number | undefined): string {
  if (rate === undefined) return "";
  for (const [unit, value] of [
    ["Gbit", 1e9],
    ["Mbit", 1e6],
    ["kbit", 1e3],
  ] as const) {
    if (rate >= value) return `${+(rate / value).toFixed(2)}${unit}`;
  }
  return `${rate}bit`;
}

function flowText({ from, to, protocol, port, portEnd }: LineAnswer): string {
  const ports = port === undefined ? "" : ` ${port}${portEnd === undefined ? "" : `-${portEnd}`}`;
  return `${from} > ${to} ${protocol}${ports}`;
}

function limitsText({ rate, burst, packetRate }: LineAnswer): string {
  const parts = [
    ...(rate === undefined ? [] : [rateText(rate)]),
    ...(burst === undefined ? [] : [`burst ${burst}`]),
    ...(packetRate === undefined ? [] : [`${packetRate}/s`]),
  ];
  return parts.join(", ") || "no limit";
}

export function catalogsText(rows: readonly CatalogAnswer[], width: number): string {
  if (rows.length === 0) return "No catalogs.\n";
  return rows
    .map((row) => {
      const { tenant, version, defaultAction, entries } = row;
      const head = `${tenant}: version ${version}, other traffic: ${defaultAction}\n`;
      if (entries.length === 0) return `${head}No lines.\n`;
      return head + formatTable(entries, lineColumns, width);
    })
    .join("\n");
}

const lineColumns = [
  { title: "Flow", value: flowText, flexible: true },
  { title: "Limits", value: limitsText },
] as const;

export function diffText({ added, removed, changed }: CatalogDiffAnswer, width: number): string {
  const lines = [
    ...added.map((line) => `+ ${flowText(line)} (${limitsText(line)})`),
    ...removed.map((line) => `- ${flowText(line)} (${limitsText(line)})`),
    ...changed.map(
      ({ before, after }) => `~ ${flowText(after)} (${limitsText(before)} -> ${limitsText(after)})`,
    ),
  ];
  return lines.length === 0
    ? "Nothing would change.\n"
    : lines.map((line) => wrap(line, width, "    ", "")).join("");
}

export function trafficText(answer: TrafficGatewayAnswer, width: number, now: number): string {
  const { status, members, flows } = answer;
  const parts = [gatewayText(status, width, now)];
  if (members.length > 0) {
    parts.push(
      formatTable(
        members,
        [
          { title: "Instance", value: (row) => shorten(`${row.vnf}/${row.instance}`, NAME) },
          { title: "Passes", value: ({ open }) => (open ? "yes" : "no") },
          { title: "State", value: ({ state }) => state },
          { title: "Addresses", value: ({ addresses }) => shorten(addresses.join(", "), NAME) },
          { title: "Why", value: ({ reason }) => reason, flexible: true },
        ],
        width,
      ),
    );
  }
  if (flows.length > 0) {
    parts.push(
      formatTable(
        flows,
        [
          { title: "Flow", value: ({ name }) => name, flexible: true },
          { title: "Limits", value: ({ limits }) => limits },
          { title: "Packets", value: ({ forth }) => String(forth.packets), right: true },
          { title: "Answers", value: ({ answers }) => String(answers.packets), right: true },
        ],
        width,
      ),
    );
  }
  return parts.join("\n");
}
