/** Which PEs the fabric hangs on, and that their failure takes what was said. */
import { expect, it } from "vitest";
import { SinglePoints, type SinglePointReport } from "../../../src/fib/what-if/single-points.js";
import { Fabric } from "../lib/fabric.js";
import { ethernetAd, macIp, MAX_ET } from "../lib/route.js";

const ESI = "00112233445566778899";

function ask(fabric: Fabric): SinglePointReport {
  let answer: SinglePointReport | undefined;
  let time = 0;
  const job = new SinglePoints(
    fabric.fib,
    () => time++,
    (report) => {
      answer = report;
    },
  );
  while (!job.step());
  return answer!;
}

function fill(fabric: Fabric, pe: number, from: number, to: number, esi?: string): void {
  for (let n = from; n < to; n++) {
    const mac = `02:00:00:00:${n.toString(16).padStart(4, "0").replace(/(..)/, "$1:")}`;
    const nlri = macIp({ rd: `10.0.0.${pe}:1`, mac, esi });
    fabric.announce(pe, nlri, { nextHop: `10.0.0.${pe}`, targets: ["65000:100"] });
  }
}

it("counts MACs that one PE alone announces, and those that its segment would bring back", () => {
  const fabric = new Fabric({}, 4);
  fill(fabric, 1, 0, 700);
  fill(fabric, 2, 600, 800);
  fill(fabric, 1, 800, 810, ESI);
  for (const pe of [1, 2]) {
    const attr = { nextHop: `10.0.0.${pe}`, targets: ["65000:100"] };
    const label = { singleActive: false, label: 0 };
    const nlri = ethernetAd(`10.0.0.${pe}:0`, ESI, MAX_ET, 0);
    fabric.announce(pe, nlri, { ...attr, esiLabel: label });
  }
  fabric.read();
  const report = ask(fabric);
  expect(report).toEqual({
    looked: 810,
    shared: 100,
    pes: [
      { pe: "10.0.0.1", macs: 610, returning: 10 },
      { pe: "10.0.0.2", macs: 100, returning: 0 },
    ],
    pesCut: false,
  });
  fabric.lose(1).read();
  expect(fabric.fib.macs.entries.count).toBe(810 - 610);
});

it("is nothing where there is nothing", () => {
  expect(ask(new Fabric())).toEqual({ looked: 0, shared: 0, pes: [], pesCut: false });
});
