/** evpnctl ipsec ping, measure, reach, decode: trying things out. */
import type { Command } from "commander";
import { connect } from "./connection.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost, GlobalOptions } from "./host.js";
import { EXIT } from "./exit.js";
import type { Client } from "./client.js";
import { decodedText, pingText } from "./ipsec-text.js";
import type { CryptoSaAnswer, DecodedIkeAnswer, PingAnswer } from "./ipsec-wire.js";
import { wholeNumber } from "./numbers.js";
import { clean, formatTable } from "./text.js";

interface PingOptions {
  readonly destination?: string;
  readonly source?: string;
  readonly count?: number;
  readonly size?: number;
  readonly farUrl?: string;
}

interface ReachAnswer {
  readonly tunnel: string;
  readonly gateway: string;
  readonly address: string;
  readonly reachable: boolean;
  readonly text: string;
}

export function addIpsecTests(ipsec: Command, host: CliHost): void {
  ipsec
    .command("ping")
    .description("ping through a tunnel, with its counters")
    .argument("<tunnel>")
    .option("--destination <address>", "default: where the monitor probes, or the first host there")
    .option("--source <address>", "address or interface to ping from")
    .option("--count <number>", "how many", wholeNumber)
    .option("--size <octets>", "octets of data", wholeNumber)
    .option("--far-url <url>", "the far gateway's evpnd: its counters, too")
    .action(async (tunnel: string, options: PingOptions, command: Command) => {
      const { farUrl, ...rest } = options;
      const far =
        farUrl === undefined
          ? undefined
          : connect({ ...command.optsWithGlobals<GlobalOptions>(), url: farUrl }, host.env);
      const before = await countersOf(far, tunnel);
      const answer = await clientOf(command, host).post<PingAnswer>(
        "/v1/ipsec/ping",
        {},
        {
          tunnel,
          ...rest,
        },
      );
      const after = await countersOf(far, tunnel);
      const there = before &&
        after && { encaps: after.encaps - before.encaps, decaps: after.decaps - before.decaps };
      if (wantsJson(command)) printJson(host, { ...answer, ...(there && { far: there }) });
      else host.out(pingText(answer, there));
      if (answer.received === 0) host.code = EXIT.finding;
    });
  ipsec
    .command("measure")
    .description("the largest packet that passes a tunnel whole")
    .argument("<tunnel>")
    .option("--destination <address>", "default: where the monitor probes, or the first host there")
    .option("--source <address>", "address or interface to ping from")
    .action(async (tunnel: string, options: PingOptions, command: Command) => {
      const answer = await clientOf(command, host).post<{
        readonly largest?: number;
        readonly expected: number;
        readonly text: string;
      }>("/v1/ipsec/measure", {}, { tunnel, ...options });
      if (wantsJson(command)) return printJson(host, answer);
      const largest = answer.largest === undefined ? "none" : `${answer.largest} octets`;
      host.out(`largest: ${largest}, expected: ${answer.expected} octets\n${clean(answer.text)}\n`);
    });
  ipsec
    .command("reach")
    .description("whether gateways' outside addresses can be reached, before tunnels are installed")
    .argument("[tunnel]")
    .action(async (tunnel: string | undefined, _options: object, command: Command) => {
      const { rows } = await clientOf(command, host).post<{
        readonly rows: readonly ReachAnswer[];
      }>("/v1/ipsec/reach", {}, { tunnel });
      if (wantsJson(command)) printJson(host, rows);
      else host.out(reachText(rows, host.columns));
      if (rows.some(({ reachable }) => !reachable)) host.code = EXIT.finding;
    });
  ipsec
    .command("decode")
    .description("an ISAKMP or IKE message in words; - reads it from standard input")
    .argument("<hex>")
    .option("--first <payload>", "there is no header: the octets begin with this payload")
    .option("--ike <version>", "with --first: 1 or 2", wholeNumber)
    .action(async (hex: string, options: { first?: string; ike?: number }, command: Command) => {
      const octets = hex === "-" ? Buffer.from(await host.readStdin()).toString("latin1") : hex;
      const body = { hex: octets, first: options.first, version: options.ike };
      const client = clientOf(command, host);
      const answer = await client.post<DecodedIkeAnswer>("/v1/ipsec/decode", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(decodedText(answer));
      if (answer.problems.length > 0) host.code = EXIT.finding;
    });
}

/** Of all SAs of the tunnel; undefined without a far end to ask. */
async function countersOf(
  client: Client | undefined,
  tunnel: string,
): Promise<PingAnswer["counters"] | undefined> {
  if (client === undefined) return undefined;
  const { rows } = await client.get<{ readonly rows: readonly CryptoSaAnswer[] }>(
    "/v1/ipsec/crypto",
    { tunnel },
  );
  return {
    encaps: rows.reduce((sum, row) => sum + row.encaps, 0),
    decaps: rows.reduce((sum, row) => sum + row.decaps, 0),
  };
}

function reachText(rows: readonly ReachAnswer[], width: number): string {
  if (rows.length === 0) return "No tunnels.\n";
  return formatTable(
    rows,
    [
      { title: "Tunnel", value: (row) => row.tunnel },
      { title: "Gateway", value: (row) => row.gateway },
      { title: "Address", value: (row) => row.address },
      { title: "Reached", value: (row) => (row.reachable ? "yes" : "no") },
      { title: "How", value: (row) => row.text, flexible: true },
    ],
    width,
  );
}
