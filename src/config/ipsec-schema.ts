/** The `ipsec` block of the configuration's schema. */
import { IPSEC_DEFAULTS } from "../ipsec/settings.js";
import { ipsecSitesSchema } from "./ipsec-gateway-schema.js";
import { block, choice, name, text, whole } from "./ipsec-nodes.js";
import { ipsecTunnelsSchema } from "./ipsec-tunnel-schema.js";
import type { SchemaNode } from "./schema-node.js";

export const ipsecSchema: SchemaNode = block(
  {
    local: name(
      "Gateway that evpnd drives itself, over VICI. Without it tunnels are checked and rendered only.",
    ),
    install: choice(
      ["manual", "automatic"],
      "Whether a changed configuration waits for `evpnctl ipsec install`.",
      IPSEC_DEFAULTS.install,
    ),
    "vici-socket": {
      ...text("Control socket of the local IKE daemon.", 107),
      default: IPSEC_DEFAULTS.viciSocket,
    },
    secrets: block(
      {
        file: text(
          "Where secrets are kept, mode 0600. Default: `ipsec/secrets` in `restart.state-dir`.",
          4096,
        ),
        "key-file": text(
          "File of 32 octets or more, mode 0600, that they are encrypted with. Without it the file's mode alone protects them.",
          4096,
        ),
      },
      "The secret store.",
    ),
    fabric: block(
      {
        "when-down": choice(
          ["off", "hold", "depreference"],
          "What happens to routes whose next hop is a VTEP behind a tunnel that is down or unverified: nothing, they are held, or they become the last choice.",
          IPSEC_DEFAULTS.fabric.effect,
        ),
        "hold-down": whole(
          0,
          3600,
          "Seconds that a tunnel must have been up again before its routes count.",
          IPSEC_DEFAULTS.fabric.holdDownSeconds,
        ),
      },
      "What tunnels do to the fabric's routes.",
    ),
    sites: ipsecSitesSchema,
    tunnels: ipsecTunnelsSchema,
  },
  "IPsec tunnels under the fabric ([guide](ipsec.md)).",
);
