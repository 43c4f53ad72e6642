/** A speaker's door whose every answer has everything in it that there can be. */
import type { AuditStatus } from "../../../src/bgp/audit/index.js";
import { FakeControl, peerView, routeView, SUMMARY } from "../../lib/fake-control.js";

const AUDIT: AuditStatus = {
  continuous: true,
  rounds: 3,
  progress: 0.25,
  lastRound: 1_700_000_000_000,
  lastRoundSeconds: 1.5,
  findings: ["a difference"],
  findingsTotal: 1,
  spentMs: 12.5,
  longestMs: 2.5,
};

const DECISION = {
  by: "rule",
  policy: "in",
  rule: 1,
  name: "first",
  verdict: "accept",
  passed: ["in 1 (first)"],
  overridden: false,
} as const;
const CHANGES = [{ name: "LOCAL_PREF", before: undefined, after: "200" }];

export function fullControl(): FakeControl {
  const control = new FakeControl();
  control.summaryView = {
    ...SUMMARY,
    memory: { limit: 1e9, used: 2e8, level: "normal", shed: 0, refused: 0, closed: 0 },
    restarting: { secondsLeft: 3.5, waitingFor: ["10.0.0.1"] },
    maintenance: { all: false, named: ["10.0.0.1"], since: 1_700_000_000_000, drained: true },
  };
  control.auditView = AUDIT;
  control.audit = () => Promise.resolve({ ok: false, findings: ["x"], status: AUDIT });
  control.statsView = { updates_total: 7, memory_used_bytes: 1.5e10, ratio: 0.5 };
  control.peerViews = [
    peerView({
      tcpAo: "chain",
      lastError: "refused",
      limits: {
        routes: [
          {
            direction: "in",
            family: "l2vpn-evpn",
            routeType: 2,
            perVni: true,
            vni: 100,
            count: 5,
            maximum: 1000,
            warnAt: 800,
            action: "warn",
          },
        ],
        held: 1,
        refused: {
          discarded: 1,
          dropped: 2,
          attributeSize: 3,
          communities: 4,
          clusterList: 5,
          asPath: 6,
          withheld: 7,
        },
        reading: { paused: true, pauses: 2, pausedSeconds: 1.25 },
      },
      slow: { since: 1_700_000_000_000 },
      bfd: { state: "Up", diag: "none", since: 1_700_000_000_000 },
      restart: {
        agreed: {
          restartTime: 120,
          restarting: false,
          notification: true,
          families: ["l2vpn-evpn"],
          forwarding: ["l2vpn-evpn"],
          longLived: [{ family: "l2vpn-evpn", staleTime: 3600 }],
        },
        retention: {
          state: "restarting",
          secondsSinceLoss: 1.5,
          families: [
            {
              family: "l2vpn-evpn",
              phase: "restarting" as never,
              staleRoutes: 9,
              secondsLeft: 100.5,
            },
          ],
        },
        waitingForMemberships: ["l2vpn-evpn"],
        waitingForRestart: [],
      },
    }),
  ];
  control.routeViews = [
    routeView(1, {
      nlri: {
        routeType: 2,
        mac: "52:54:00:00:00:01",
        labels: [100],
        deep: { list: [1, "a", null] },
      },
      pathId: 7,
      held: "policy",
    }),
  ];
  control.policyViews = [
    {
      name: "in",
      rules: [{ number: 1, name: "first", text: "then: accept", then: "accept", hits: 5 }],
      importOf: ["10.0.0.1"],
      exportOf: [],
    },
  ];
  control.policyReport = {
    looked: 3,
    complete: true,
    peers: [
      {
        peer: "10.0.0.1",
        direction: "in",
        accepted: 1,
        rejected: 0,
        quarantined: 0,
        changed: 1,
        examples: [
          {
            change: "changed",
            family: "l2vpn-evpn",
            prefix: "2:…",
            from: "10.0.0.1",
            before: DECISION,
            after: undefined,
            attributes: CHANGES,
          },
        ],
      },
    ],
    notes: ["a note"],
  };
  control.explanation = {
    routes: [
      {
        family: "l2vpn-evpn",
        prefix: "2:…",
        paths: [
          { peer: "10.0.0.1", best: true, reason: "only", import: DECISION, attributes: CHANGES },
        ],
        receivers: [
          { peer: "10.0.0.2", sent: true, reason: "client", export: DECISION, attributes: [] },
        ],
      },
    ],
    cut: false,
  };
  control.maintenanceView = {
    active: true,
    all: false,
    named: ["10.0.0.1"],
    since: 1_700_000_000_000,
    then: "shutdown",
    drained: false,
    peers: [{ peer: "10.0.0.1", state: "draining", since: 1_700_000_000_000, secondsLeft: 9.5 }],
  };
  const interest = {
    peer: "10.0.0.1",
    group: "leaves",
    by: "inference",
    tenant: true,
    inference: "shadow",
    learning: false,
    targets: 2,
    withheld: 3,
    wouldWithhold: 4,
  } as const;
  control.interestViews = [interest];
  control.interestDetail = {
    ...interest,
    targetList: [
      { target: "65000:100", by: "inference", since: 1_700_000_000_000, missingSince: 5 },
    ],
    allowed: ["65000:100"],
    examples: [{ prefix: "2:…", peer: "10.0.0.2", targets: ["65000:200"] }],
  };
  const file = {
    directory: "/var/lib/evpnd",
    file: "updates.1",
    files: 2,
    records: 3,
    octets: 4,
    dropped: 0,
    pendingBytes: 5,
    alarm: "the disk is full",
  };
  control.feedsView = {
    collectors: [
      {
        name: "bmp",
        address: "10.9.0.1",
        port: 11019,
        monitor: ["adj-rib-in-pre"],
        state: "up",
        since: 1_700_000_000_000,
        lastError: undefined,
        connects: 1,
        dropped: 0,
        messages: 10,
        octets: 1000,
        pendingBytes: 0,
        backlogBytes: 0,
        backlogEntries: 0,
      },
    ],
    eventLogBytes: 7,
    updates: file,
    tables: { ...file, running: true, lastDump: 1_700_000_000_000 },
    recorder: { enabled: true, peers: 1, octets: 2, octetsTotal: 3 },
  };
  control.recordingViews = [
    {
      peer: "10.0.0.1",
      established: true,
      sessions: 1,
      messages: 2,
      octets: 3,
      oldest: 1_700_000_000_000,
      newest: undefined,
      overwritten: 0,
    },
  ];
  control.bfdOverview = {
    sessions: [
      {
        peer: "10.0.0.1",
        state: "Up",
        remoteState: "Up",
        diag: "none",
        remoteDiag: "none",
        localAddress: "10.0.0.254",
        multihop: true,
        localDiscriminator: 4_000_000_000,
        remoteDiscriminator: 2,
        txIntervalMs: 300,
        detectionTimeMs: 900,
        remoteMinTxMs: 300,
        remoteMinRxMs: 300,
        remoteMultiplier: 3,
        remoteIndependent: false,
        authentication: "none",
        packetsIn: 1,
        packetsOut: 2,
        sendErrors: 0,
        authFailures: 0,
        since: 1_700_000_000_000,
        upCount: 1,
        downCount: 0,
      },
    ],
    stats: {
      received: 1,
      malformed: 2,
      unknownDiscriminator: 3,
      unknownSource: 4,
      ttlChecked: true,
    },
  };
  return control;
}
