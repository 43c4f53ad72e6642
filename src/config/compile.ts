/** A file that passed the schema, to frozen settings. The rules that need two places are here and in `peer-options.ts`. */
import { isIPv4 } from "node:net";
import type { DynamicRange, PeerSettings, SpeakerSettings } from "../bgp/settings.js";
import type { TcpAoChain } from "../bgp/transport/tcp-ao-settings.js";
import type { HttpSettings } from "../api/settings.js";
import {
  canonicalAddress,
  dottedQuad,
  isLoopback,
  parseEndpoint,
  containsPrefix,
  parsePrefix,
} from "./address.js";
import type { Endpoint } from "./address.js";
import { apiClients, apiTls, isGuarded } from "./api.js";
import type { AsmnSettings } from "../asmn/settings.js";
import { asmnSettings } from "./asmn.js";
import { feedsSettings } from "./feeds.js";
import { fibSettings } from "./fib.js";
import { deepFreeze } from "./freeze.js";
import { radiusSettings } from "./radius.js";
import { subscriberSettings } from "./subscribers.js";
import { TOP_DEFAULTS } from "./file.js";
import type { ConfigFile, DaemonSettings, DynamicEntry, PeerEntry } from "./file.js";
import { restartSettings } from "./graceful-restart.js";
import { auditSettings, slowPeerSettings } from "./watch.js";
import { checkGroupName, checkGroups, groupChain, mergeOptions } from "./groups.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { injectionSettings } from "./injection.js";
import { ipsecSettings } from "./ipsec.js";
import { keyChains } from "./key-chains.js";
import { memoryLimit } from "./memory-limit.js";
import { peerOptions } from "./peer-options.js";
import { policySettings } from "./policy.js";
import { checkPasswords, type SecretSource } from "./secrets.js";

/** What the machine contributes. */
export interface Surroundings {
  readonly secrets: SecretSource;
  readonly hostName: string;
  readonly version: string;
  /** Wall-clock milliseconds. */
  readonly now?: number;
  /** Why TCP-AO cannot be had on this machine; undefined where it can. */
  readonly tcpAoGap?: () => string | undefined;
}

/** Issues go to the list; the result counts only when that has no error. */
export function compileConfig(
  file: ConfigFile,
  around: Surroundings,
  issues: IssueList,
): DaemonSettings {
  checkGroups(file["peer-groups"] ?? {}, issues);
  const listen = listenAddresses(file, issues);
  const routerId = file["router-id"] ?? listen.find(usableAsRouterId)?.address;
  if (routerId === undefined) {
    issues.error(
      [],
      '"router-id" is missing, and no address in "listen" can stand in for it',
      "add router-id: a dotted quad that no other speaker uses",
    );
  }
  const chains = keyChains(
    file["key-chains"] ?? {},
    around.secrets,
    around.now ?? Date.now(),
    issues,
  );
  const asmn = asmnSettings(file.asmn, {
    directory: around.secrets.directory,
    stateDir: file.restart?.["state-dir"],
    clients: file.api?.clients?.map(({ name }) => name),
    user: file.user,
    issues,
  });
  const cluster = file["cluster-id"] ?? routerId ?? "";
  const speaker: SpeakerSettings = {
    as: file.as,
    routerId: routerId ?? "",
    clusterId: typeof cluster === "number" ? dottedQuad(cluster) : cluster,
    listen,
    peers: peers(file, around, chains, asmn, issues),
    dynamic: ranges(file, around, chains, asmn, issues),
    hostName: (file["host-name"] ?? around.hostName).slice(0, 64),
    softwareVersion:
      (file["announce-software-version"] ?? TOP_DEFAULTS["announce-software-version"])
        ? `evpnd/${around.version}`
        : "",
    compareMobility: file["compare-mobility"] ?? TOP_DEFAULTS["compare-mobility"],
    flushIntervalMs: file["flush-interval-ms"] ?? TOP_DEFAULTS["flush-interval-ms"],
    memoryLimit: memoryLimit(file["memory-limit"] ?? TOP_DEFAULTS["memory-limit"]),
    maxHandshakes: file["max-handshakes"] ?? TOP_DEFAULTS["max-handshakes"],
    acceptRate: file["accept-rate"] ?? TOP_DEFAULTS["accept-rate"],
    restart: restartSettings(file.restart),
    slowPeers: slowPeerSettings(file["slow-peers"]),
    audit: auditSettings(file.audit),
    feeds: feedsSettings(file, {
      secrets: around.secrets,
      hostName: file["host-name"] ?? around.hostName,
      version: around.version,
      issues,
    }),
    policies: policySettings(
      file.policies ?? {},
      file["policy-sets"] ?? {},
      Object.keys(file["peer-groups"] ?? {}),
      issues,
    ),
  };
  if ([...speaker.peers, ...speaker.dynamic].some((peer) => peer.tcpAo !== undefined)) {
    const gap = around.tcpAoGap?.();
    if (gap !== undefined) {
      issues.warn(["key-chains"], gap, "peers with tcp-ao stay down here", true);
    }
  }
  if (speaker.peers.length + speaker.dynamic.length === 0) {
    issues.warn(
      [],
      "no peer is configured, so nothing can connect",
      'add "peers" or "dynamic-peers" (on the command line: --clients PREFIX)',
    );
  }
  if (speaker.listen.length === 0 && speaker.peers.every((peer) => peer.passive)) {
    issues.warn(
      ["listen"],
      "nothing is listened on and nothing is connected to",
      "add an address to listen on",
    );
  }
  const fib = fibSettings(file.fib ?? {}, file.restart?.["state-dir"], issues);
  return deepFreeze({
    speaker,
    fib,
    injection: injectionSettings(file.injection),
    ipsec: ipsecSettings(
      file.ipsec,
      { directory: around.secrets.directory, stateDir: file.restart?.["state-dir"] },
      issues,
    ),
    radius: radiusSettings(file.radius, file.restart?.["state-dir"], around.secrets, issues),
    subscribers: subscriberSettings(file.subscribers, {
      fibEnabled: fib !== undefined,
      tenants: file.radius?.tenants.map(({ name }) => name),
      issues,
    }),
    asmn,
    http: httpSettings(file, around, issues),
    log: {
      level: file.log?.level ?? TOP_DEFAULTS.log.level,
      format: file.log?.format ?? TOP_DEFAULTS.log.format,
    },
    user: file.user,
    group: file.group,
  });
}

