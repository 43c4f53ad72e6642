/** Ports towards access points: the one that nothing waits on makes room, not the one that waits longest. */
import { afterEach, expect, test } from "vitest";
import type { ClientWay } from "../../../src/radius/dynamic/client-door.js";
import { ClientWays } from "../../../src/radius/dynamic/client-ways.js";
import { createClient } from "../../../src/radius/server/client-table.js";
import type { UpstreamPort } from "../../../src/radius/upstream/port.js";
import { radiusSession } from "../../lib/fake-radius.js";
import { client } from "../lib/run.js";

const lost: UpstreamPort[] = [];
const one = createClient(client());
const ways = new ClientWays({
  now: () => 0,
  clientPort: () => 3799,
  clientAt: () => one,
  tlsClient: () => undefined,
  onAnswer: () => {},
  onLost: (port) => lost.push(port),
});
afterEach(() => ways.close());

test("RAD-62: many access points at a time: an answer that is waited for is not given up for another's", () => {
  const wayTo = (n: number): ClientWay => {
    const way = ways.wayTo(radiusSession({ client: `127.1.${n >> 8}.${n & 255}` }));
    if (typeof way === "number") throw new Error(`Error-Cause ${way}`);
    return way;
  };
  const first = wayTo(0);
  first.port.take();
  const second = wayTo(1);
  for (let n = 2; n < 513; n++) wayTo(n);
  expect(lost).toEqual([second.port]);
  expect(wayTo(0).port).toBe(first.port);
});
