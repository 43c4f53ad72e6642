/**
 * What a gateway under a management server has in place of lines: named network and gateway objects, and
 * rules of a rule base that refer to them. The words are vendor-neutral; the form is Check Point's.
 */
export interface NetworkObject {
  readonly name: string;
  readonly prefix: string;
}

export interface TopologyInterface {
  readonly name: string;
  readonly side: "external" | "internal";
  readonly address?: string | undefined;
}

export interface GatewayObject {
  readonly name: string;
  readonly address: string;
  /** Another maker's device: a VPN partner that the server does not manage. */
  readonly interoperable: boolean;
  readonly topology: readonly TopologyInterface[];
  /** Network object that is the VPN domain, set by hand. */
  readonly vpnDomain: string;
  /** One SA for a pair of subnets, not one for each pair of hosts. */
  readonly subnetKeyExchange: boolean;
}

/** Traffic between its networks is encrypted to `peer`. */
export interface EncryptRule {
  readonly name: string;
  /** From 1: where it stands in the rule base. */
  readonly position: number;
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly service: string;
  readonly action: "encrypt" | "accept" | "drop";
  readonly track: "none" | "log" | "alert";
  /** Gateway object that may be the other end. */
  readonly peer: string;
}

export interface ManagedObjects {
  readonly networks: readonly NetworkObject[];
  readonly gateways: readonly GatewayObject[];
  readonly rules: readonly EncryptRule[];
  /** Name of the policy package that is installed. */
  readonly package: string;
}
