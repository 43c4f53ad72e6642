/**
 * evpnctl radius: what the relay shows (servers, home-servers, statistics, udp-checksum, sessions, findings) and
 * what may be done to it (baseline, disconnect, drain). `radius-lines.ts` has import and lines.
 */
import { randomBytes } from "node:crypto";
import { Argument, Option } from "commander";
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { addFilterOptions, filterLines, splitFilter, type OutputFilter } from "./output-filter.js";
import { formatDoors } from "./radius-doors.js";
import type { RadiusDoorsAnswer } from "./radius-doors.js";
import { addRadiusLines } from "./radius-lines.js";
import {
  eventLine,
  formatChecksum,
  formatFindings,
  formatHomeServers,
  formatServers,
  formatSession,
  formatSessions,
  formatStatistics,
} from "./radius-text.js";
import type {
  RadiusChecksumAnswer,
  RadiusEventAnswer,
  RadiusHomeServersAnswer,
  RadiusServersAnswer,
  RadiusSessionAnswer,
  RadiusStatisticsAnswer,
  SubscriberFindingAnswer,
} from "./radius-wire.js";
import type { DoneAnswer } from "./wire.js";

const FILTER_WORDS = "| begin, include or exclude, and a text";

export function addRadius(program: Command, host: CliHost): void {
  const radius = program.command("radius").description("the RADIUS relay and its subscribers");
  addTables(radius, host);
  addStatistics(radius, host);
  addLists(radius, host);
  addActs(radius, host);
  addRadiusLines(radius, host);
}

/** What is one answer, shown as a whole. */
function addTables(radius: Command, host: CliHost): void {
  const show = <T>(
    name: string,
    description: string,
    path: string,
    format: (answer: T) => string,
  ): void => {
    const command = radius.command(name).description(description);
    addFilterOptions(command.argument("[words...]", FILTER_WORDS)).action(
      async (words: string[], options: OutputFilter, verb: Command) => {
        const { words: others, filter } = splitFilter(words, options);
        refuse(others);
        const answer = await clientOf(verb, host).get<T>(path);
        if (wantsJson(verb)) printJson(host, answer);
        else host.out(filterLines(format(answer), filter));
      },
    );
  };
  show<RadiusServersAnswer>(
    "servers",
    "networks of clients, their secrets' fingerprints, ports",
    "/v1/radius/servers",
    (answer) => formatServers(answer, host.columns),
  );
  show<RadiusHomeServersAnswer>(
    "home-servers",
    "home servers, their health, and the accounting spool",
    "/v1/radius/home-servers",
    (answer) => formatHomeServers(answer, host.columns),
  );
  show<RadiusDoorsAnswer>(
    "doors",
    "RADIUS over TLS and who is connected; Disconnect and CoA",
    "/v1/radius/doors",
    (answer) => formatDoors(answer, host.columns),
  );
  show<RadiusChecksumAnswer>(
    "udp-checksum",
    "UDP checksums, and how many were bad",
    "/v1/radius/udp-checksum",
    formatChecksum,
  );
}

function addStatistics(radius: Command, host: CliHost): void {
  const command = radius
    .command("statistics")
    .description("counters of all clients or of one, whole or since the baseline")
    .argument(
      "[words...]",
      `authentication or accounting; a client's address; delta; ${FILTER_WORDS}`,
    )
    .option("--tenant <name>", "this tenant only")
    .option("--by-client", "a block for each client address");
  addFilterOptions(command).action(
    async (
      all: string[],
      options: OutputFilter & { tenant?: string; byClient?: boolean },
      verb: Command,
    ) => {
      const { words, filter } = splitFilter(all, options);
      const isKind = (word: string): boolean => word === "authentication" || word === "accounting";
      const kinds = words.filter(isKind);
      const delta = words.includes("delta");
      const clients = words.filter((word) => word !== "delta" && !isKind(word));
      refuse(clients.slice(1));
      refuse(kinds.slice(1));
      const answer = await clientOf(verb, host).get<RadiusStatisticsAnswer>(
        "/v1/radius/statistics",
        {
          tenant: options.tenant,
          kind: kinds[0],
          client: clients[0],
          ...(delta && { delta: "true" }),
          ...(options.byClient === true && { byClient: "true" }),
        },
      );
      if (wantsJson(verb)) printJson(host, answer);
      else host.out(filterLines(formatStatistics(answer, delta), filter));
    },
  );
}

interface SessionOptions extends OutputFilter {
  readonly tenant?: string;
  readonly user?: string;
  readonly accessPoint?: string;
  readonly vlan?: string;
  readonly client?: string;
  readonly address?: string;
  readonly limit?: number;
}

