/**
 * Watches evpnd's MACs, in a process of its own so that it does not disturb whoever measures:
 * `node dist/perf/watch-load.js --url http://127.0.0.1:8179 --watchers 10 --seconds 20 --stopped 15`.
 * The first watcher reads nothing for `--stopped` seconds and then goes on. At the end, when nothing comes any
 * more, what each one holds is compared with a dump of the FIB. Prints one JSON line.
 */
import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

interface Mac {
  readonly domain: string;
  readonly mac: string;
  readonly pe: string;
  readonly sequence: number;
}

interface Item {
  readonly type: string;
  readonly key: string;
  readonly mac?: Mac;
  readonly change?: { readonly events: number };
}

const { values } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:8179" },
    watchers: { type: "string", default: "10" },
    seconds: { type: "string", default: "20" },
    stopped: { type: "string", default: "15" },
  },
});
const PATIENCE_MS = 20_000;
const QUIET_MS = 2000;
const LONGEST_QUIET_MS = 120_000;

function tryOpen(path: string): Promise<IncomingMessage> {
  const headers = { accept: "application/x-ndjson" };
  return new Promise((resolve, reject) => {
    get(`${values.url}${path}`, { headers, agent: false }, resolve).on("error", reject);
  });
}

/** The API may open after BGP. */
async function open(path: string): Promise<IncomingMessage> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await tryOpen(path);
    } catch (error) {
      if (performance.now() >= until) throw error;
      await sleep(100);
    }
  }
}

function eachLine(response: IncomingMessage, look: (line: string) => void): void {
  let rest = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) look(line);
  });
}

/** A client as docs/watch.md says. */
class Watcher {
  items = 0;
  /** Changes that they told of, coalesced ones included. */
  events = 0;
  lags = 0;
  lastItem = 0;
  readonly held = new Map<string, string>();
  response: IncomingMessage | undefined;
  private readonly doubt = new Set<string>();

  async open(): Promise<void> {
    this.response = await open("/v1/watch/macs");
    eachLine(this.response, (line) => this.apply(JSON.parse(line) as Item));
  }

  private apply({ type, key, mac, change }: Item): void {
    if (type === "alive") return;
    this.items++;
    this.lastItem = performance.now();
    this.events += change?.events ?? 0;
    if (type === "lagged") this.lags++;
    if (type === "begin") for (const one of this.held.keys()) this.doubt.add(one);
    if (type === "sync") {
      for (const one of this.doubt) this.held.delete(one);
      this.doubt.clear();
    }
    if (type !== "mac") return;
    this.doubt.delete(key);
    if (mac === undefined) this.held.delete(key);
    else this.held.set(key, `${mac.pe} ${mac.sequence}`);
  }
}

async function dump(): Promise<Map<string, string>> {
  const there = new Map<string, string>();
  const response = await open("/v1/fib/macs");
  eachLine(response, (line) => {
    const { domain, mac, pe, sequence } = JSON.parse(line) as Mac;
    there.set(`${domain} ${mac}`, `${pe} ${sequence}`);
  });
  await new Promise((resolve) => response.once("end", resolve));
  return there;
}

function differences(
  there: ReadonlyMap<string, string>,
  held: ReadonlyMap<string, string>,
): number {
  let count = 0;
  for (const [key, value] of there) if (held.get(key) !== value) count++;
  for (const key of held.keys()) if (!there.has(key)) count++;
  return count;
}

const start = performance.now();
const watchers = Array.from({ length: Number(values.watchers) }, () => new Watcher());
await Promise.all(watchers.map((watcher) => watcher.open()));
const [first] = watchers;
first?.response?.pause();
await sleep(Number(values.stopped) * 1000);
const resumed = performance.now();
first?.response?.resume();
await sleep(Math.max(0, Number(values.seconds) * 1000 - (performance.now() - start)));
const quietBy = performance.now() + LONGEST_QUIET_MS;
while (performance.now() < quietBy) {
  const last = Math.max(...watchers.map(({ lastItem }) => lastItem));
  if (performance.now() - last > QUIET_MS) break;
  await sleep(100);
}
const there = await dump();
const wrong = watchers.map(({ held }) => differences(there, held));
for (const { response } of watchers) response?.destroy();
process.stdout.write(
  `${JSON.stringify({
    macs: there.size,
    items: watchers.reduce((sum, { items }) => sum + items, 0),
    itemsOfStopped: first?.items ?? 0,
    eventsOfStopped: first?.events ?? 0,
    lags: watchers.slice(1).reduce((sum, { lags }) => sum + lags, 0),
    lagsOfStopped: first?.lags ?? 0,
    stoppedSeconds: (resumed - start) / 1000,
    wrong: wrong.reduce((sum, count) => sum + count, 0),
  })}\n`,
);
