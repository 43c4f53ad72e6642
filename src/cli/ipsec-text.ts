/** Tunnels, faults, events and traces for people. */
import type {
  DecodedIkeAnswer,
  IpsecEventAnswer,
  PingAnswer,
  TraceAnswer,
  TunnelAnswer,
  TunnelFaultAnswer,
  TunnelOverviewAnswer,
  TunnelStatusAnswer,
} from "./ipsec-wire.js";
import { clean, formatAge, formatFields, formatTable, shorten, wrap } from "./text.js";

const INDENT = "    ";

export function overviewText(
  { gateway, daemon, tunnels }: TunnelOverviewAnswer,
  width: number,
  now: number,
): string {
  const daemonText = daemon.connected
    ? `IKE daemon ${daemon.version ?? ""} holds ${daemon.loaded} of ${daemon.planned} tunnels`
    : `IKE daemon away: ${daemon.problem ?? "not connected"}`;
  const head = wrap(`${gateway}: ${daemonText}`, width, INDENT, "");
  if (tunnels.length === 0) return `${head}No tunnels are installed.\n`;
  const table = formatTable(
    tunnels,
    [
      { title: "Tunnel", value: (row) => shorten(row.tunnel, 20) },
      { title: "To", value: (row) => shorten(row.remote, 14) },
      { title: "State", value: (row) => (row.held ? `${row.state}, held` : row.state) },
      { title: "Since", value: (row) => formatAge(now - row.since), right: true },
      { title: "In", value: (row) => String(row.packetsIn), right: true },
      { title: "Out", value: (row) => String(row.packetsOut), right: true },
      { title: "Why", value: (row) => row.reason, flexible: true },
    ],
    width,
  );
  return head + table;
}

export function tunnelText(row: TunnelAnswer, width: number, now: number): string {
  const fields = formatFields(
    [
      ["Tunnel", `${row.tunnel} (${row.kind})`],
      ["Between", `${row.local} and ${row.remote}`],
      [
        "State",
        `${row.state}${row.held ? ", ended by an operator" : ""}, ${formatAge(now - row.since)}`,
      ],
      ["Why", row.reason],
      ["Monitor", row.monitor],
      ["In the IKE daemon", row.loaded ? "yes" : "no"],
      ["In", `${row.packetsIn} packets, ${row.octetsIn} octets`],
      ["Out", `${row.packetsOut} packets, ${row.octetsOut} octets`],
      ["Not covered", row.uncovered.join(", ")],
      ["VTEPs behind it", row.vteps.join(", ")],
      ["Seen of them", row.vtepsSeen.map(seenText).join(", ")],
    ],
    width,
  );
  return row.diagnosis === undefined ? fields : fields + faultText(row.diagnosis, width, now);
}

function seenText({ address, present, routes }: TunnelAnswer["vtepsSeen"][number]): string {
  return `${address} (${routes} routes${present ? "" : ", has left"})`;
}

export function statusText(
  rows: readonly TunnelStatusAnswer[],
  width: number,
  now: number,
): string {
  if (rows.length === 0) return "No tunnels.\n";
  return rows
    .map((row) => {
      const title = `${row.tunnel} (${row.from} to ${row.to}): ${WORKS[row.works] ?? row.works}`;
      const since = `${row.text}, for ${formatAge(now - row.since)}`;
      const advice = row.advice === "" ? "" : wrap(`What to do: ${row.advice}`, width, INDENT);
      return wrap(title, width, INDENT, "") + wrap(since, width, INDENT) + advice;
    })
    .join("");
}

const WORKS: Readonly<Record<string, string>> = {
  yes: "works",
  no: "does NOT work",
  "not sure": "not sure whether it works",
  off: "switched off",
};

export function faultsText(rows: readonly TunnelFaultAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "No faults.\n";
  return rows.map((row) => faultText(row, width, now)).join("");
}

