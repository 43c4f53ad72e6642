/** A golden file for each vendor and profile; `npx vitest run -u` writes them anew. */
import { describe, expect, test } from "vitest";
import { VENDORS, type IpsecModel, type Vendor } from "../../../src/ipsec/model/index.js";
import { asText, modernPair, modernPolicy, render, shipped } from "./lib/orders.js";

interface Golden {
  readonly profile: string;
  readonly name: string;
  readonly model: IpsecModel;
  /** What each gateway is rendered as; the first one for every vendor. */
  readonly own: readonly (readonly [string, Vendor])[];
}

const GOLDENS: readonly Golden[] = [
  {
    profile: "ssg",
    name: "IPS-02, IPS-06, IPS-07, IPS-09, IPS-11, IPS-14, IPS-15, IPS-23, IPS-25, IPS-26, IPS-64: renderings of the SSG network",
    model: shipped("ipsec-ssg.yaml"),
    own: [
      ["hq-ssg", "screenos"],
      ["branch-ssg", "screenos"],
    ],
  },
  {
    profile: "pix",
    name: "IPS-42, IPS-43, IPS-44, IPS-45, IPS-46, IPS-47, IPS-48, IPS-49, IPS-50, IPS-51, IPS-52, IPS-53, IPS-64: renderings of the PIX network",
    model: shipped("ipsec-pix.yaml"),
    own: [
      ["pix", "pix"],
      ["checkpoint", "checkpoint"],
    ],
  },
  {
    profile: "modern",
    name: "IPS-80: renderings of a modern pair",
    model: modernPair(),
    own: [
      ["dc1", "strongswan"],
      ["dc2", "strongswan"],
    ],
  },
  {
    profile: "modern-policy",
    name: "IPS-80: renderings of a modern policy",
    model: modernPolicy(),
    own: [["dc1", "strongswan"]],
  },
];

describe.each(GOLDENS)("$name", ({ profile, model, own }) => {
  const [[first] = [""]] = own;
  const cases = [...VENDORS.map((vendor) => [first, vendor] as const), ...own.slice(1)];
  test.each(cases)("%s as %s", async (gateway, vendor) => {
    const text = asText(render(model, gateway, vendor));
    await expect(text).toMatchFileSnapshot(`golden/${profile}.${gateway}.${vendor}.txt`);
  });
});

test("IPS-86: secrets are placeholders with a keyed fingerprint in every vendor's text", () => {
  for (const { model, own } of GOLDENS) {
    for (const [gateway] of own) {
      for (const vendor of VENDORS) {
        const { files, secrets, findings } = render(model, gateway, vendor);
        if (findings.some(({ severity }) => severity === "error")) continue;
        const text = files.map((file) => file.text).join("");
        expect(secrets.length, `${gateway} as ${vendor}`).toBeGreaterThan(0);
        for (const { name, fingerprint } of secrets) {
          expect(text, `${gateway} as ${vendor}`).toContain(
            `<secret:${name}#${String(fingerprint)}>`,
          );
        }
      }
    }
  }
});

test("no tunnel is left out without a finding", () => {
  for (const { model, own } of GOLDENS) {
    for (const vendor of VENDORS) {
      const { files, findings } = render(model, own[0]?.[0] ?? "", vendor);
      const there = files.some(({ text }) => text.includes("secret:"));
      expect(there || findings.some(({ severity }) => severity === "error"), vendor).toBe(true);
    }
  }
});