function usableAsRouterId(endpoint: Endpoint): boolean {
  return isIPv4(endpoint.address) && endpoint.address !== "0.0.0.0";
}

function listenAddresses(file: ConfigFile, issues: IssueList): Endpoint[] {
  const seen = new Map<string, ConfigPath>();
  const endpoints: Endpoint[] = [];
  for (const [index, text] of (file.listen ?? TOP_DEFAULTS.listen).entries()) {
    const endpoint = parseEndpoint(text);
    if (endpoint === undefined) continue;
    const path = ["listen", index];
    issues.once(`${endpoint.address} ${endpoint.port}`, text, path, seen);
    endpoints.push(endpoint);
  }
  return endpoints;
}

function peers(
  file: ConfigFile,
  around: Surroundings,
  chains: ReadonlyMap<string, TcpAoChain>,
  asmn: AsmnSettings | undefined,
  issues: IssueList,
): PeerSettings[] {
  const seen = new Map<string, ConfigPath>();
  return (file.peers ?? []).map((entry, index) => {
    const path = ["peers", index];
    const address = canonicalAddress(entry.address) ?? entry.address;
    issues.once(address, entry.address, [...path, "address"], seen);
    return { ...optionsOf(entry, path, file, false, around, chains, asmn, issues), address };
  });
}

function ranges(
  file: ConfigFile,
  around: Surroundings,
  chains: ReadonlyMap<string, TcpAoChain>,
  asmn: AsmnSettings | undefined,
  issues: IssueList,
): DynamicRange[] {
  const seen = new Map<string, ConfigPath>();
  return (file["dynamic-peers"] ?? []).map((entry, index) => {
    const path = ["dynamic-peers", index];
    const prefix = parsePrefix(entry.prefix) ?? { text: entry.prefix, hostBits: false };
    if (prefix.hostBits) {
      issues.error(
        [...path, "prefix"],
        `${entry.prefix} has bits set beyond its length`,
        `write ${prefix.text}, or a longer length`,
      );
    }
    issues.once(prefix.text, entry.prefix, [...path, "prefix"], seen);
    return {
      ...optionsOf(entry, path, file, true, around, chains, asmn, issues),
      prefix: prefix.text,
      maxPeers: entry["max-peers"] ?? TOP_DEFAULTS["max-peers"],
      allow: inside(entry.allow, prefix.text, [...path, "allow"], issues),
      deny: inside(entry.deny, prefix.text, [...path, "deny"], issues),
    };
  });
}

/** Prefixes of an accept list, in one spelling. */
function inside(
  given: readonly string[] | undefined,
  range: string,
  path: ConfigPath,
  issues: IssueList,
): string[] {
  return (given ?? []).map((text, index) => {
    const prefix = parsePrefix(text) ?? { text, hostBits: false };
    if (prefix.hostBits) {
      issues.error(
        [...path, index],
        `${text} has bits set beyond its length`,
        `write ${prefix.text}, or a longer length`,
      );
    } else if (!containsPrefix(range, prefix.text)) {
      issues.error([...path, index], `${text} is not inside ${range}`, "correct one of the two");
    }
    return prefix.text;
  });
}

function optionsOf(
  entry: PeerEntry | DynamicEntry,
  path: ConfigPath,
  file: ConfigFile,
  dynamic: boolean,
  around: Surroundings,
  chains: ReadonlyMap<string, TcpAoChain>,
  asmn: AsmnSettings | undefined,
  issues: IssueList,
) {
  const groups = file["peer-groups"] ?? {};
  checkPasswords(entry, path, issues);
  if (entry.group !== undefined) checkGroupName(entry.group, [...path, "group"], groups, issues);
  return peerOptions(mergeOptions(entry, path, groups), {
    ownAs: file.as,
    group: entry.group ?? "",
    groups: groupChain(entry.group, groups),
    policies: Object.keys(file.policies ?? {}),
    dynamic,
    peer: "address" in entry ? entry.address : entry.prefix,
    secrets: around.secrets,
    chains,
    asmn,
    issues,
  });
}

function httpSettings(file: ConfigFile, around: Surroundings, issues: IssueList): HttpSettings {
  const { http = {}, api = {} } = file;
  const listen = parseEndpoint(http.listen ?? TOP_DEFAULTS.http.listen);
  if (listen !== undefined && !isGuarded(api) && !isLoopback(listen.address)) {
    issues.error(
      ["http", "listen"],
      `${listen.address} can be reached from other machines, and whoever does could steer evpnd`,
      "listen on 127.0.0.1, or add api.tls and api.clients (docs/api-security.md)",
    );
  }
  const context = { secrets: around.secrets, now: around.now ?? Date.now(), issues };
  return {
    listen,
    allowedHosts: http["allowed-hosts"] ?? TOP_DEFAULTS.http["allowed-hosts"],
    thread: http.thread ?? TOP_DEFAULTS.http.thread,
    tls: apiTls(api, context),
    clients: apiClients(api, context),
    grpc: api.grpc ?? true,
  };
}
