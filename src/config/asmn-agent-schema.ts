/** Schema of an agent's file (conf/asmn-agent.yaml), which is not the daemon's. */
import { AGENT_DEFAULTS } from "../asmn/agent/settings.js";
import { block, choice, list, name, text, whole } from "./ipsec-nodes.js";
import type { SchemaNode } from "./schema-node.js";

const KEY: SchemaNode = { type: "string", pattern: "^[0-9a-f]{64}$" };

function key(description: string): SchemaNode {
  return { ...KEY, description };
}

function endpoint(description: string): SchemaNode {
  return { type: "string", format: "endpoint", description };
}

function path(description: string): SchemaNode {
  return text(description, 4096);
}

const COMMAND: SchemaNode = {
  type: "array",
  minItems: 1,
  maxItems: 64,
  items: { type: "string", maxLength: 4096 },
};

function command(description: string): SchemaNode {
  return { ...COMMAND, description };
}

const bindingSchema = block(
  {
    kind: choice(
      ["address", "tls-proxy", "tcp-md5"],
      "How the router's session is bound to this agent.",
      "address",
    ),
    listen: endpoint("tls-proxy: where the router peers with the agent."),
    reflector: endpoint("tls-proxy: the reflector's proxy."),
    key: key("tls-proxy: public key of the reflector's proxy."),
    source: { type: "string", format: "ip", description: "tls-proxy: local address towards it." },
    command: command("tcp-md5: installs the key in the router; {key} stands for it."),
    input: text("tcp-md5: standard input of the command; {key} stands for the key.", 16_384),
  },
  "The BGP session of the router beside the agent.",
);

const trafficSchema = block(
  {
    listen: endpoint("Where agents of other VNFs connect."),
    accept: list(
      block(
        {
          port: whole(1, 65_535, "The port that the catalog names."),
          to: endpoint("Where its connections go."),
        },
        "A port that other VNFs may reach.",
        ["port", "to"],
      ),
      "Ports that other VNFs may reach, where the catalog allows it.",
    ),
    connect: list(
      block(
        {
          listen: endpoint("Where programs of this VNF connect."),
          vnf: name("The other VNF."),
          instance: name("Its instance."),
          agent: endpoint("Where its agent listens."),
          port: whole(1, 65_535, "The port that the catalog names."),
        },
        "A port of another VNF.",
        ["listen", "vnf", "instance", "agent", "port"],
      ),
      "Ports of other VNFs.",
    ),
  },
  "Encrypted traffic between VNFs, through their agents.",
);

export const asmnAgentSchema: SchemaNode = block(
  {
    tenant: name("Tenant, as the Sec-EM knows it."),
    vnf: name("VNF, as the Sec-EM knows it."),
    instance: name("This instance of it."),
    "state-dir": {
      ...path("Key, ratchet, known digests and status; mode 0700."),
      default: AGENT_DEFAULTS.stateDirectory,
    },
    "sec-em": {
      ...list(endpoint("Where it listens for agents."), "Sec-EMs, tried in this order."),
      minItems: 1,
      maxItems: 8,
    },
    "root-keys": {
      ...list(
        KEY,
        "Public root keys of the Sec-EMs (`evpnctl asmn keys`); two while the root changes.",
      ),
      minItems: 1,
      maxItems: 4,
    },
    "token-file": path("File with the enrolment token; not needed once enrolled."),
    image: block(
      {
        path: path("The image that this instance was made from."),
        threads: whole(1, 64, "Threads that hash it.", AGENT_DEFAULTS.threads),
        "recheck-seconds": whole(
          0,
          30 * 86_400,
          "Age at which a digest that is known from before is checked, when nothing says that the file has changed; 0 = it is read for every proof.",
          AGENT_DEFAULTS.recheckSeconds,
        ),
      },
      "What is measured, immutable.",
      ["path"],
    ),
    manifest: block(
      {
        files: list(path("File or directory."), "Files and directories."),
        processes: list(text("As in /proc/PID/comm.", 15), "Programs that run."),
        configuration: list(
          block(
            { name: name("Its name in the manifest."), command: command("Prints it.") },
            "A configuration.",
            ["name", "command"],
          ),
          "Configuration, as commands print it.",
        ),
        "allowed-changes": list(
          block(
            {
              kind: choice(["file", "process", "configuration"], "What it is."),
              name: text("Its name; * stands for any characters.", 1024),
            },
            "Something that may change.",
            ["kind", "name"],
          ),
          "What may change, come and go while it runs.",
        ),
      },
      "What is measured as it runs.",
    ),
    "renew-seconds": whole(5, 86_400, "How often it proves itself; without it as the Sec-EM says."),
    root: block(
      {
        kind: choice(["none", "platform", "tpm"], "What vouches for the measurement.", "none"),
        file: path("platform: the signed document, where no command prints it."),
        command: command(
          "Prints the document, as octets or hexadecimal digits. The challenge that it must bear is its last argument, its standard input and EVPND_CHALLENGE.",
        ),
      },
      "Root of trust.",
    ),
    binding: bindingSchema,
    traffic: trafficSchema,
    "status-file": path(
      "Where the status is written. Default: `status.json` in the state directory.",
    ),
  },
  "An agent of the trust checks.",
  ["tenant", "vnf", "instance", "sec-em", "root-keys", "image"],
);