function addLists(radius: Command, host: CliHost): void {
  const sessions = radius
    .command("sessions")
    .description("subscribers that a home server let in: all, those that match, or one in full")
    .argument("[words...]", `a MAC; ${FILTER_WORDS}`)
    .option("--tenant <name>", "this tenant only")
    .option("--user <name>", "of this user name")
    .option("--access-point <id>", "of this access point, by MAC or name")
    .option("--vlan <vlan>", "in this VLAN")
    .option("--client <address>", "whose requests came from this address")
    .option("--address <address>", "that have this address")
    .option("--limit <count>", "at most so many", wholeNumber);
  addFilterOptions(sessions).action(
    async (all: string[], options: SessionOptions, verb: Command) => {
      const { words, filter } = splitFilter(all, options);
      const [mac, ...others] = words;
      refuse(others);
      const { tenant, user: userName, accessPoint, vlan, client, address, limit } = options;
      const query = { mac, tenant, userName, accessPoint, vlan, client, address, limit };
      const rows = await list<RadiusSessionAnswer>("/v1/radius/sessions", query, verb, host);
      if (rows === undefined) return;
      if (mac !== undefined && rows.length === 0) host.code = EXIT.notFound;
      const [only] = rows;
      const text =
        mac !== undefined && only !== undefined && rows.length === 1
          ? formatSession(only, host.now())
          : formatSessions(rows, host.columns, host.now());
      host.out(filterLines(text, filter));
    },
  );

  radius
    .command("watch")
    .description("sessions as they begin, change and end, from now on")
    .option("--tenant <name>", "this tenant only")
    .option("--count <events>", "end after so many", wholeNumber)
    .action(async ({ tenant, count }: { tenant?: string; count?: number }, verb: Command) => {
      const json = wantsJson(verb);
      let left = count ?? Infinity;
      const path = "/v1/radius/sessions/watch";
      for await (const line of clientOf(verb, host).lines(path, { tenant })) {
        host.out(json ? `${safeJson(line)}\n` : eventLine(JSON.parse(line) as RadiusEventAnswer));
        if (--left <= 0) return;
      }
    });

  const findings = radius
    .command("findings")
    .description("MACs of the fabric without a subscriber's session, or away from it")
    .argument("[words...]", FILTER_WORDS)
    .option("--domain <name>", "in this bridge domain")
    .addOption(new Option("--kind <kind>", "of this kind").choices(["without-session", "away"]));
  addFilterOptions(findings).action(
    async (
      all: string[],
      options: OutputFilter & { domain?: string; kind?: string },
      verb: Command,
    ) => {
      const { words, filter } = splitFilter(all, options);
      refuse(words);
      const query = { domain: options.domain, kind: options.kind };
      const path = "/v1/subscribers/findings";
      const rows = await list<SubscriberFindingAnswer>(path, query, verb, host);
      if (rows === undefined) return;
      if (rows.length > 0) host.code = EXIT.finding;
      host.out(filterLines(formatFindings(rows, host.columns, host.now()), filter));
    },
  );
}

/** All rows; with --json they are printed as they come, and undefined is the answer. */
async function list<T>(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
  command: Command,
  host: CliHost,
): Promise<T[] | undefined> {
  const json = wantsJson(command);
  const rows: T[] = [];
  for await (const line of clientOf(command, host).lines(path, query)) {
    if (json) host.out(`${safeJson(line)}\n`);
    else rows.push(JSON.parse(line) as T);
  }
  return json ? undefined : rows;
}

function addActs(radius: Command, host: CliHost): void {
  const report = (answer: DoneAnswer, command: Command): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(answer.done.map((line) => `${line}\n`).join(""));
  };

  radius
    .command("baseline")
    .description("remember the counters of now, for statistics delta; there is no way back")
    .action(async (_options: object, command: Command) => {
      const client = clientOf(command, host);
      const { baseline } = await client.post<{ baseline: number }>("/v1/radius/baseline");
      report({ done: [`baseline set ${new Date(baseline).toUTCString()}`] }, command);
    });

  radius
    .command("disconnect")
    .description("end a subscriber's session")
    .argument("<tenant>")
    .argument("<mac>")
    .option("--access-point <id>", "of the session, where the MAC has several")
    .action(
      async (tenant: string, mac: string, options: { accessPoint?: string }, command: Command) => {
        const body = { tenant, mac, ...options };
        const client = clientOf(command, host);
        report(await client.post<DoneAnswer>("/v1/radius/disconnect", {}, body), command);
      },
    );

  radius
    .command("drain")
    .description("finish what is pending and take nothing new; off takes requests again")
    .addArgument(new Argument("[off]").choices(["off"]))
    .option("--tenant <name>", "this tenant only")
    .action(async (off: string | undefined, options: { tenant?: string }, command: Command) => {
      const client = clientOf(command, host);
      const body = { on: off === undefined, ...options };
      report(await client.post<DoneAnswer>("/v1/radius/drain", {}, body), command);
    });

  radius
    .command("secret")
    .description("make a shared secret of 192 random bits")
    .action((_options: object, command: Command) => {
      const secret = randomBytes(24).toString("base64url");
      if (wantsJson(command)) printJson(host, { secret });
      else host.out(`${secret}\n`);
    });
}

function refuse(words: readonly string[]): void {
  if (words.length === 0) return;
  throw new CliError(EXIT.usage, `"${words.join(" ")}" is too much; see --help`);
}
