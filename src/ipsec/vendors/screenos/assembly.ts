/** Statements put together by what they are about: interfaces, gateways, VPNs, policies. */
import { NO_BANDWIDTH, type GatewayInterface, type InterfaceType } from "../../model/index.js";
import { plainInterface } from "../importing/far-end.js";
import type { Notebook } from "../importing/notebook.js";
import type { LogicalLine } from "../text/lines.js";
import { maskScreenos } from "./grammar.js";
import type {
  GatewayDetail,
  GatewayStatement,
  InterfaceDetail,
  PolicyDetail,
  PolicyStatement,
  ProposalStatement,
  Statement,
  VpnStatement,
} from "./statement.js";

export interface GatheredGateway {
  readonly statement: GatewayStatement;
  readonly line: LogicalLine;
  readonly details: GatewayDetail[];
}

export interface GatheredVpn {
  readonly statement: VpnStatement;
  readonly line: LogicalLine;
  bind: Extract<Statement, { kind: "vpn-bind" }> | undefined;
  monitor: Extract<Statement, { kind: "vpn-monitor" }> | undefined;
  proxyId: Extract<Statement, { kind: "vpn-proxy-id" }> | undefined;
  group: Extract<Statement, { kind: "vpn-group" }> | undefined;
}

export interface GatheredPolicy {
  readonly id: number;
  readonly statement: PolicyStatement;
  readonly line: LogicalLine;
  readonly sources: string[];
  readonly destinations: string[];
  readonly services: string[];
  enabled: boolean;
  log: boolean;
}

export type AddressStatement = Extract<Statement, { kind: "address" }>;
export type RouteStatement = Extract<Statement, { kind: "route" }>;

export class Assembly {
  /** In the order in which they are first named. */
  readonly interfaces = new Map<string, GatewayInterface>();
  /** Whose mode was said. */
  readonly moded = new Set<string>();
  readonly addresses: { readonly statement: AddressStatement; readonly line: LogicalLine }[] = [];
  readonly gateways = new Map<string, GatheredGateway>();
  readonly proposals = new Map<string, ProposalStatement>();
  readonly vpns = new Map<string, GatheredVpn>();
  readonly policies = new Map<number, GatheredPolicy>();
  readonly routes: RouteStatement[] = [];
  private readonly others: { lines: string[]; policy: number | undefined }[] = [];
  private readonly notebook: Notebook;
  /** Id of the policy that is open: set by `set policy id N`, left by `exit`. */
  private context: number | undefined;
  private lastId = 0;

  constructor(notebook: Notebook) {
    this.notebook = notebook;
  }

  take(statement: Statement, line: LogicalLine): void {
    switch (statement.kind) {
      case "interface":
        this.interface(statement.name, statement.detail);
        return;
      case "gateway":
        this.twice(this.gateways, statement.name, line);
        this.gateways.set(statement.name, { statement, line, details: [] });
        return;
      case "gateway-detail": {
        const found = this.known(this.gateways, statement.name, "gateway", line);
        found?.details.push(statement.detail);
        return;
      }
      case "p1-proposal":
      case "p2-proposal":
        this.proposals.set(statement.name, statement);
        return;
      case "vpn": {
        this.twice(this.vpns, statement.name, line);
        const none = { bind: undefined, monitor: undefined, proxyId: undefined, group: undefined };
        this.vpns.set(statement.name, { statement, line, ...none });
        return;
      }
      case "vpn-bind":
      case "vpn-monitor":
      case "vpn-proxy-id":
      case "vpn-group":
        this.vpnDetail(statement, line);
        return;
      case "address":
        this.addresses.push({ statement, line });
        return;
      case "policy":
        this.policy(statement, line);
        return;
      case "policy-context":
        this.context = statement.id;
        this.known(this.policies, statement.id, "policy", line);
        return;
      case "policy-detail":
        this.policyDetail(statement.id ?? this.context, statement.detail, line);
        return;
      case "route":
        this.routes.push(statement);
        return;
      case "exit":
        if (this.context === undefined) {
          this.notebook.add(
            "info",
            "lone-exit",
            line,
            "there is nothing here that exit would leave; it is left out",
            "nothing to do",
          );
        }
        this.context = undefined;
    }
  }

  /** A command that has no place in the model. */
  keep(line: LogicalLine): void {
    const text = maskScreenos(line.text);
    const masked = text !== line.text;
    const message = masked
      ? "the command is no matter of tunnels; it is kept, without its secret"
      : "the command is no matter of tunnels; it is kept as it is";
    this.notebook.add("info", "kept", line, message, "nothing to do");
    const last = this.others.at(-1);
    if (this.context === undefined) this.others.push({ lines: [text], policy: undefined });
    else if (last?.policy === this.context) last.lines.push(text);
    else this.others.push({ lines: [text], policy: this.context });
  }

