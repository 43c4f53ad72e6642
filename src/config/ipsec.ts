/** The `ipsec` block of a file that passed the schema, to its settings. */
import { isAbsolute, join } from "node:path";
import { structureFindings, WEAKNESSES } from "../ipsec/check/index.js";
import type { IpsecModel } from "../ipsec/model/index.js";
import { IPSEC_DEFAULTS, type IpsecSettings } from "../ipsec/settings.js";
import type { IpsecEntry } from "./ipsec-file.js";
import { gatewayOf } from "./ipsec-gateway.js";
import { tunnelOf } from "./ipsec-tunnel.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { suggest } from "./suggest.js";

/** Where the configuration and its state are. */
export interface IpsecPlaces {
  /** Relative files start here. */
  readonly directory: string;
  readonly stateDir: string | undefined;
}

/** Undefined when there is no such block. */
export function ipsecSettings(
  entry: IpsecEntry | undefined,
  places: IpsecPlaces,
  issues: IssueList,
): IpsecSettings | undefined {
  if (entry === undefined) return undefined;
  const model = modelOf(entry, issues);
  for (const finding of structureFindings(model)) {
    issues.error(pathOf(entry, finding), finding.message, finding.remedy);
  }
  optIns(entry, issues);
  const { local } = entry;
  const own = model.gateways.find(({ name }) => name === local);
  if (local !== undefined && own?.vendor !== "strongswan") {
    issues.error(
      ["ipsec", "local"],
      own === undefined ? `there is no gateway "${local}"` : `"${local}" is no strongSwan`,
      "name a gateway of vendor strongswan, or leave it out to check and render only",
    );
  }
  const inPlace = (file: string): string =>
    isAbsolute(file) ? file : join(places.directory, file);
  const file = entry.secrets?.file;
  if (file === undefined && places.stateDir === undefined) {
    issues.error(
      ["ipsec"],
      "nothing says where secrets are to be kept",
      'add "file" to the block "secrets", or "state-dir" to the block "restart"',
    );
  }
  const keyFile = entry.secrets?.["key-file"];
  return {
    model,
    local,
    install: entry.install ?? IPSEC_DEFAULTS.install,
    secrets: {
      file: file === undefined ? join(places.stateDir ?? "", "ipsec", "secrets") : inPlace(file),
      keyFile: keyFile === undefined ? undefined : inPlace(keyFile),
    },
    viciSocket: entry["vici-socket"] ?? IPSEC_DEFAULTS.viciSocket,
    fabric: {
      effect: entry.fabric?.["when-down"] ?? IPSEC_DEFAULTS.fabric.effect,
      holdDownSeconds: entry.fabric?.["hold-down"] ?? IPSEC_DEFAULTS.fabric.holdDownSeconds,
    },
  };
}

function modelOf(entry: IpsecEntry, issues: IssueList): IpsecModel {
  const sites = entry.sites ?? [];
  return {
    sites: sites.map(({ name, description = "" }) => ({ name, description })),
    gateways: sites.flatMap((site, at) =>
      (site.gateways ?? []).map((gateway, index) =>
        gatewayOf(gateway, site.name, ["ipsec", "sites", at, "gateways", index], issues),
      ),
    ),
    tunnels: (entry.tunnels ?? []).flatMap(
      (tunnel, index) => tunnelOf(tunnel, ["ipsec", "tunnels", index], issues) ?? [],
    ),
  };
}

/** Where the thing stands that a finding is about. */
function pathOf(
  entry: IpsecEntry,
  { tunnel, gateway }: { readonly tunnel: string; readonly gateway: string },
): ConfigPath {
  if (tunnel !== "") {
    const index = entry.tunnels?.findIndex(({ name }) => name === tunnel) ?? 0;
    return ["ipsec", "tunnels", index];
  }
  for (const [at, site] of (entry.sites ?? []).entries()) {
    const index = site.gateways?.findIndex(({ name }) => name === gateway) ?? -1;
    if (index >= 0) return ["ipsec", "sites", at, "gateways", index];
  }
  return ["ipsec"];
}

function optIns({ tunnels = [] }: IpsecEntry, issues: IssueList): void {
  for (const [index, tunnel] of tunnels.entries()) {
    for (const [at, { finding, expires }] of (tunnel["opt-ins"] ?? []).entries()) {
      const path = ["ipsec", "tunnels", index, "opt-ins", at];
      if (!(WEAKNESSES as readonly string[]).includes(finding)) {
        issues.error(
          [...path, "finding"],
          `"${finding}" is no weakness`,
          suggest(finding, WEAKNESSES, "value"),
        );
      }
      if (Number.isNaN(Date.parse(`${expires}T00:00:00Z`))) {
        issues.error([...path, "expires"], `${expires} is no day`, "write 2026-12-31, in quotes");
      }
    }
  }
}
