/**
 * Every metric that /metrics shows, one row each; docs/metrics.md lists the same (a test holds them
 * together). Rows with `stat` come from `SpeakerControl.stats()`: the key is the name without prefix.
 */
export interface MetricRow {
  /** Without the `evpnd_` prefix. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
  readonly from:
    | "stats"
    | "summary"
    | "peers"
    | "interest"
    | "fib"
    | "radius"
    | "subscribers"
    | "ipsec"
    | "asmn"
    | "process";
}

export const PREFIX = "evpnd_";

function row(
  from: MetricRow["from"],
  type: MetricRow["type"],
  name: string,
  help: string,
  labels: readonly string[] = [],
): MetricRow {
  return { name, type, labels, help, from };
}

const PEER = ["peer", "group"];
const RADIUS_CLIENT = ["tenant", "kind", "client"];
const RADIUS_SERVER = ["tenant", "kind", "server"];

export const METRICS: readonly MetricRow[] = [
  row("summary", "gauge", "info", "Always 1; labels say what runs.", [
    "version",
    "as",
    "router_id",
  ]),
  row("summary", "gauge", "start_time_seconds", "Start of the speaker, seconds since 1970."),
  row("summary", "gauge", "ready", "1 when /ready answers 200."),
  row("summary", "gauge", "peers", "Peers known, configured and dynamic."),
  row("summary", "gauge", "peers_established", "Peers in Established."),
  row("summary", "gauge", "destinations", "Different NLRI in the loc-RIB."),
  row("summary", "gauge", "routes", "Routes from all peers."),
  row("summary", "gauge", "attribute_sets", "Different path attribute sets held."),
  row("peers", "gauge", "peer_up", "1 when the peer is Established.", PEER),
  row("peers", "counter", "peer_established_total", "Times the peer became Established.", PEER),
  row("peers", "gauge", "peer_routes_accepted", "Routes held from the peer.", [...PEER, "family"]),
  row("peers", "gauge", "peer_routes_advertised", "Routes the peer has from us.", [
    ...PEER,
    "family",
  ]),
  row("peers", "counter", "peer_messages_total", "BGP messages by type; direction is in or out.", [
    ...PEER,
    "direction",
    "type",
  ]),
  row("peers", "counter", "peer_faults_total", "Faults in what the peer sent, by effect.", [
    ...PEER,
    "effect",
  ]),
  row("peers", "gauge", "peer_pending_bytes", "Octets waiting for the kernel to take them.", PEER),
  row("peers", "gauge", "peer_backlog", "Changes of the loc-RIB the peer has not read yet.", PEER),
  row(
    "interest",
    "gauge",
    "peer_routes_withheld",
    "Routes kept from the peer by route target.",
    PEER,
  ),
  row(
    "interest",
    "gauge",
    "peer_routes_would_withhold",
    "Routes that inference would keep from the peer if it were on (shadow mode).",
    PEER,
  ),
  row("summary", "gauge", "maintenance", "1 while a peer, or all, is in maintenance."),
  row("peers", "gauge", "peer_slow", "1 when the peer is slow: behind while others are not.", PEER),
  row(
    "peers",
    "gauge",
    "peer_limit_routes",
    "Routes that a limit counts; per VNI, of the fullest.",
    [...PEER, "direction", "limit"],
  ),
  row("peers", "gauge", "peer_limit_maximum", "Most routes that a limit allows.", [
    ...PEER,
    "direction",
    "limit",
  ]),
  row("peers", "gauge", "peer_limit_held_routes", "Routes held beyond a limit.", PEER),
  row(
    "peers",
    "counter",
    "peer_limit_refused_total",
    "Refused over limits, by kind; per session.",
    [...PEER, "kind"],
  ),
  row("peers", "gauge", "peer_reading_paused", "1 while the update rate pauses reading.", PEER),
  row("peers", "counter", "peer_reading_pauses_total", "Pauses of reading; per session.", PEER),
  row("peers", "counter", "peer_reading_paused_seconds_total", "Length of those pauses.", PEER),
  row("stats", "gauge", "memory_limit_bytes", "Ceiling on memory; 0 = none."),
  row("stats", "gauge", "memory_used_bytes", "Memory used, without what is free inside."),
  row(
    "stats",
    "gauge",
    "memory_level",
    "0 normal, 1 caches shed, 2 no new peers, 3 closing peers.",
  ),
  row("stats", "counter", "memory_sheds_total", "Times caches were shed for memory."),
  row("stats", "counter", "memory_refused_total", "Connections refused for memory."),
  row("stats", "counter", "memory_closed_peers_total", "Peers closed for memory."),
  row("stats", "gauge", "slow_peers", "Peers that are slow."),
  row("stats", "counter", "slow_peer_events_total", "Times a peer became slow."),
  row("stats", "gauge", "audit_findings", "Differences the self-audit sees: more than 0 is a bug."),
  row("stats", "counter", "audit_findings_total", "Differences it has seen, each once."),
  row("stats", "counter", "audit_rounds_total", "Rounds over all tables completed."),
  row("stats", "counter", "audit_seconds_total", "Time spent auditing."),
  row("stats", "gauge", "audit_round_seconds", "How long the last round took."),
  row("stats", "gauge", "audit_slice_max_seconds", "Longest uninterrupted stretch of an audit."),
  row("peers", "gauge", "peer_bfd_up", "1 when BFD is up; only peers that have BFD.", PEER),
  row("stats", "gauge", "bfd_sessions", "BFD sessions wanted."),
  row("stats", "gauge", "bfd_sessions_up", "BFD sessions that are up."),
  row("stats", "counter", "bfd_failures_total", "Times a BFD session that was up failed."),
  row("stats", "gauge", "bmp_collectors", "BMP collectors configured."),
  row("stats", "gauge", "bmp_collectors_up", "BMP collectors connected."),
  row(
    "stats",
    "counter",
    "bmp_collectors_dropped_total",
    "Times a BMP collector was disconnected because it did not keep up; starts anew with its settings.",
  ),
  row("stats", "counter", "bmp_messages_total", "BMP messages written."),
  row("stats", "gauge", "bmp_event_log_bytes", "Octets of changes kept for BMP collectors."),
  row("stats", "counter", "mrt_records_total", "MRT records written to disk."),
  row("stats", "counter", "mrt_dropped_total", "MRT records lost: disk full or too slow."),
  row("stats", "gauge", "mrt_alarm", "1 while MRT records cannot be written."),
  row("stats", "gauge", "recorder_bytes", "Octets held by the flight recorder."),
  row("stats", "gauge", "sessions", "Sessions in Established."),
  row("stats", "gauge", "routes_accepted", "Routes accepted from live sessions."),
  row("stats", "gauge", "tombstones", "Destinations withdrawn that some session has not read yet."),
  row("stats", "gauge", "log_entries", "Length of the change log, from its oldest reader on."),
  row("stats", "gauge", "attribute_bytes", "Octets of path attributes held."),
  row("stats", "gauge", "table_bytes", "Octets of the route table in use."),
  row("stats", "gauge", "leaving_sessions", "Closed sessions whose routes are being removed."),
  row("stats", "gauge", "retained_peers", "Peers without a session whose routes are kept."),
  row("stats", "gauge", "stale_routes", "Routes kept that a restarted peer has not sent again."),
  row("stats", "gauge", "restarting", "1 while sending waits for the peers after our own restart."),
  row("stats", "counter", "peers_retained_total", "Sessions lost whose routes were kept."),
  row(
    "stats",
    "counter",
    "peers_returned_total",
    "Peers that came back while their routes were kept.",
  ),
  row("stats", "counter", "peers_expired_total", "Peers that did not come back in time."),
  row(
    "stats",
    "counter",
    "long_lived_families_total",
    "Times the routes of a peer's family became long-lived stale.",
  ),
  row("stats", "counter", "updates_total", "UPDATE messages received."),
  row("stats", "counter", "flushes_total", "Times gathered output was sent."),
  row("stats", "counter", "best_path_changes_total", "Destinations whose best route changed."),
  row("stats", "counter", "duplicate_announcements_total", "Announcements that changed nothing."),
  row("stats", "counter", "unknown_withdrawals_total", "Withdrawals of routes not held."),
  row("stats", "counter", "oversized_routes_total", "Routes too large for a peer once reflected."),
  row("stats", "gauge", "loops_in_sessions", "Looped routes refused, of live sessions."),
  row(
    "stats",
    "gauge",
    "unknown_types_in_sessions",
    "EVPN NLRI of unknown type, of live sessions.",
  ),
  row("stats", "gauge", "nlri_dropped_in_sessions", "Malformed NLRI dropped, of live sessions."),
  row("stats", "gauge", "local_routes", "Routes of our own: injected ones and host routes."),
  row("stats", "gauge", "handshakes_waiting", "Connections that wait for their turn to open."),
  row("stats", "counter", "strangers_total", "Connections from addresses no peer or range has."),
  row("stats", "counter", "connections_refused_total", "Connections of known peers refused."),
  row(
    "stats",
    "counter",
    "connections_shed_total",
    "Connections closed at once: strangers, and addresses that connect too often.",
  ),
  row(
    "fib",
    "gauge",
    "fib_macs",
    "MACs in the MAC FIB; without one none of its metrics has a value.",
  ),
  row("fib", "gauge", "fib_ips", "IP addresses bound to MACs."),
  row("fib", "gauge", "fib_domains", "Bridge domains in use."),
  row("fib", "gauge", "fib_segments", "Ethernet segments in use."),
  row("fib", "gauge", "fib_duplicates", "MACs that move too often."),
  row("fib", "gauge", "fib_quarantined", "MACs of which only one place counts (quarantine)."),
  row("fib", "counter", "fib_duplicate_alarms_total", "Times a MAC was found to move too often."),
  row(
    "fib",
    "counter",
    "fib_quarantine_attempts_total",
    "Routes of MACs in quarantine that came and were held.",
  ),
  row(
    "fib",
    "gauge",
    "fib_sticky_conflicts",
    "MACs that are sticky at one place and claimed by another (RFC 7432 section 15.2).",
  ),
  row("ipsec", "gauge", "ipsec_daemon_up", "1 while the IKE daemon answers."),
  row(
    "ipsec",
    "gauge",
    "ipsec_tunnel_up",
    "1 when the tunnel is up, and verified where it has a monitor.",
    ["tunnel"],
  ),
  row(
    "ipsec",
    "gauge",
    "ipsec_tunnel_unverified",
    "1 when the tunnel's SA is up, and it is not known that packets pass.",
    ["tunnel"],
  ),
  row("ipsec", "gauge", "ipsec_tunnel_fault", "1 while a fault of the tunnel is diagnosed.", [
    "tunnel",
  ]),
  row("ipsec", "gauge", "ipsec_tunnel_octets", "Octets that the keys in use have carried.", [
    "tunnel",
    "direction",
  ]),
  row("ipsec", "gauge", "ipsec_tunnel_macs", "MACs that this tunnel alone leads to.", ["tunnel"]),
  row("asmn", "gauge", "asmn_instances", "Instances of VNFs that the Sec-EM knows, by state.", [
    "state",
  ]),
  row("asmn", "counter", "asmn_proofs_total", "What became of proofs of instances.", ["outcome"]),
  row("asmn", "counter", "asmn_connections_total", "Connections to the Sec-EM.", ["outcome"]),
  row("asmn", "counter", "asmn_verdicts_total", "Verdicts that were signed."),
  row("asmn", "gauge", "asmn_feeds", "Gates and gateways that listen to the Sec-EM."),
  row("asmn", "gauge", "asmn_alarms", "What wants an operator's attention now.", ["part"]),
  row("asmn", "gauge", "asmn_gate_trusted", "Instances that the gate trusts."),
  row(
    "asmn",
    "gauge",
    "asmn_gate_grace",
    "1 while live sessions keep stale verdicts, because a Sec-EM is out of reach.",
  ),
  row("asmn", "gauge", "asmn_gate_break_glass", "Ways in that were opened by hand."),
  row("asmn", "gauge", "asmn_gate_source_up", "1 while the Sec-EM's heartbeats are heard.", [
    "source",
  ]),
  row("asmn", "counter", "asmn_gate_refused_total", "Messages of the Sec-EM that did not hold.", [
    "source",
  ]),
  row("asmn", "gauge", "asmn_gateway_enforcing", "1 while the catalog is in the kernel."),
  row("asmn", "gauge", "asmn_gateway_open", "Instances whose traffic may pass."),
  row(
    "asmn",
    "gauge",
    "asmn_gateway_catalog_version",
    "Version of the catalog in force; 0 = none.",
  ),
  row(
    "asmn",
    "counter",
    "asmn_gateway_repairs_total",
    "Times that somebody else had changed the rules, and they were put back.",
  ),
  row(
    "asmn",
    "counter",
    "asmn_gateway_packets_total",
    "Packets by what became of them, since the rules were last written.",
    ["what"],
  ),
  row(
    "asmn",
    "counter",
    "asmn_gateway_octets_total",
    "Octets by what became of them, since the rules were last written.",
    ["what"],
  ),
  row("radius", "gauge", "radius_up", "1 while the RADIUS relay's thread answers."),
  row(
    "radius",
    "counter",
    "radius_packets_total",
    "Packets of clients by what became of them; client is the configured network, empty for strangers.",
    [...RADIUS_CLIENT, "outcome"],
  ),
  row(
    "radius",
    "gauge",
    "radius_pending_requests",
    "Requests of clients that wait for an answer.",
    RADIUS_CLIENT,
  ),
  row(
    "radius",
    "counter",
    "radius_accounting_requests_total",
    "Accounting requests by status: start, stop or interim.",
    ["tenant", "client", "status"],
  ),
  row(
    "radius",
    "counter",
    "radius_accounting_responses_total",
    "Accounting responses by the status of their request.",
    ["tenant", "client", "status"],
  ),
  row(
    "radius",
    "histogram",
    "radius_client_seconds",
    "From a client's request to its answer.",
    RADIUS_CLIENT,
  ),
  row("radius", "gauge", "radius_sessions", "Subscribers' sessions.", ["tenant"]),
  row("radius", "gauge", "radius_home_server_state", "2 alive, 1 suspect, 0 dead.", RADIUS_SERVER),
  row(
    "radius",
    "gauge",
    "radius_home_server_pending",
    "Requests that wait for the home server.",
    RADIUS_SERVER,
  ),
  row(
    "radius",
    "counter",
    "radius_home_server_sent_total",
    "Packets sent to the home server: for the first time, again, and probes.",
    [...RADIUS_SERVER, "what"],
  ),
  row(
    "radius",
    "counter",
    "radius_home_server_packets_total",
    "Packets from the home server by what became of them.",
    [...RADIUS_SERVER, "outcome"],
  ),
  row(
    "radius",
    "histogram",
    "radius_home_server_seconds",
    "From a request to the home server to its answer.",
    RADIUS_SERVER,
  ),
  row(
    "radius",
    "gauge",
    "radius_spool_waiting",
    "Accounting requests on disk that no home server has yet.",
    ["tenant"],
  ),
  row("radius", "gauge", "radius_spool_failing", "1 while the disk refuses accounting.", [
    "tenant",
  ]),
  row("radius", "gauge", "radius_tls_connections", "Clients' connections over TLS.", ["tenant"]),
  row(
    "radius",
    "counter",
    "radius_tls_connections_total",
    "Connections to the TLS port by what became of them.",
    ["tenant", "outcome"],
  ),
  row(
    "radius",
    "counter",
    "radius_dynamic_packets_total",
    "Disconnect and CoA of home servers by what became of them.",
    ["tenant", "outcome"],
  ),
  row(
    "radius",
    "gauge",
    "radius_dynamic_pending",
    "Disconnect and CoA that wait for their access point.",
    ["tenant"],
  ),
  row(
    "subscribers",
    "gauge",
    "subscriber_sessions_known",
    "1 while the sessions that MACs are compared with are complete.",
  ),
  row(
    "subscribers",
    "gauge",
    "subscriber_macs",
    "MACs that are no subscriber's, or away from their session; finding says which.",
    ["domain", "finding"],
  ),
  row("subscribers", "gauge", "subscriber_macs_held", "Of those, MACs whose routes are held.", [
    "domain",
  ]),
  row(
    "subscribers",
    "counter",
    "subscriber_alarms_total",
    "Times a MAC was found without or away from its session.",
  ),
  row("process", "gauge", "api_up", "1 while the API's thread is alive."),
  row(
    "process",
    "counter",
    "api_deaths_total",
    "Times the API's thread ended and was started again.",
  ),
  row("process", "counter", "api_calls_total", "Calls of the API's thread to the BGP thread."),
  row(
    "process",
    "counter",
    "api_calls_refused_total",
    "Calls without an answer: too many at once, or not answered in time.",
  ),
  row(
    "process",
    "counter",
    "api_fib_reads_total",
    "Pieces of the MAC FIB read in shared memory, without the BGP thread.",
  ),
  row(
    "process",
    "counter",
    "api_fib_read_retries_total",
    "Attempts at such a piece that met the BGP thread changing the FIB.",
  ),
  row(
    "process",
    "counter",
    "api_fib_fallbacks_total",
    "Pieces that the BGP thread was asked for: it changed the FIB all the time, or its routes were needed.",
  ),
  row("process", "counter", "process_cpu_seconds_total", "CPU time of the process, all threads."),
  row("process", "gauge", "process_resident_memory_bytes", "Resident memory of the process."),
  row("process", "gauge", "process_heap_bytes", "JavaScript heap in use."),
  row(
    "process",
    "gauge",
    "event_loop_stall_max_seconds",
    "Longest stall of the BGP thread since the last scrape.",
  ),
  row(
    "process",
    "gauge",
    "event_loop_stall_p999_seconds",
    "99.9th percentile of the BGP thread's stalls since the last scrape.",
  ),
];
