/**
 * Requests for the walk over all operations: by id, the input that has an answer with something in it. An
 * operation that is not here is asked with nothing, and may refuse.
 */
import { HOST } from "../../lib/fib.js";

const PEER = { address: "10.0.0.1" };

export const SAMPLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  GetSummary: {},
  GetStatistics: {},
  RunAudit: {},
  GetHealth: {},
  GetReadiness: {},
  GetMetrics: {},
  ListPeers: { limit: 10 },
  GetPeer: PEER,
  SoftClearIn: { ...PEER, family: "l2vpn-evpn" },
  SoftClearOut: PEER,
  ResetPeer: { ...PEER, text: "bye" },
  ShutdownPeer: PEER,
  EnablePeer: PEER,
  ListRoutes: { table: "best", type: 2 },
  ListMacs: {},
  ListDomains: {},
  ListSegments: {},
  ExplainMac: { mac: HOST },
  ListPolicies: {},
  TestPolicy: { text: "policies: {}" },
  ExplainRoutes: { mac: "52:54:00" },
  GetConfiguration: {},
  Reload: { confirm: 60 },
  DiffConfiguration: {},
  ConfirmConfiguration: {},
  RollbackConfiguration: {},
  GetMaintenance: {},
  BeginMaintenance: { peers: "all", then: "shutdown" },
  EndMaintenance: { peers: ["10.0.0.1"] },
  ListInterests: {},
  GetInterest: PEER,
  GetBfd: {},
  GetFeeds: {},
  DumpTable: {},
  RotateUpdates: {},
  ListRecordings: {},
  GetRecording: { address: "all", format: "mrt" },
};
