/** The metric page: values where they belong. That docs/metrics.md lists each metric and no other is in test/docs. */
import { describe, expect, test } from "vitest";
import { collectMetrics } from "../../src/telemetry/index.js";
import { METRICS } from "../../src/telemetry/metric-table.js";
import { createSpeaker } from "../../src/bgp/speaker.js";
import { loadConfig } from "../../src/config/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl, peerView } from "../lib/fake-control.js";
import { LocalQuarantineControl } from "../../src/fib/index.js";
import { smallFib } from "../lib/fib.js";

const stalls = { take: () => ({ maxSeconds: 0.25, p999Seconds: 0.125 }), stop() {} };

test("values come from summary, peers, statistics and the process", async () => {
  const { contentType, text } = await collectMetrics(new FakeControl(), stalls);
  expect(contentType).toContain("text/plain");
  for (const line of [
    'evpnd_info{version="0.1.0",as="65000",router_id="10.0.0.254"} 1',
    "evpnd_destinations 3",
    "evpnd_updates_total 7",
    'evpnd_peer_up{peer="10.0.0.1",group="leaves"} 1',
    'evpnd_peer_routes_accepted{peer="10.0.0.1",group="leaves",family="l2vpn-evpn"} 2',
    'evpnd_peer_messages_total{peer="10.0.0.1",group="leaves",direction="in",type="keepalive"} 12',
    'evpnd_peer_faults_total{peer="10.0.0.1",group="leaves",effect="treat-as-withdraw"} 1',
    "evpnd_event_loop_stall_max_seconds 0.25",
    "evpnd_event_loop_stall_p999_seconds 0.125",
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("the MAC FIB's, when there is one", async () => {
  const { control, fabric } = smallFib();
  const quarantine = new LocalQuarantineControl(fabric.fib);
  const { text } = await collectMetrics(new FakeControl(), stalls, control, quarantine);
  const samples = text.split("\n").filter((line) => line.startsWith("evpnd_fib_"));
  expect(samples).toEqual([
    "evpnd_fib_macs 5",
    "evpnd_fib_ips 1",
    "evpnd_fib_domains 3",
    "evpnd_fib_segments 1",
    "evpnd_fib_duplicates 0",
    "evpnd_fib_quarantined 0",
    "evpnd_fib_duplicate_alarms_total 0",
    "evpnd_fib_quarantine_attempts_total 0",
    "evpnd_fib_sticky_conflicts 0",
  ]);
  const off = await collectMetrics(new FakeControl(), stalls);
  expect(off.text).not.toMatch(/^evpnd_fib_/m);
});

test("the page is well formed: help and type once, in front of the metric's samples", async () => {
  const control = new FakeControl();
  control.peerViews = Array.from({ length: 50 }, (_, index) =>
    peerView({ address: `10.0.0.${index}`, group: 'odd "name"\\\n' }),
  );
  const { text } = await collectMetrics(control, stalls);
  let metric = "";
  const seen = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    const [, name] = /^# HELP (\S+) \S/.exec(line) ?? [];
    if (name !== undefined) {
      expect(seen.has(name)).toBe(false);
      seen.add((metric = name));
    } else if (line.startsWith("#")) {
      expect(line).toMatch(new RegExp(`^# TYPE ${metric} (gauge|counter|histogram)$`));
    } else {
      expect(line).toMatch(/^[a-z0-9_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? [0-9.e+-]+$/);
      expect(line.split(/[ {]/)[0]).toBe(metric);
    }
  }
  expect(seen.size).toBe(METRICS.length);
});

test("a peer that is gone leaves no metric behind", async () => {
  const control = new FakeControl();
  await collectMetrics(control, stalls);
  control.peerViews = [];
  expect((await collectMetrics(control, stalls)).text).not.toContain("10.0.0.1");
});

describe("the table", () => {
  test("has a row for each statistic of the speaker, and no other", async () => {
    const config = loadConfig({});
    if (!config.ok) throw new Error("the default is refused");
    const { control } = createSpeaker({
      settings: config.settings.speaker,
      log: silentLog,
      clock: systemClock,
    });
    const names = METRICS.map((row) => row.name);
    const keys = Object.keys(await control.stats());
    expect(keys.filter((key) => !names.includes(key))).toEqual([]);
    const rows = METRICS.filter((row) => row.from === "stats").map((row) => row.name);
    expect(rows.filter((name) => !keys.includes(name))).toEqual([]);
  });
});

test("the API thread's, where it runs in one", async () => {
  const api = { up: true, deaths: 1, calls: 2, refused: 3, reads: 4, retries: 5, fallbacks: 6 };
  const { text } = await collectMetrics(new FakeControl(), stalls, undefined, undefined, api);
  const samples = text.split("\n").filter((line) => line.startsWith("evpnd_api_"));
  expect(samples).toEqual([
    "evpnd_api_up 1",
    "evpnd_api_deaths_total 1",
    "evpnd_api_calls_total 2",
    "evpnd_api_calls_refused_total 3",
    "evpnd_api_fib_reads_total 4",
    "evpnd_api_fib_read_retries_total 5",
    "evpnd_api_fib_fallbacks_total 6",
  ]);
});
