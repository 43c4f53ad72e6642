/** Metrics of the RADIUS relay and of the comparison with subscribers: per network and home server, bounded. */
import { describe, expect, test } from "vitest";
import { LocalSubscriberControl } from "../../src/fib/index.js";
import { collectMetrics, radiusMetrics, subscriberMetrics } from "../../src/telemetry/index.js";
import { MOST_CLIENTS } from "../../src/telemetry/radius-metrics.js";
import { Compared, DOMAIN } from "../fib/subscribers/lib.js";
import { FakeControl } from "../lib/fake-control.js";
import { FakeRadius, someCounters } from "../lib/fake-radius.js";

const stalls = { take: () => ({ maxSeconds: 0, p999Seconds: 0 }), stop() {} };

async function samples(radius: FakeRadius): Promise<string[]> {
  const adjuncts = [radiusMetrics(() => radius)];
  const control = new FakeControl();
  const { text } = await collectMetrics(control, stalls, undefined, undefined, undefined, adjuncts);
  return text.split("\n").filter((line) => line.startsWith("evpnd_radius"));
}

describe("RAD-69", () => {
  test("every outcome per network of clients; what strangers send has none", async () => {
    const lines = await samples(new FakeRadius());
    const labels = 'tenant="default",kind="authentication",client="aps"';
    expect(lines).toContain(`evpnd_radius_packets_total{${labels},outcome="accepts"} 10`);
    expect(lines).toContain(`evpnd_radius_packets_total{${labels},outcome="bad-authenticators"} 0`);
    expect(lines).toContain(`evpnd_radius_pending_requests{${labels}} 2`);
    expect(lines).toContain(
      'evpnd_radius_packets_total{tenant="default",kind="authentication",client="",outcome="unknown"} 2',
    );
    const outcomes = lines.filter(
      (line) => line.includes("packets_total{") && line.includes(labels),
    );
    const sum = outcomes.reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
    // What came is what became of it, and what still waits.
    expect(sum + 2).toBe(someCounters({ unknown: 0, received: 23 }).received);
  });

  test("home servers with state and a latency histogram that adds up", async () => {
    const lines = await samples(new FakeRadius());
    const labels = 'tenant="default",kind="authentication",server="first"';
    expect(lines).toContain(`evpnd_radius_home_server_state{${labels}} 2`);
    const buckets = lines.filter((line) => line.startsWith("evpnd_radius_home_server_seconds"));
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_bucket{${labels},le="0.001"} 0`);
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_bucket{${labels},le="0.002"} 4`);
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_bucket{${labels},le="10"} 4`);
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_bucket{${labels},le="+Inf"} 6`);
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_sum{${labels}} 25`);
    expect(buckets).toContain(`evpnd_radius_home_server_seconds_count{${labels}} 6`);
    expect(lines).toContain(
      'evpnd_radius_client_seconds_count{tenant="default",kind="authentication",client="aps"} 18',
    );
  });

  test("RAD-60, RAD-62: connections over TLS, Disconnect and CoA", async () => {
    const lines = await samples(new FakeRadius());
    expect(lines).toContain('evpnd_radius_tls_connections{tenant="default"} 1');
    expect(lines).toContain(
      'evpnd_radius_tls_connections_total{tenant="default",outcome="unauthorised"} 0',
    );
    expect(lines).toContain('evpnd_radius_dynamic_packets_total{tenant="default",outcome="ack"} 0');
    expect(lines).toContain('evpnd_radius_dynamic_pending{tenant="default"} 0');
  });

  test("sessions and spool", async () => {
    const lines = await samples(new FakeRadius());
    expect(lines).toContain('evpnd_radius_sessions{tenant="default"} 1');
    expect(lines).toContain('evpnd_radius_spool_waiting{tenant="default"} 3');
    expect(lines).toContain('evpnd_radius_spool_failing{tenant="default"} 0');
    expect(lines).toContain("evpnd_radius_up 1");
  });

  test("many networks are summed up beyond some number of them", async () => {
    const radius = new FakeRadius();
    const counters = someCounters();
    radius.clientCounters = () =>
      Promise.resolve(
        Array.from({ length: MOST_CLIENTS + 50 }, (_, n) => ({
          tenant: "default",
          kind: "authentication" as const,
          client: `net-${n}`,
          counters,
          latency: undefined,
        })),
      );
    const accepts = (await samples(radius)).filter((line) => line.includes('outcome="accepts"'));
    expect(accepts).toHaveLength(MOST_CLIENTS + 1);
    expect(accepts.at(-1)).toContain('client="other",outcome="accepts"} 500');
  });

  test("a relay that does not answer is down, and the page goes on", async () => {
    const radius = new FakeRadius();
    radius.homeServers = () => Promise.reject(new Error("its thread ended"));
    expect(await samples(radius)).toEqual(["evpnd_radius_up 0"]);
  });
});

test("MACs without or away from their session, by domain", async () => {
  const compared = new Compared({ action: "reject" }).known();
  compared.rig.say(1).run();
  compared.pass(20);
  const control = new LocalSubscriberControl(compared.check);
  const { text } = await collectMetrics(
    new FakeControl(),
    stalls,
    undefined,
    undefined,
    undefined,
    [subscriberMetrics(() => control)],
  );
  const lines = text.split("\n").filter((line) => line.startsWith("evpnd_subscriber"));
  expect(lines).toEqual([
    "evpnd_subscriber_sessions_known 1",
    `evpnd_subscriber_macs{domain="${DOMAIN}",finding="without-session"} 1`,
    `evpnd_subscriber_macs{domain="${DOMAIN}",finding="away"} 0`,
    `evpnd_subscriber_macs_held{domain="${DOMAIN}"} 1`,
    "evpnd_subscriber_alarms_total 1",
  ]);
});
