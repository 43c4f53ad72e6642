/**
 * Plugs the stages together: transport below, peers and sessions on it, the reflector on top, and
 * `SpeakerControl` as the one door outward. No stage imports the next; this file knows them all.
 */
import type { Duplex } from "node:stream";
import { applyAll } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { LogReader } from "./adj-rib-out/adj-rib-out.js";
import { Auditor } from "./audit/index.js";
import { threadHost } from "./bfd/index.js";
import { BfdPeers } from "./bfd-peers.js";
import { createFeeds } from "./feed-wiring.js";
import type { SpeakerControl } from "./control.js";
import { LocalControl } from "./local-control.js";
import type { LocalRoutes } from "./local-routes.js";
import { Maintenance } from "./maintenance.js";
import { OwnRestart } from "./own-restart.js";
import { createMemoryGuard, memoryCeiling } from "./memory.js";
import { Reflector } from "./reflector.js";
import type { RouteHolds, RouteTable } from "./rib/index.js";
import { PeerTable, type TapPoint } from "./session/index.js";
import type { SpeakerSettings } from "./settings.js";
import { SlowPeers } from "./slow-peers.js";
import { speakerAppliers, tuningOf } from "./live/speaker-appliers.js";
import {
  Listener,
  loadSockOpt,
  protectionGap,
  protectionOf,
  StreamConnection,
  type StreamEnds,
  TcpAoKeeper,
  TcpDialer,
} from "./transport/index.js";
import { suppose, type WhatIfSource } from "./what-if/suppose.js";
import { canonicalAddress } from "./transport/socket-address.js";
import { keyed } from "./trust/keys.js";
import { PeerTrust } from "./trust/peer-trust.js";
import { Tunnels } from "./tunnels/tunnels.js";
import { rulesToWarmUp, warmUp } from "./warm-up.js";

export interface SpeakerParts {
  readonly settings: SpeakerSettings;
  readonly log: Log;
  readonly clock: Clock;
}

export interface Speaker {
  readonly control: SpeakerControl;
  /** For the FIB's quarantine: keeps MAC/IP routes from taking effect. */
  readonly holds: RouteHolds;
  /** For the FIB, which alone reads the change log beside the sessions. */
  readonly table: RouteTable;
  /** For routes that evpnd announces itself. */
  readonly localRoutes: LocalRoutes;
  /** Tunnels under the fabric: told by their stream, and what they do to routes. */
  readonly tunnels: Tunnels;
  /** Who may peer: told by the trust checks, and what follows. */
  readonly trust: PeerTrust;
  /** A session that an instance's TLS proxy carried here; refused like any other. */
  handOver(stream: Duplex, ends: StreamEnds): void;
  attachReader(reader: LogReader): void;
  detachReader(reader: LogReader): void;
  /** For the FIB's what-if: the table under a supposition, and the time to walk it. */
  readonly whatIf: WhatIfSource;
  /** Listens and dials. Rejects with a sentence when an address cannot be listened on. */
  start(): Promise<void>;
  /** Cease with `text` to every peer (RFC 9003), then closes. */
  stop(text: string): Promise<void>;
}

