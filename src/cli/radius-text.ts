/** The RADIUS relay's answers as text, in the words that operators of such relays know. */
import type {
  RadiusChecksumAnswer,
  RadiusCounters,
  RadiusEventAnswer,
  RadiusHomeServersAnswer,
  RadiusKind,
  RadiusServersAnswer,
  RadiusSessionAnswer,
  RadiusStatisticsAnswer,
  SubscriberAnswer,
  SubscriberFindingAnswer,
} from "./radius-wire.js";
import { clean, formatAge, formatFields, formatTable, shorten } from "./text.js";

type Title = readonly [title: string, counter: string];

/** What both kinds of server count, in the order shown; then what the balance needs beside it. */
const COMMON: readonly Title[] = [
  ["Pending Requests", "pending"],
  ["Duplicate Requests", "duplicates"],
  ["Malformed Requests", "malformed"],
  ["Bad Authenticators", "badAuthenticators"],
  ["Unknown Requests", "unknown"],
  ["Dropped Packets", "dropped"],
  ["Invalid Requests", "invalid"],
];
const BALANCE: readonly Title[] = [
  ["Without Message-Authenticator", "unsigned"],
  ["Cached Answers", "cachedAnswers"],
  ["Local Rejects", "localRejects"],
  ["Timed Out", "timedOut"],
  ["Superseded", "superseded"],
  ["Unexpected Codes", "unexpected"],
  ["Status-Server", "statusServer"],
  ["Packets Received", "received"],
];
export const TITLES: Readonly<Record<RadiusKind, readonly Title[]>> = {
  authentication: [
    ["Access Requests", "requests"],
    ["Access Accepts", "accepts"],
    ["Access Challenges", "challenges"],
    ["Access Rejects", "rejects"],
    ...COMMON,
    ...BALANCE,
  ],
  accounting: [
    ["Accounting Requests", "requests"],
    ["  Start", "starts"],
    ["  Stop", "stops"],
    ["  Interim", "interims"],
    ["Accounting Responses", "responses"],
    ["  Start", "startResponses"],
    ["  Stop", "stopResponses"],
    ["  Interim", "interimResponses"],
    ...COMMON,
    ["Acknowledged From The Spool", "spooled"],
    ...BALANCE.filter(([, name]) => name !== "localRejects"),
  ],
};

export function formatServers({ servers }: RadiusServersAnswer, width: number): string {
  return servers
    .map(({ tenant, kind, port, clients, draining }) => {
      const table = formatTable(
        clients,
        [
          { title: "IP Address", value: ({ prefix }) => prefix.split("/")[0] ?? "" },
          { title: "IP Mask", value: ({ prefix }) => maskText(prefix) },
          { title: "Secret (fingerprint)", value: (row) => row.fingerprints.join(" ") },
        ],
        width,
      );
      const where = port === 0 ? "none, clients come over TLS" : String(port);
      const state = draining ? "Draining: takes no new requests\n" : "";
      return `RADIUS relay ${kind} server of ${tenant}\n${table}Udp Port: ${where}\n${state}`;
    })
    .join("\n");
}

/** Dotted for IPv4, a length for IPv6. */
export function maskText(prefix: string): string {
  const [address = "", length = ""] = prefix.split("/");
  const bits = length === "" ? (address.includes(":") ? 128 : 32) : Number(length);
  if (address.includes(":")) return `/${bits}`;
  const mask = bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join(".");
}

/** @param delta differences were asked for */
export function formatStatistics(
  { baseline, rows }: RadiusStatisticsAnswer,
  delta: boolean,
): string {
  const since =
    baseline !== undefined
      ? `baseline set ${new Date(baseline).toUTCString()}\n\n`
      : delta
        ? "no baseline is set: these are the counters since the start\n\n"
        : "";
  const blocks = rows.map(({ tenant, kind, client, counters }) => {
    const fields = TITLES[kind].map(([title, name]): [string, string] => [
      title,
      String(counters[name] ?? 0),
    ]);
    const whose = client === undefined ? "" : `, ${client === "" ? "no client" : client}`;
    return `RADIUS relay ${kind} statistics of ${tenant}${whose}\n${formatFields(fields)}`;
  });
  return since + blocks.join("\n");
}

export function formatChecksum({ enabled, badChecksums, source }: RadiusChecksumAnswer): string {
  const bad = badChecksums === undefined ? "" : `bad checksums: ${badChecksums}\n`;
  return `udp-checksums ${enabled ? "enabled" : "disabled"}\n${bad}source: ${source}\n`;
}

