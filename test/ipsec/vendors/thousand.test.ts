/** A hub of a thousand tunnels rendered for every vendor: the CPU it takes, and that all of them are there. */
import { expect, test } from "vitest";
import { PROFILES, VENDORS, type IpsecModel } from "../../../src/ipsec/model/index.js";
import { importText, IMPORTERS, renderGateway } from "../../../src/ipsec/vendors/index.js";
import { end, gateway, iface, model, tunnel } from "../lib/models.js";
import { named } from "./lib/orders.js";

const TUNNELS = 1000;
/** What is promised for one vendor; it takes a small part of it. */
const CPU_SECONDS = 5;

function hub(kind: "route-based" | "policy-based"): IpsecModel {
  const numbers = Array.from({ length: TUNNELS }, (_, index) => index + 1);
  const address = (index: number) => `198.18.${index >> 8}.${index & 255}`;
  const bindings = (index: number) =>
    kind === "route-based"
      ? ({ kind: "interface", interface: `tunnel.${index}` } as const)
      : ({ kind: "none" } as const);
  const tunnels = numbers.map((index) =>
    tunnel(kind === "route-based" ? "ssg" : "pix", {
      name: `t${index}`,
      authentication: { kind: "psk", secret: `key-${index}`, scope: { kind: "peer" } },
      ends: [
        end("hub", `10.0.0.0/16`, { binding: bindings(index), names: { sequence: index } }),
        end(`spoke-${index}`, `10.${64 + (index >> 8)}.${index & 255}.0/24`, {
          binding: bindings(1),
        }),
      ],
    }),
  );
  const spokes = numbers.map((index) => gateway(`spoke-${index}`, address(index)));
  const interfaces = [
    iface("eth0"),
    ...numbers.map((index) =>
      iface(`tunnel.${index}`, { type: "tunnel", addresses: [], unnumbered: "eth0" }),
    ),
  ];
  return model(tunnels, [gateway("hub", "192.0.2.1", { interfaces }), ...spokes]);
}

const HUBS = { "route-based": hub("route-based"), "policy-based": hub("policy-based") } as const;

test.each(VENDORS)("1,000 tunnels for %s, in under 5 s of CPU", (vendor) => {
  const kind = vendor === "pix" || vendor === "checkpoint" ? "policy-based" : "route-based";
  const of = HUBS[kind];
  const begun = process.cpuUsage();
  const { files, findings } = renderGateway(of, named(of, "hub"), {
    vendor,
    fingerprint: () => "00ff",
  });
  const { user, system } = process.cpuUsage(begun);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  const text = files.map((file) => file.text).join("");
  expect((user + system) / 1e6).toBeLessThan(CPU_SECONDS);
  for (const index of [1, 500, TUNNELS]) {
    const address = `198.18.${index >> 8}.${index & 255}`;
    expect(text.includes(address), `tunnel ${index}`).toBe(true);
  }
});

test.each(IMPORTERS)("and %s gives all of them back, in under 5 s of CPU", (vendor) => {
  const of = HUBS[vendor === "pix" ? "policy-based" : "route-based"];
  const { files } = renderGateway(of, named(of, "hub"), { vendor, fingerprint: () => "00ff" });
  const begun = process.cpuUsage();
  const { model: back, notes } = importText(vendor, files[0]?.text ?? "", { gateway: "hub" });
  const { user, system } = process.cpuUsage(begun);
  expect(notes.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(back.tunnels).toHaveLength(TUNNELS);
  expect(back.tunnels[0]?.child).toEqual(PROFILES[vendor === "pix" ? "pix" : "ssg"]?.child);
  expect((user + system) / 1e6).toBeLessThan(CPU_SECONDS);
});