export function createSpeaker({ settings, log, clock }: SpeakerParts): Speaker {
  const sockOpt = loadSockOpt();
  const keeper = sockOpt.available ? new TcpAoKeeper(sockOpt.sockOpt, clock, log) : undefined;
  let current = settings;
  // One object for the life of the speaker: a reload changes it in place.
  const tuning = {
    ...tuningOf(settings),
    compareMobility: settings.compareMobility,
    log,
    clock,
    soon: (run: () => void) => void setImmediate(run),
  };
  const reflector = new Reflector(tuning);
  reflector.policies.configure(settings.policies);
  const taps: TapPoint = { tap: undefined };
  const dialer = new TcpDialer(() => current.as, sockOpt, keeper);
  const bfd = new BfdPeers({
    peers: (): PeerTable => peers,
    localAs: () => current.as,
    host: threadHost(),
    clock,
    log,
  });
  const peers: PeerTable = new PeerTable({
    settings,
    dialer,
    taps,
    sink: reflector,
    log,
    clock,
    gap: (options) => protectionGap(options, sockOpt),
    observe: (peer) => {
      bfd.look(peer);
      if (peer.up === undefined && !peer.removed) trust.look(peer.address, peer.options);
    },
    gate: (address, options, instance) =>
      bfd.gate(address, options) ??
      trust.refuses(address, options, instance) ??
      memory.refuses(address, false),
    gateOpen: (address, options, open) => trust.refusesOpen(address, options, open),
    keyFor: (address, options) => trust.keyFor(address, options),
    full: (address) => memory.refuses(address, true),
    restarting: () => reflector.restarts.isRestarting,
  });
  const maintenance = new Maintenance(
    {
      table: reflector.table,
      out: reflector.out,
      livePeers: () => reflector.livePeers(),
      wake: () => reflector.wake(),
      shutdownPeer: (address, text) => peers.shutdown(address, text),
      enablePeer: (address) => peers.enable(address),
    },
    clock,
    log,
  );
  reflector.maintenance = maintenance;
  const tunnels = new Tunnels(
    {
      table: reflector.table,
      policies: reflector.policies,
      later: (job) => reflector.later(job),
    },
    clock,
    log,
  );
  reflector.tunnels = tunnels;
  const trust: PeerTrust = new PeerTrust(
    {
      sources: reflector.sources,
      livePeers: () => reflector.livePeers(),
      regrip: (peer, grip, done) => reflector.regrip(peer, grip, done),
      retains: (address) => reflector.retains(address),
      abandon: (address, why) => reflector.abandon(address, why),
      optionsFor: (address) => peers.optionsFor(address),
      connect: (address) => peers.hasten(address),
      hasPeer: (address) => peers.view(address) !== undefined,
      waitsFor: (address) => peers.waitsFor(address),
      rekey(changed) {
        const problems = [...listener.protect(keyed(protectionOf(current), trust.instanceKeys))];
        const refused = new Set<string>();
        for (const [address, key] of changed) {
          if (key === undefined) continue;
          const place = `${canonicalAddress(address)}/`;
          if (!sockOpt.available || problems.some((text) => text.startsWith(place))) {
            refused.add(address);
          }
          if (!peers.rekey(address, key)) problems.push(`${address}: its session`);
        }
        if (problems.length > 0 || refused.size > 0) {
          const fields = { problems, peers: [...refused] };
          log.error(fields, "TCP MD5 keys of instances are not in force");
        }
        return refused;
      },
    },
    clock,
    log,
  );
  reflector.trust = trust;
  const ownRestart = new OwnRestart({
    settings: () => current,
    restarts: reflector.restarts,
    optionsFor: (address) => peers.optionsFor(address),
    recall: (address, localAddress) => peers.recall(address, localAddress),
    endRecall: () => peers.endRecall(),
    clock,
    log,
  });
  const slowPeers = new SlowPeers({
    sessions: () => reflector.livePeers(),
    out: reflector.out,
    clock,
    log,
  });
  const auditor = new Auditor({
    subject: reflector.auditSubject(),
    clock,
    log,
    soon: tuning.soon,
  });
  const listener = new Listener(
    {
      listen: settings.listen,
      protection: keyed(protectionOf(settings), trust.instanceKeys),
      localAs: () => current.as,
      optionsFor: (address) => peers.optionsFor(address),
      admits: (address) => peers.admits(address),
      onConnection: (connection) => peers.accept(connection),
      log,
    },
    sockOpt,
    keeper,
  );
  const { soon } = tuning;
  const wiring = { settings, identity: tuning, reflector, peers, dialer, taps, clock, log, soon };
  const feeds = createFeeds(wiring);
  const memory = createMemoryGuard({
    reflector,
    peers: () => peers,
    feeds: () => feeds,
    clock,
    log,
  });
  reflector.memory = memory;
  const appliers = speakerAppliers({
    listener,
    peers,
    reflector,
    tuning,
    feeds,
    slowPeers,
    auditor,
    memory,
    instanceKeys: () => trust.instanceKeys,
  });
  const control = new LocalControl({
    settings: () => current,
    apply: async (next) => {
      const before = current;
      current = next;
      try {
        const lines = await applyAll(appliers, before, next);
        trust.reconfigured();
        return lines;
      } catch (error) {
        current = before;
        throw error;
      }
    },
    listening: () => listener.addresses,
    peers,
    reflector,
    maintenance,
    bfd,
    slowPeers,
    auditor,
    feeds,
    memory,
    clock,
  });
  return {
    control,
    holds: {
      setScreen: (screen) => reflector.policies.setScreen(screen),
      reconsider: (dests) => reflector.policies.reconsiderAll(dests),
    },
    table: reflector.table,
    localRoutes: reflector.localRoutes,
    tunnels,
    trust,
    handOver: (stream, ends) => peers.accept(new StreamConnection(stream, ends)),
    attachReader: (reader) => reflector.attachReader(reader),
    detachReader: (reader) => reflector.detachReader(reader),
    whatIf: {
      suppose: (what) => suppose(reflector, what),
      later: (job) => reflector.later(job),
    },
    async start() {
      warmUp(clock, settings.as, rulesToWarmUp(settings));
      await ownRestart.begin();
      await listener.start();
      peers.start();
      ownRestart.started();
      slowPeers.configure(current.slowPeers);
      auditor.configure(current.audit);
      memory.setLimit(memoryCeiling(current.memoryLimit));
      feeds.start();
      control.started();
    },
    async stop(text) {
      slowPeers.stop();
      tunnels.close();
      trust.close();
      memory.close();
      auditor.stop();
      await listener.close();
      const keep = await ownRestart.end();
      await Promise.all([peers.stop(text, keep), bfd.close()]);
      await feeds.stop();
    },
  };
}
