/** Metrics of the trust checks: every row has samples, and a part that does not answer has none. */
import { expect, test } from "vitest";
import { asmnMetrics } from "../../src/telemetry/index.js";
import { MetricPage } from "../../src/telemetry/metric-page.js";
import { METRICS, PREFIX } from "../../src/telemetry/metric-table.js";
import { FakeAsmn } from "../lib/fake-asmn.js";

const ROWS = METRICS.filter(({ from }) => from === "asmn");

async function samples(status?: FakeAsmn["status"]): Promise<string[]> {
  const fake = new FakeAsmn();
  if (status !== undefined) fake.status = status;
  const page = new MetricPage();
  await asmnMetrics(() => fake.asmn)(page);
  return page
    .text()
    .split("\n")
    .filter((line) => line.startsWith(`${PREFIX}asmn_`));
}

test("every metric has a sample, with the labels that its row says", async () => {
  const lines = await samples();
  for (const { name, labels } of ROWS) {
    const own = lines.filter((line) => line.split(/[ {]/)[0] === PREFIX + name);
    expect(own.length, name).toBeGreaterThan(0);
    for (const line of own) {
      const found = [...line.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect(found, line).toEqual(labels);
    }
  }
  expect(lines).toContain('evpnd_asmn_instances{state="untrusted"} 1');
  expect(lines).toContain('evpnd_asmn_proofs_total{outcome="clone"} 1');
  expect(lines).toContain('evpnd_asmn_gateway_packets_total{what="policed"} 10');
});

test("without a part there are no samples of it, and a failure costs the page nothing", async () => {
  const none = { secEm: undefined, gate: undefined, gateway: undefined };
  expect(await samples(none)).toEqual([]);
  const page = new MetricPage();
  await asmnMetrics(() => undefined)(page);
  const fake = new FakeAsmn();
  const refusing = { ...fake.asmn, status: () => Promise.reject(new Error("the thread is gone")) };
  await asmnMetrics(() => refusing)(page);
});
