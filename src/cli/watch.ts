/**
 * evpnctl watch: what is there, then what changes, until Ctrl-C. When evpnd goes away, the watch is opened
 * again behind the last item that was shown, and it is said whether anything was missed.
 */
import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client, Query } from "./client.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { watchLine } from "./watch-text.js";
import type { WatchAnswer } from "./watch-wire.js";

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 10_000;

interface Options {
  readonly domain?: string;
  readonly vni?: number;
  readonly ip?: string;
  readonly pe?: string;
  readonly esi?: string;
  readonly kinds?: string;
  readonly expand?: boolean;
  readonly changes?: boolean;
  readonly count?: number;
}

export function addWatch(program: Command, host: CliHost): void {
  const watch = program.command("watch").description("what is there, then what changes");
  const run = async (topic: string, mac: string | undefined, options: Options, command: Command) =>
    follow(
      {
        path: `/v1/watch/${topic}`,
        client: clientOf(command, host),
        json: wantsJson(command),
        count: options.count ?? Number.POSITIVE_INFINITY,
        host,
      },
      queryOf(mac, options),
    );
  const macs = (name: string, topic: string, description: string): void => {
    filters(watch.command(name).description(description).argument("[mac]", MAC))
      .option("--expand", "tell events of a segment MAC by MAC, too")
      .option("--changes", "only what changes from now on")
      .action((mac: string | undefined, options: Options, command: Command) =>
        run(topic, mac, options, command),
      );
  };
  macs("mac", "macs", "where MACs are, then where they go; needs the MAC FIB");
  macs("alarms", "alarms", "MACs that move too often; needs the MAC FIB");
  filters(
    watch
      .command("events")
      .description("events of the MAC FIB, each of them, from now on")
      .argument("[mac]", MAC),
  ).action((mac: string | undefined, options: Options, command: Command) =>
    run("events", mac, options, command),
  );
  watch
    .command("peers")
    .description("peers and their states")
    .option("--changes", "only what changes from now on")
    .option("--count <items>", "end after so many items", wholeNumber)
    .action((options: Options, command: Command) => run("peers", undefined, options, command));
}

const MAC = "a MAC, its first digits, or one with a mask: 52:54:00:00:00:00/24";

function filters(command: Command): Command {
  return command
    .option("--domain <name>", "in this bridge domain, as show domains names it")
    .option("--vni <number>", "whose label is this VNI", wholeNumber)
    .option("--ip <address>", "that have this IP address")
    .option("--pe <address>", "that are reached through this PE")
    .option("--esi <esi>", "on this Ethernet segment")
    .option("--kinds <names>", "only changes by these events, with commas: move,duplicate")
    .option("--count <items>", "end after so many items", wholeNumber);
}

function queryOf(mac: string | undefined, options: Options): Query {
  const { domain, vni, ip, pe, esi, kinds, expand, changes } = options;
  return {
    mac,
    domain,
    vni,
    ip,
    pe,
    esi,
    kinds,
    ...(expand === true && { expand: "true" }),
    ...(changes === true && { snapshot: "false" }),
  };
}

interface Following {
  readonly path: string;
  readonly client: Client;
  readonly json: boolean;
  readonly host: CliHost;
  count: number;
}

async function follow(on: Following, query: Query): Promise<void> {
  let cursor: string | undefined;
  let retry = FIRST_RETRY_MS;
  let away = false;
  for (;;) {
    try {
      const asked = cursor === undefined ? query : { ...query, cursor };
      for await (const line of on.client.lines(on.path, asked)) {
        const item = JSON.parse(line) as WatchAnswer & Refusal;
        if (item.error !== undefined) throw new CliError(EXIT.refused, item.error.message);
        if (away) sayBack(on.host, item);
        away = false;
        retry = FIRST_RETRY_MS;
        cursor = item.cursor ?? cursor;
        show(on, line, item);
        if (item.type === "end" || on.count <= 0) return;
      }
      throw new CliError(EXIT.unreachable, "evpnd ended the connection");
    } catch (error) {
      const lost = error instanceof CliError && error.code === EXIT.unreachable;
      // The first time it is an answer; later it is what a watch has to live with.
      if (!lost || (cursor === undefined && !away)) throw error;
      if (!away) on.host.err(`evpnctl: ${error.message}; trying again until it is back\n`);
      away = true;
      await sleep(retry);
      retry = Math.min(LAST_RETRY_MS, 2 * retry);
    }
  }
}

interface Refusal {
  readonly error?: { readonly message: string };
}

function sayBack(host: CliHost, { type }: WatchAnswer): void {
  host.err(
    type === "lagged"
      ? "evpnctl: evpnd is back; changes in between are lost\n"
      : "evpnctl: evpnd is back; nothing was missed\n",
  );
}

function show(on: Following, line: string, item: WatchAnswer): void {
  if (on.json) {
    on.host.out(`${safeJson(line)}\n`);
    on.count--;
    return;
  }
  const text = watchLine(item, on.host.columns);
  if (text === undefined) return;
  on.host.out(text);
  if (item.key !== "") on.count--;
}
