/** Counters by network of clients: as many rows as the configuration has networks. */
import { expect, test } from "vitest";
import { ClientTable } from "../../../src/radius/server/client-table.js";
import type { ClientSettings } from "../../../src/radius/settings.js";
import { clientCounters } from "../../../src/radius/statistics/client-counters.js";
import { imbalance, listenerCounters } from "../../../src/radius/statistics/counters.js";
import { someCounters } from "../../lib/fake-radius.js";

const client = (name: string, prefix: string): ClientSettings => ({
  name,
  prefix,
  secrets: ["a secret of some length"],
  requireMessageAuthenticator: "yes",
  proxy: false,
  limitProxyState: true,
  rateLimit: 0,
});

test("RAD-69: addresses count for the network that they are of; the sums stay in balance", async () => {
  const table = new ClientTable([client("aps", "10.10.0.0/16"), client("one", "10.10.1.1/32")]);
  const strangers = { ...listenerCounters(), received: 2, unknown: 2 };
  const plain = someCounters({ unknown: 0, received: 23 });
  const byAddress = new Map([
    ["10.10.2.2", plain],
    ["10.10.3.3", plain],
    ["10.10.1.1", plain],
    ["others", plain],
    ["192.0.2.1", plain],
  ]);
  const tenants = [
    {
      settings: { name: "red" },
      sides: [{ kind: "authentication" as const, listener: { table, strangers, byAddress } }],
    },
  ];
  for (let n = 0; n < 2; n++) {
    const rows = await clientCounters(tenants);
    const accepts = Object.fromEntries(
      rows.map(({ client, counters }) => [client, counters.accepts]),
    );
    expect(accepts).toEqual({ aps: 20, one: 10, "": 0, others: 10, former: 10 });
    expect(rows.every(({ counters }) => imbalance(counters) === 0)).toBe(true);
    expect(rows.find(({ client }) => client === "aps")?.latency?.latencySumMs).toBe(0);
  }
});