export function faultText(row: TunnelFaultAnswer, width: number, now: number): string {
  const certainty = row.certain ? "" : ", most likely";
  const over = row.ended === undefined ? "" : `, over for ${formatAge(now - row.ended)}`;
  const title = `${row.tunnel}: ${row.code}${certainty}${over}: ${row.text}`;
  const values = [
    ...(row.ours === undefined ? [] : [`here: ${row.ours}`]),
    ...(row.theirs === undefined ? [] : [`peer: ${row.theirs}`]),
  ];
  return [
    wrap(title, width, INDENT, ""),
    ...values.map((value) => wrap(value, width, `${INDENT}  `, INDENT)),
    wrap(`What to do: ${row.remedy}`, width, `${INDENT}  `, INDENT),
    ...row.evidence.map((line) => wrap(`log: ${line}`, width, `${INDENT}  `, INDENT)),
  ].join("");
}

export function eventsText(rows: readonly IpsecEventAnswer[], width: number): string {
  if (rows.length === 0) return "No events.\n";
  return rows
    .map((row) => {
      const ends =
        row.source === "" && row.destination === "" ? "" : ` ${row.source} -> ${row.destination}`;
      const from = [row.origin, row.interface].filter((part) => part !== "").join("/");
      const head = `${timeText(row.time)} ${row.type === "alert" ? "ALERT " : ""}${row.tunnel}`;
      return wrap(`${head} ${from} ${row.action}${ends}: ${row.info}`, width, INDENT, "");
    })
    .join("");
}

export function traceText(trace: TraceAnswer, width: number, now: number): string {
  const on =
    trace.until === undefined
      ? "off"
      : `on, goes off in ${formatAge(Math.max(0, trace.until - now))}`;
  const lost = trace.lost === 0 ? "" : `, ${trace.lost} older lines lost`;
  const steps = trace.steps.map((step) => {
    const head = `## ${timeText(step.time)} : IKE<${step.peer}> `;
    const { message } = step;
    if (message === undefined) return wrap(step.text, width, INDENT, head);
    const way = `${message.direction === "in" ? "Recv" : "Xmit"}${message.encrypted ? "*" : ""}`;
    const payloads = message.payloads.map((name) => `[${name}]`).join(" ");
    const id = message.messageId === 0 ? "" : `, message ${message.messageId}`;
    return wrap(`${way} (${message.exchange}${id}): ${payloads}`, width, INDENT, head);
  });
  return `Trace of ${clean(trace.tunnel)}: ${on}${lost}\n${steps.join("")}`;
}

export function pingText(answer: PingAnswer, far?: PingAnswer["counters"]): string {
  const { destination, sent, received, averageMs, counters, text } = answer;
  const time = averageMs === undefined ? "" : `, ${averageMs} ms on average`;
  const there = far === undefined ? "" : `there: ${far.encaps} encaps, ${far.decaps} decaps\n`;
  return (
    `${destination}: ${received} of ${sent} answered${time}\n` +
    `here: ${counters.encaps} encaps, ${counters.decaps} decaps\n${there}${clean(text)}\n`
  );
}

export function decodedText({ message, payloads, problems }: DecodedIkeAnswer): string {
  const head =
    message === undefined
      ? []
      : [
          `IKEv${message.version} ${message.exchange}${message.kind === undefined ? "" : ` ${message.kind}`}, ` +
            `message ${message.messageId}, ${message.octets} octets${message.encrypted ? ", encrypted" : ""}`,
          `initiator ${message.initiatorSpi}, responder ${message.responderSpi}`,
        ];
  const body = payloads.flatMap((payload) => [
    `[${payload.name}] ${payload.octets} octets`,
    ...payload.fields.map(({ name, value }) => `  ${name}: ${value}`),
    ...payload.proposals.flatMap((proposal) => [
      `  proposal ${proposal.number}: ${proposal.protocol}${proposal.spi === "" ? "" : `, SPI ${proposal.spi}`}`,
      ...proposal.transforms.flatMap((transform) => [
        `    transform ${transform.number}: ${transform.name}`,
        ...transform.attributes.map(({ name, value }) => `      ${name}: ${value}`),
      ]),
    ]),
  ]);
  const faults = problems.map((problem) => `problem: ${problem}`);
  return [...head, ...body, ...faults].map((line) => `${clean(line)}\n`).join("");
}

/** UTC, as the log of a gateway writes it. */
function timeText(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replace("T", " ");
}
