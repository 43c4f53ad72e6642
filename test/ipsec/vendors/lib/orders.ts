/** Models of the golden files: the two old examples as they ship in conf/, and a modern pair. */
import { loadConfig } from "../../../../src/config/index.js";
import {
  gatewayNamed,
  parseEspProposal,
  parseIkeSuite,
  type Gateway,
  type IpsecModel,
  type Tunnel,
  type Vendor,
} from "../../../../src/ipsec/model/index.js";
import {
  renderGateway,
  type importText,
  type Rendering,
} from "../../../../src/ipsec/vendors/index.js";
import { end, gateway, iface, model, tunnel, tunnelInterface } from "../../lib/models.js";

export function shipped(file: string): IpsecModel {
  const result = loadConfig({ file: `conf/${file}`, lenient: true });
  if (!result.ok) throw new Error(result.issues.map((issue) => JSON.stringify(issue)).join("\n"));
  const { ipsec } = result.settings;
  if (ipsec === undefined) throw new Error(`${file} has no ipsec block`);
  return ipsec.model;
}

/** Modern, with proposals for boxes that lack Curve25519, GCM in phase 1, or extended numbers. */
export function modernPair(change: Partial<Tunnel> = {}): IpsecModel {
  const base = tunnel("modern");
  const second = parseIkeSuite("aes256-sha384-ecp384");
  const third = parseEspProposal("aes256gcm16-ecp384");
  if (second === undefined || third === undefined) throw new Error("a proposal cannot be read");
  const lifetimeSeconds = base.ike.proposals[0]?.lifetimeSeconds ?? 0;
  const made = tunnel("modern", {
    name: "dc1-dc2",
    ike: {
      ...base.ike,
      proposals: [...base.ike.proposals, { authentication: "psk", ...second, lifetimeSeconds }],
    },
    child: { ...base.child, proposals: [...base.child.proposals, third] },
    authentication: { kind: "psk", secret: "dc1-dc2-key", scope: { kind: "peer" } },
    ends: [
      end("dc1", "10.1.0.0/16", { start: "start", vteps: ["10.1.255.0/24"] }),
      end("dc2", "10.2.0.0/16", { vteps: ["10.2.255.0/24"] }),
    ],
    ...change,
  });
  const own = (name: string, address: string, far: string): Gateway =>
    gateway(name, address, {
      interfaces: [iface("eth0", { addresses: [`${address}/24`] }), tunnelInterface("tun0")],
      routes: [{ prefix: far, interface: "tun0" }],
    });
  return model(
    [made],
    [own("dc1", "192.0.2.1", "10.2.0.0/16"), own("dc2", "198.51.100.1", "10.1.0.0/16")],
  );
}

/** The modern pair as policy-based. */
export function modernPolicy(): IpsecModel {
  const none = { binding: { kind: "none" } as const };
  return modernPair({
    kind: "policy-based",
    ends: [end("dc1", "10.1.0.0/16", none), end("dc2", "10.2.0.0/16", none)],
  });
}

export function named(of: IpsecModel, name: string): Gateway {
  const found = gatewayNamed(of, name);
  if (found === undefined) throw new Error(`no gateway ${name}`);
  return found;
}

export const fingerprint = (secret: string): string =>
  `f00d${secret.length.toString(16).padStart(4, "0")}`;

export function render(of: IpsecModel, name: string, vendor?: Vendor): Rendering {
  return renderGateway(of, named(of, name), { vendor, fingerprint });
}

/** Everything of a rendering as one text. */
export function asText({ files, findings, byHand, secrets }: Rendering): string {
  return [
    ...files.map(({ name, text }) => `### ${name}\n${text}`),
    ...findings.map(
      ({ severity, code, tunnel: of, message, remedy }) =>
        `### ${severity} ${code}${of === "" ? "" : ` (${of})`}: ${message}; ${remedy}\n`,
    ),
    ...byHand.map((step) => `### by hand: ${step}\n`),
    ...secrets.map(({ name, fingerprint: print }) => `### secret: ${name} ${print ?? "missing"}\n`),
  ].join("");
}

/** What was imported, as the gateway's own text. */
export function renderedAgain(of: ReturnType<typeof importText>): string {
  const { files } = renderGateway(of.model, named(of.model, of.gateway ?? ""), {
    fingerprint: () => undefined,
    kept: of.kept,
  });
  return files.map(({ text }) => text).join("");
}
