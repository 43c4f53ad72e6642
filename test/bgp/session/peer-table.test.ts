import { describe, expect, test } from "vitest";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Network, node, peer, range, settings } from "./harness.js";

describe("two tables", () => {
  test("an active and a passive peer come up and exchange UPDATEs", () => {
    const network = new Network();
    const a = node(network, "10.0.0.1", settings({ peers: [peer("10.0.0.2")] }));
    const b = node(
      network,
      "10.0.0.2",
      settings({ routerId: "10.0.0.2", peers: [peer("10.0.0.1", { passive: true })] }),
    );
    b.table.start();
    a.table.start();
    network.advance(0);
    expect(a.table.view("10.0.0.2")?.state).toBe("Established");
    expect(b.table.view("10.0.0.1")?.state).toBe("Established");
    a.table.session("10.0.0.2")!.send(encodeEndOfRib(Family.Evpn));
    network.advance(0);
    expect(b.sink.events.at(-1)).toMatchObject({
      kind: "update",
      hex: Buffer.from(encodeEndOfRib(Family.Evpn)).toString("hex"),
    });
    network.advance(3_600_000);
    expect(a.sink.kinds()).toEqual(["established"]);
    expect(b.sink.kinds()).toEqual(["established", "update"]);
  });

  test("a dynamic peer comes up from its range", () => {
    const network = new Network();
    const a = node(network, "10.0.0.1", settings({ dynamic: [range("10.0.0.0/24")] }));
    const b = node(
      network,
      "10.0.0.2",
      settings({ routerId: "10.0.0.2", peers: [peer("10.0.0.1")] }),
    );
    a.table.start();
    b.table.start();
    network.advance(0);
    expect(a.table.view("10.0.0.2")).toMatchObject({ state: "Established", dynamic: true });
  });
});