export function formatHomeServers(answer: RadiusHomeServersAnswer, width: number): string {
  const number = (name: string) => (row: { counters: RadiusCounters }) =>
    String(row.counters[name] ?? 0);
  const table = formatTable(
    answer.homeServers,
    [
      { title: "Tenant", value: (row) => shorten(row.tenant, 12) },
      { title: "Kind", value: (row) => row.kind },
      { title: "Name", value: (row) => row.name, flexible: true },
      { title: "State", value: (row) => row.state },
      { title: "Pending", value: (row) => String(row.pending), right: true },
      { title: "Sent", value: number("sent"), right: true },
      { title: "Answers", value: number("used"), right: true },
      { title: "Bad", value: (row) => String(badOf(row.counters)), right: true },
    ],
    width,
  );
  const spools = answer.spools.map(
    ({ tenant, waiting, parked, failing }) =>
      `Accounting spool of ${tenant}: ${waiting} waiting` +
      `${parked > 0 ? `, ${parked} of them PARKED: not answered while others are` : ""}` +
      `${failing ? ", CANNOT WRITE" : ""}\n`,
  );
  return table + spools.join("");
}

function badOf(counters: RadiusCounters): number {
  return ["malformed", "badAuthenticators", "unsigned"].reduce(
    (sum, name) => sum + (counters[name] ?? 0),
    0,
  );
}

export function formatSessions(
  sessions: readonly RadiusSessionAnswer[],
  width: number,
  now: number,
): string {
  if (sessions.length === 0) return "No sessions.\n";
  const hasPlaces = sessions.some(({ places }) => places.length > 0);
  return formatTable(
    sessions,
    [
      { title: "MAC", value: (row) => row.mac },
      { title: "User", value: (row) => row.userName, flexible: true },
      { title: "Access point", value: (row) => shorten(row.accessPoint, 17) },
      { title: "VLAN", value: (row) => shorten(row.vlan ?? "", 8) },
      ...(hasPlaces
        ? [{ title: "At", value: placesText }]
        : [{ title: "Address", value: (row: RadiusSessionAnswer) => row.address ?? "" }]),
      { title: "Acct", value: (row) => (row.confirmed ? "yes" : "no") },
      { title: "Since", value: (row) => formatAge(now - row.startedAt), right: true },
    ],
    width,
  );
}

/** The first place, how many more there are, and an alarm. */
function placesText({ places }: RadiusSessionAnswer): string {
  const [first] = places;
  if (first === undefined) return "nowhere";
  const more = places.length > 1 ? ` +${places.length - 1}` : "";
  const alarm = places.some(({ finding }) => finding !== undefined) ? " !" : "";
  return `${first.pe}${more}${alarm}`;
}

/** One session in full. */
export function formatSession(row: RadiusSessionAnswer, now: number): string {
  return formatFields([
    ["MAC", row.mac],
    ["Tenant", row.tenant],
    ["User", row.userName],
    ["Access point", row.accessPoint],
    ["SSID", row.ssid],
    ["Client", row.client],
    ["VLAN", row.vlan],
    ["Address", row.address],
    ["Accounting", row.confirmed ? (row.acctSessionId ?? "yes") : "not yet"],
    ["Octets", row.confirmed ? `${row.inputOctets} in, ${row.outputOctets} out` : undefined],
    ["Since", formatAge(now - row.startedAt)],
    ["Last seen", `${formatAge(now - row.lastSeenAt)} ago`],
    ...row.places.map(({ domain, pe, esi, finding }) => {
      const segment = esi === undefined ? "" : `, segment ${esi}`;
      const alarm = finding === undefined ? "" : `, ALARM: ${finding}`;
      return ["In the fabric", `${pe} in ${domain}${segment}${alarm}`] as const;
    }),
  ]);
}

/** `bob (default) at 02:00:00:00:00:01, belongs at 10.0.0.1`. */
export function subscriberText({ userName, tenant, accessPoint, expected }: SubscriberAnswer) {
  const belongs = expected === undefined ? "" : `, belongs at ${expected.pe ?? expected.esi ?? ""}`;
  return `${userName} (${tenant}) by ${accessPoint}${belongs}`;
}

/** One line for each that happens. */
export function eventLine({ kind, session, reason, count }: RadiusEventAnswer): string {
  if (session === undefined) return `${kind}: ${count ?? 0} events are gone\n`;
  const { mac, userName, accessPoint, vlan, tenant } = session;
  const parts = [mac, userName, `(${tenant})`, accessPoint];
  if (vlan !== undefined) parts.push(`VLAN ${vlan}`);
  if (reason !== undefined) parts.push(reason);
  return `${kind.padEnd(7)} ${clean(parts.join(" "))}\n`;
}

export function formatFindings(
  findings: readonly SubscriberFindingAnswer[],
  width: number,
  now: number,
): string {
  if (findings.length === 0) return "Every MAC is where its session is.\n";
  return formatTable(
    findings,
    [
      { title: "MAC", value: (row) => row.mac },
      { title: "Domain", value: (row) => shorten(row.domain, 16) },
      { title: "Finding", value: (row) => row.kind },
      { title: "State", value: (row) => row.state },
      { title: "PE", value: (row) => row.pe, flexible: true },
      { title: "Since", value: (row) => formatAge(now - row.since), right: true },
    ],
    width,
  );
}