  /** An entry may be of several lines: what stands within a policy needs its frame. */
  kept(): readonly string[] {
    return this.others.map(({ lines, policy }) =>
      policy === undefined
        ? lines.join("\n")
        : [`set policy id ${policy}`, ...lines, "exit"].join("\n"),
    );
  }

  private interface(name: string, detail: InterfaceDetail): void {
    const before = this.interfaces.get(name) ?? plainInterface(name, "Null", typeOf(name));
    if (detail.kind === "mode") this.moded.add(name);
    this.interfaces.set(name, { ...before, ...change(detail) });
  }

  private vpnDetail(
    statement: Extract<Statement, { kind: `vpn-${string}` }>,
    line: LogicalLine,
  ): void {
    const name = statement.kind === "vpn-group" ? statement.vpn : statement.name;
    const vpn = this.known(this.vpns, name, "VPN", line);
    if (vpn === undefined) return;
    if (statement.kind === "vpn-bind") vpn.bind = statement;
    else if (statement.kind === "vpn-monitor") vpn.monitor = statement;
    else if (statement.kind === "vpn-group") vpn.group = statement;
    else if (vpn.proxyId === undefined) vpn.proxyId = statement;
    else {
      const message = `the VPN "${name}" has a proxy-id already; this one is left out`;
      this.notebook.add(
        "error",
        "proxy-id-twice",
        line,
        message,
        "make a VPN of each pair of networks",
      );
    }
  }

  private policy(statement: PolicyStatement, line: LogicalLine): void {
    const id = statement.id ?? this.lastId + 1;
    this.lastId = Math.max(this.lastId, id);
    this.twice(this.policies, id, line);
    this.policies.set(id, {
      id,
      statement,
      line,
      sources: [statement.source],
      destinations: [statement.destination],
      services: [statement.service],
      enabled: true,
      log: statement.log,
    });
  }

  private policyDetail(id: number | undefined, detail: PolicyDetail, line: LogicalLine): void {
    if (id === undefined) {
      const message = "the line belongs to a policy, and none is open";
      this.notebook.add(
        "error",
        "no-policy",
        line,
        message,
        'put "set policy id N" in front of it',
      );
      return;
    }
    const policy = this.known(this.policies, id, "policy", line);
    if (policy === undefined) return;
    if (!("name" in detail)) {
      if (detail.kind === "disable") policy.enabled = false;
      else policy.log = true;
    } else if (detail.kind === "src-address") policy.sources.push(detail.name);
    else if (detail.kind === "dst-address") policy.destinations.push(detail.name);
    else policy.services.push(detail.name);
  }

  private known<K, V>(
    map: ReadonlyMap<K, V>,
    key: K,
    what: string,
    line: LogicalLine,
  ): V | undefined {
    const found = map.get(key);
    if (found === undefined) {
      const message = `there is no ${what} "${String(key)}" in front of this line; it is left out`;
      this.notebook.add(
        "error",
        "unknown-name",
        line,
        message,
        `define the ${what} first, or correct its name`,
      );
    }
    return found;
  }

  private twice<K>(map: ReadonlyMap<K, unknown>, key: K, line: LogicalLine): void {
    if (!map.has(key)) return;
    const message = `"${String(key)}" is defined a second time; this one counts`;
    this.notebook.add("warning", "defined-twice", line, message, "remove the other one");
  }
}

function change(detail: InterfaceDetail): Partial<GatewayInterface> {
  switch (detail.kind) {
    case "zone":
      return { zone: zoneName(detail.zone) };
    case "address":
      return { addresses: [detail.address] };
    case "unnumbered":
      return { unnumbered: detail.lender };
    case "manageable":
      return { manageable: true };
    case "mode":
      return { mode: detail.mode };
    case "mtu":
      return { mtu: detail.mtu };
    case "bandwidth":
      return {
        bandwidth: {
          ...NO_BANDWIDTH,
          egressMaximum: detail.egressMax,
          egressGuaranteed: detail.egressGuaranteed,
          ingressMaximum: detail.ingressMax,
        },
      };
    case "dns-proxy":
      return { dnsProxy: true };
    case "nhrp":
      return { nhrp: true };
  }
}

function typeOf(name: string): InterfaceType {
  if (/^tunnel/i.test(name)) return "tunnel";
  if (/^vlan|\.\d+$/i.test(name)) return "vlan";
  if (/^loopback/i.test(name)) return "loopback";
  return /^(wan|serial|adsl|bri|dialer)/i.test(name) ? "wan" : "layer3";
}

const ZONES = ["Trust", "Untrust", "MGT", "Null", "VLAN", "DMZ"];

/** Zones of ScreenOS mean the same in any case. */
export function zoneName(text: string): string {
  return ZONES.find((zone) => zone.toLowerCase() === text.toLowerCase()) ?? text;
}
