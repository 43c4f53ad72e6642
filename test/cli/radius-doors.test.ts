import { expect, test } from "vitest";
import { formatDoors } from "../../src/cli/radius-doors.js";

test("RAD-60, RAD-62: who is connected, and what was counted, within 80 columns", () => {
  const text = formatDoors(
    {
      tls: [
        {
          ...{ tenant: "campus", address: "192.0.2.1", port: 2083 },
          connections: [
            {
              client: "ap17-of-a-building-with-a-long-name-that-goes-on",
              address: "2001:db8:1234:5678:9abc:def0:1234:5678",
              protocol: "TLSv1.3",
              ageSeconds: 90_061,
              silentSeconds: 3,
            },
          ],
          counters: { accepted: 4, unauthorised: 1, handshakesFailed: 2, overLimit: 0 },
        },
      ],
      dynamic: [
        { tenant: "campus", enabled: true, ports: [3799, 1700], counters: { acks: 5, naks: 1 } },
        { tenant: "lab", enabled: false, ports: [], counters: {} },
      ],
    },
    80,
  );
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).toContain("RADIUS over TLS of campus: 192.0.2.1 port 2083");
  expect(text).toMatch(/TLSv1.3\s+1d01h\s+00:00:03/);
  expect(text).toContain("4 accepted, 1 not authorised, 2 handshakes failed, 0 over a limit");
  expect(text).toContain("Disconnect and CoA of campus: enabled, UDP port 3799, 1700");
  expect(text).toMatch(/Acknowledged\s+5/);
  expect(text).toContain("Disconnect and CoA of lab: disabled");
});
