import { describe, expect, it } from "vitest";
import { Fabric } from "./lib/fabric.js";
import { imet, macIp } from "./lib/route.js";

describe("a FIB that joins a table with routes", () => {
  it("goes over it again when a later route says what an earlier one's domain is", () => {
    const fabric = new Fabric();
    // Which of the two targets is the bridge domain's, only the type 3 route tells.
    const routed = { rd: "10.0.0.1:1", mac: "02:00:00:00:00:01", label: 9, label2: 5000 };
    const targets = ["65000:7", "65000:8"];
    fabric.announce(1, macIp({ ...routed, ip: "10.1.0.1" }), { nextHop: "10.0.0.1", targets });
    fabric.announce(1, imet("10.0.0.1:1", 0, "10.0.0.1"), {
      nextHop: "10.0.0.1",
      targets: ["65000:7"],
    });
    const fib = fabric.newFib();
    while (fib.read(1000));
    const domains = fib.pages.list({}, 0, 10).rows.map(({ domain }) => domain);
    expect(domains).toEqual(["65000:7"]);
  });
});
