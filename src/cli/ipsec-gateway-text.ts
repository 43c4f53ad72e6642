/** The views that gateways have of tunnels, in their own form: ScreenOS and PIX. */
import type {
  CookieListAnswer,
  CryptoSaAnswer,
  CryptoSpiAnswer,
  IsakmpListAnswer,
  SaListAnswer,
} from "./ipsec-wire.js";
import { clean, formatTable } from "./text.js";

/** `get sa`. */
export function saText({ total, rows }: SaListAnswer): string {
  const head = "HEX ID    Gateway         Port Algorithm     SPI      Life:sec kb   Sta PID vsys\n";
  const lines = rows.map((row) => {
    const mark = row.direction === "in" ? "<" : ">";
    const cells = [
      `${row.id}${mark}`,
      row.gateway.padEnd(15),
      String(row.port).padEnd(4),
      row.algorithm.padEnd(13),
      row.spi.padEnd(8),
      String(row.seconds ?? 0).padStart(5),
      (row.kilobytes === undefined ? "unlim" : String(row.kilobytes)).padEnd(7),
      row.state,
      String(row.policyId).padStart(3),
      String(row.vsys),
    ];
    return `${clean(cells.join(" ")).trimEnd()}\n`;
  });
  return `total configured sa: ${total}\n${head}${lines.join("")}`;
}

/** `get ike cookies`. */
export function cookieText({ active, dead, total, rows }: CookieListAnswer): string {
  const blocks = rows.map((row) =>
    [
      `${row.cookies}, ${row.initiator}->${row.responder}, ${row.method}, xchg(${row.exchange})`,
      `(${row.name}/grp${row.group}/usr${row.user})`,
      `resent-tmr ${row.retransmitTimer} lifetime ${row.lifetime} lt-recv ${row.lifetimeReceived} ` +
        `nxt_rekey ${row.nextRekey} cert-expire ${row.certificateExpiry}`,
      `${row.role}, err cnt ${row.errors}, send dir ${row.direction}`,
      `nat-traversal map: ${row.natMap}`,
      `ike heartbeat: ${row.heartbeat}`,
      `ike heartbeat last rcv time: ${row.heartbeatReceived}`,
      `ike heartbeat last snd time: ${row.heartbeatSent}`,
      `XAUTH status: ${row.xauth}`,
      `DPD seq local ${row.dpdLocal}, peer ${row.dpdPeer}`,
    ]
      .map((line) => `${clean(line)}\n`)
      .join(""),
  );
  return [`Active: ${active}, Dead: ${dead}, Total ${total}\n`, ...blocks].join("\n");
}

/** `show crypto isakmp sa`. */
export function isakmpText({ total, embryonic, rows }: IsakmpListAnswer, width: number): string {
  const head = `Total     : ${total}\nEmbryonic : ${embryonic}\n`;
  const table = formatTable(
    rows,
    [
      { title: "dst", value: (row) => row.destination, flexible: true },
      { title: "src", value: (row) => row.source },
      { title: "state", value: (row) => row.state },
      { title: "pending", value: (row) => String(row.pending), right: true },
      { title: "created", value: (row) => String(row.created), right: true },
    ],
    width,
  );
  return head + table;
}

/** `show crypto ipsec sa`. */
export function cryptoText(rows: readonly CryptoSaAnswer[]): string {
  if (rows.length === 0) return "No tunnels.\n";
  return rows.map(cryptoBlock).join("\n");
}

function cryptoBlock(row: CryptoSaAnswer): string {
  const lines = [
    `interface: ${row.interface}`,
    `  Crypto map tag: ${row.cryptoMap}, local addr. ${row.localAddress}`,
    `local ident (addr/mask/prot/port): (${row.localIdent})`,
    `remote ident (addr/mask/prot/port): (${row.remoteIdent})`,
    `current_peer: ${row.peer}`,
    `  PERMIT, flags=${row.flags}`,
    `#pkts encaps: ${row.encaps}, #pkts encrypt: ${row.encrypt}, #pkts digest ${row.digest}`,
    `#pkts decaps: ${row.decaps}, #pkts decrypt: ${row.decrypt}, #pkts verify ${row.verify}`,
    `#pkts compressed: ${row.compressed}, #pkts decompressed: ${row.decompressed}`,
    `#pkts not compressed: ${row.notCompressed}, #pkts compr. failed: ${row.compressFailed}, ` +
      `#pkts decompress failed: ${row.decompressFailed}`,
    `#send errors ${row.sendErrors}, #recv errors ${row.receiveErrors}`,
    `local crypto endpt.: ${row.localEndpoint}, remote crypto endpt.: ${row.remoteEndpoint}`,
    `path mtu ${row.pathMtu}, ipsec overhead ${row.overhead}, media mtu ${row.mediaMtu}`,
    `current outbound spi: ${row.outboundSpi === "" ? "0" : row.outboundSpi}`,
    ...spiLines("inbound esp sas", row.inboundEsp),
    ...spiLines("inbound ah sas", row.inboundAh),
    ...spiLines("inbound pcp sas", row.inboundPcp),
    ...spiLines("outbound esp sas", row.outboundEsp),
    ...spiLines("outbound ah sas", row.outboundAh),
    ...spiLines("outbound pcp sas", row.outboundPcp),
  ];
  return lines.map((line) => `${clean(line).trimEnd()}\n`).join("");
}

function spiLines(title: string, list: readonly CryptoSpiAnswer[]): string[] {
  return [
    `${title}:`,
    ...list.flatMap((one) => [
      `  spi: ${one.spi}(${one.decimal})`,
      `    transform: ${one.transform} ,`,
      `    in use settings ={${one.settings}}`,
      `    slot: ${one.slot}, conn id: ${one.connectionId}, crypto map: ${one.cryptoMap}`,
      `    sa timing: remaining key lifetime (k/sec): ` +
        `(${one.kilobytesLeft ?? "unlimited"}/${one.secondsLeft ?? 0})`,
      `    IV size: ${one.ivOctets} bytes`,
      `    replay detection support: ${one.replayDetection ? "Y" : "N"}`,
    ]),
  ];
}
