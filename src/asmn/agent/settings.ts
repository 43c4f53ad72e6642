/** What an agent is told by its file: who it is, whom it proves itself to, and how its router is bound to it. */
import type { AllowedChange, ManifestSources } from "../measure/index.js";
import type { AsmnEndpoint } from "../settings.js";

export interface AgentSettings {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  /** Key, ratchet, digest cache and status; mode 0700. */
  readonly stateDirectory: string;
  /** Tried in this order. */
  readonly secEms: readonly AsmnEndpoint[];
  /** Public root keys (64 hexadecimal digits) that certify the keys of the Sec-EMs: two while the root changes. */
  readonly rootKeys: readonly string[];
  /** Holds the enrolment token; read when the instance is not enrolled. */
  readonly tokenFile: string | undefined;
  readonly image: {
    readonly path: string;
    readonly threads: number;
    /** After so long a digest that is known from before is checked; 0 = the image is read for every proof. */
    readonly recheckSeconds: number;
  };
  readonly manifest: ManifestSources & { readonly allowed: readonly AllowedChange[] };
  /** Undefined: as the Sec-EM says. */
  readonly renewalSeconds: number | undefined;
  readonly root: AgentRoot;
  readonly binding: AgentBinding;
  readonly traffic: AgentTraffic | undefined;
  /** Undefined: `status.json` in the state directory. */
  readonly statusFile: string | undefined;
}

/** What vouches for the measurement beside the agent's own word. */
export type AgentRoot =
  | { readonly kind: "none" }
  /** A document that the platform signed, read anew for each proof. */
  | { readonly kind: "platform"; readonly file: string }
  /** Prints the platform's document, or a TPM's, with the challenge (hexadecimal digits) that it is given. */
  | { readonly kind: "platform" | "tpm"; readonly command: readonly string[] };

/** How the router's BGP session is bound to this agent. */
export type AgentBinding =
  | { readonly kind: "address" }
  | {
      readonly kind: "tls-proxy";
      /** Where the router peers with the agent. */
      readonly listen: AsmnEndpoint;
      /** The reflector's proxy. */
      readonly reflector: AsmnEndpoint;
      /** Of the reflector's proxy, 64 hexadecimal digits. */
      readonly publicKey: string;
      /** Local address of the connections to the reflector; undefined = any. */
      readonly source: string | undefined;
    }
  | {
      readonly kind: "tcp-md5";
      /** Installs the key; `{key}` in it stands for the key. */
      readonly command: readonly string[];
      /** Its standard input; `{key}` stands for the key. */
      readonly input: string | undefined;
    };

/** Traffic between VNFs through the agents. */
export interface AgentTraffic {
  /** Where agents of other VNFs connect; undefined = nowhere. */
  readonly listen: AsmnEndpoint | undefined;
  /** Ports that other VNFs may ask for, if the catalog allows it too. */
  readonly accept: readonly AcceptedPort[];
  readonly connect: readonly TrafficRoute[];
}

export interface AcceptedPort {
  readonly port: number;
  readonly to: AsmnEndpoint;
}

/** What arrives at `listen` goes to a port of another VNF. */
export interface TrafficRoute {
  readonly listen: AsmnEndpoint;
  readonly vnf: string;
  readonly instance: string;
  readonly agent: AsmnEndpoint;
  readonly port: number;
}

export const AGENT_DEFAULTS = {
  stateDirectory: "/var/lib/evpnd-agent",
  threads: 1,
  recheckSeconds: 86_400,
} as const;
