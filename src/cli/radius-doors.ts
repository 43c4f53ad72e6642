/** `evpnctl radius doors` as text: TLS ports and who is connected, Disconnect and CoA. */
import { clean, formatAge, formatTable } from "./text.js";

export interface RadiusDoorsAnswer {
  readonly tls: readonly {
    readonly tenant: string;
    readonly address: string;
    readonly port: number;
    readonly connections: readonly {
      readonly client: string;
      readonly address: string;
      readonly protocol: string;
      readonly ageSeconds: number;
      readonly silentSeconds: number;
    }[];
    readonly counters: Readonly<Record<string, number>>;
  }[];
  readonly dynamic: readonly {
    readonly tenant: string;
    readonly enabled: boolean;
    readonly ports: readonly number[];
    readonly counters: Readonly<Record<string, number>>;
  }[];
}

const DYNAMIC: readonly (readonly [title: string, counter: string])[] = [
  ["Disconnect Requests", "disconnects"],
  ["CoA Requests", "changes"],
  ["Acknowledged", "acks"],
  ["Refused By Access Points", "naks"],
  ["Refused Here", "refused"],
  ["Pending Requests", "pending"],
  ["Duplicate Requests", "duplicates"],
  ["Cached Answers", "cachedAnswers"],
  ["Outside The Window", "stale"],
  ["Bad Authenticators", "badAuthenticators"],
  ["Malformed Requests", "malformed"],
  ["Unknown Requests", "unknown"],
  ["Dropped Packets", "dropped"],
  ["Sent To Access Points", "sent"],
  ["Sent Again", "resent"],
];

export function formatDoors({ tls, dynamic }: RadiusDoorsAnswer, width: number): string {
  const parts: string[] = [];
  for (const { tenant, address, port, connections, counters } of tls) {
    const count = (name: string): number => counters[name] ?? 0;
    parts.push(
      `RADIUS over TLS of ${clean(tenant)}: ${clean(address)} port ${port}\n`,
      formatTable(
        connections,
        [
          { title: "Client", value: (one) => one.client, flexible: true },
          { title: "Address", value: (one) => one.address },
          { title: "Protocol", value: (one) => one.protocol },
          { title: "Up", value: (one) => formatAge(one.ageSeconds * 1000) },
          { title: "Silent", value: (one) => formatAge(one.silentSeconds * 1000) },
        ],
        width,
      ),
      `connections: ${count("accepted")} accepted, ${count("unauthorised")} not authorised, `,
      `${count("handshakesFailed")} handshakes failed, ${count("overLimit")} over a limit\n\n`,
    );
  }
  for (const { tenant, enabled, ports, counters } of dynamic) {
    const where = ports.length === 0 ? "no UDP port" : `UDP port ${ports.join(", ")}`;
    parts.push(
      `Disconnect and CoA of ${clean(tenant)}: ${enabled ? `enabled, ${where}` : "disabled"}\n`,
      ...DYNAMIC.map(([title, name]) => `  ${title.padEnd(25)} ${counters[name] ?? 0}\n`),
    );
  }
  return parts.join("");
}
