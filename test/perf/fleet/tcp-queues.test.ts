import { expect, test } from "vitest";
import { parseTcpTable } from "../../../perf/fleet/tcp-queues.js";

test("ports and queues of /proc/net/tcp", () => {
  const text = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:00B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1",
    "   1: 0100007F:00B3 0100017F:9C40 01 0000FFFF:00000010 01:00000014 00000000     0        0 2",
    "",
  ].join("\n");
  expect(parseTcpTable(text)).toEqual([
    { local: 179, remote: 0, sendQueue: 0, receiveQueue: 0 },
    { local: 179, remote: 40000, sendQueue: 65535, receiveQueue: 16 },
  ]);
});
