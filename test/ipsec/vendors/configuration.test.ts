/** An imported model written as a configuration file, and loaded again. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { loadConfig } from "../../../src/config/index.js";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import { configurationOf, importText } from "../../../src/ipsec/vendors/index.js";
import { shipped } from "./lib/orders.js";

function loaded(model: IpsecModel): IpsecModel | undefined {
  const text = stringify({
    as: 65000,
    "router-id": "10.0.0.1",
    "dynamic-peers": [{ prefix: "10.0.0.0/8" }],
    ipsec: { secrets: { file: "/nowhere/secrets" }, ...configurationOf(model) },
  });
  const result = loadConfig({ text, lenient: true });
  if (!result.ok) throw new Error(JSON.stringify(result.issues, null, 1));
  return result.settings.ipsec?.model;
}

test.each([
  ["IPS-27: the branch's", "screenos", "ssg-branch.printed.txt"],
  ["IPS-76: the PIX's", "pix", "pix.printed.txt"],
] as const)(
  "%s text becomes a configuration that loads as the same model",
  (_name, vendor, file) => {
    const text = readFileSync(`test/ipsec/fixtures/${file}`, "utf8");
    const { model } = importText(vendor, text, { gateway: "box" });
    const again = loaded(model);
    expect(again?.gateways).toEqual(model.gateways);
    expect(again?.tunnels).toEqual(model.tunnels);
  },
);

test.each(["ipsec-ssg.yaml"])("IPS-64: the shipped example %s survives the same way", (file) => {
  const model = shipped(file);
  const again = loaded(model);
  expect(again?.gateways).toEqual(model.gateways);
  expect(again?.tunnels).toEqual(model.tunnels);
});
