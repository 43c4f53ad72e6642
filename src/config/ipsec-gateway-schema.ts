/** The `ipsec.sites` block of the configuration's schema. */
import { VENDORS } from "../ipsec/model/index.js";
import { block, choice, flag, IDENTITY, list, name, prefix, text, whole } from "./ipsec-nodes.js";
import type { SchemaNode } from "./schema-node.js";

const LABEL = text("Its name.", 64);
const KBIT = 100_000_000;

const zone = block(
  { name: LABEL, trusted: flag(true, "Whether management may be open there.") },
  "A zone beside Trust, Untrust, MGT, Null and VLAN.",
  ["name"],
);

const gatewayInterface = block(
  {
    name: LABEL,
    zone: text("The one zone that it is in.", 64),
    type: choice(["layer3", "wan", "tunnel", "vlan", "loopback"], "What it is.", "layer3"),
    addresses: list(prefix("Address and length."), "`192.0.2.1/24`; at most one of a family."),
    unnumbered: text("Interface whose address it borrows, in place of one of its own.", 64),
    mode: choice(["route", "nat"], "Whether it translates by itself.", "route"),
    manageable: flag(false, "It answers to management."),
    mtu: whole(68, 65535, "Octets.", 1500),
    "egress-maximum": whole(0, KBIT, "kbit/s; 0 = no limit.", 0),
    "egress-guaranteed": whole(0, KBIT, "kbit/s; 0 = none.", 0),
    "ingress-maximum": whole(0, KBIT, "kbit/s; 0 = no limit.", 0),
    "dns-proxy": flag(false, "It is a DNS proxy."),
    nhrp: flag(false, "It speaks NHRP."),
  },
  "An interface.",
  ["name", "zone"],
);

const names = (which: string): SchemaNode =>
  list(text("A name.", 64), `${which}, by their names in the address book. Default: Any.`);

const policy = block(
  {
    id: whole(1, 1_000_000, "Unique at the gateway."),
    name: text("For people.", 64),
    from: text("Zone that packets come from.", 64),
    to: text("Zone that they go to.", 64),
    source: names("Sources"),
    destination: names("Destinations"),
    service: list(text("A name.", 64), "Services. Default: ANY."),
    action: choice(["permit", "deny", "tunnel"], "What is done with a packet that matches."),
    tunnel: text("Of `tunnel`: the tunnel it goes into.", 64),
    log: flag(false, "Each match is logged."),
    enabled: flag(true, "It counts."),
  },
  "A policy; the first that matches decides.",
  ["id", "from", "to", "action"],
);

const pair = block(
  { local: prefix("Network behind the gateway."), remote: prefix("Network at the other end.") },
  "A pair of networks.",
  ["local", "remote"],
);

const nat = block(
  {
    exempt: list(
      block(
        {
          interface: text("Where packets come in.", 64),
          list: text("Name of the access list.", 64),
          pairs: list(pair, "What keeps its addresses."),
        },
        "An exemption.",
        ["interface", "list", "pairs"],
      ),
      "Pairs of networks that are not translated: those of tunnels.",
    ),
    overload: list(
      block(
        {
          id: whole(1, 65535, "Number of the rule."),
          inside: text("Interface that packets come from.", 64),
          outside: text("Interface whose address they take.", 64),
          source: prefix("Whose packets. Default: everybody's."),
        },
        "A rule.",
        ["id", "inside", "outside"],
      ),
      "What is translated to the address of an interface.",
    ),
  },
  "Address translation at the gateway.",
);

const objects = block(
  {
    package: text("Policy package that is installed.", 64),
    networks: list(
      block({ name: LABEL, prefix: prefix("Its addresses.") }, "A network object.", [
        "name",
        "prefix",
      ]),
      "Network objects.",
    ),
    gateways: list(
      block(
        {
          name: LABEL,
          address: { type: "string", format: "ip", description: "Its address." },
          interoperable: flag(false, "Another maker's device."),
          "vpn-domain": text("Network object that is its VPN domain.", 64),
          "subnet-key-exchange": flag(true, "One SA for a pair of subnets, not of hosts."),
          topology: list(
            block(
              {
                name: LABEL,
                side: choice(["external", "internal"], "Which side it is on."),
                address: prefix("Its address and length."),
              },
              "An interface.",
              ["name", "side"],
            ),
            "Its interfaces.",
          ),
        },
        "A gateway object.",
        ["name", "address", "vpn-domain"],
      ),
      "Gateway objects.",
    ),
    rules: list(
      block(
        {
          name: LABEL,
          position: whole(1, 100_000, "Place in the rule base.", 1),
          source: list(text("A name.", 64), "Network objects."),
          destination: list(text("A name.", 64), "Network objects."),
          service: text("Service.", 64),
          action: choice(["encrypt", "accept", "drop"], "What is done.", "encrypt"),
          track: choice(["none", "log", "alert"], "What is noted.", "log"),
          peer: text("Gateway object that may be the other end.", 64),
        },
        "A rule.",
        ["name", "source", "destination", "peer"],
      ),
      "Rules of the rule base.",
    ),
  },
  "Objects of its management server (Check Point).",
);

const gateway = block(
  {
    name: name("Unique among all gateways."),
    vendor: choice(VENDORS, "Whose box it is: what is rendered, imported, or driven."),
    version: text("Of its software, where what it can do depends on it: `5.9.8`.", 64),
    description: text("For people."),
    "host-name": text("Its host name.", 64),
    address: { type: "string", format: "ip", description: "Where its peer finds it." },
    host: text("The same by a DNS name.", 253),
    "dynamic-id": text("It comes from any address, and is known by this id.", 253),
    "dialup-user": text("It dials in as this user.", 253),
    "dialup-group": text("It dials in as one of this group.", 253),
    identity: IDENTITY,
    zones: list(zone, "Zones beside the predefined ones."),
    interfaces: list(gatewayInterface, "Interfaces."),
    "address-book": list(
      block(
        {
          zone: text("Zone that it is in.", 64),
          name: LABEL,
          prefix: prefix("Its addresses."),
        },
        "An entry.",
        ["zone", "name", "prefix"],
      ),
      "Named addresses, per zone.",
    ),
    policies: list(policy, "Policies between zones, in order."),
    nat,
    routes: list(
      block(
        {
          prefix: prefix("Where to."),
          "next-hop": { type: "string", format: "ip", description: "By which router." },
          interface: text("By which interface.", 64),
        },
        "A route.",
        ["prefix"],
      ),
      "Static routes.",
    ),
    "permit-ipsec": flag(
      false,
      "What came through a tunnel passes interface access lists (a weakness: needs an opt-in).",
    ),
    "ike-interfaces": list(
      text("A name.", 64),
      "Interfaces that IKE is switched on for. Default: those that tunnels leave by.",
    ),
    objects,
  },
  "A gateway.",
  ["name", "vendor"],
);

export const ipsecSitesSchema: SchemaNode = list(
  block(
    {
      name: name("Unique."),
      description: text("For people."),
      gateways: list(gateway, "Its gateways."),
    },
    "A site.",
    ["name"],
  ),
  "Sites with their gateways.",
);
