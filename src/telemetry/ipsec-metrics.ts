/** Metrics of IPsec tunnels, by tunnel. */
import type { TunnelRouteControl } from "../bgp/control.js";
import type { WatchControl } from "../ipsec/index.js";
import { labelText, type MetricSource } from "./metric-page.js";

/** Undefined while no gateway is driven: then there are no samples. */
export function ipsecMetrics(
  control: () => WatchControl | undefined,
  routes: TunnelRouteControl,
): MetricSource {
  return async (page) => {
    const watch = control();
    if (watch === undefined) return;
    const { daemon, tunnels } = await watch.overview();
    page.add("ipsec_daemon_up", "", daemon.connected ? 1 : 0);
    for (const one of tunnels) {
      const labels = labelText({ tunnel: one.tunnel });
      page.add("ipsec_tunnel_up", labels, one.state === "up" ? 1 : 0);
      page.add("ipsec_tunnel_unverified", labels, one.state === "unverified" ? 1 : 0);
      page.add("ipsec_tunnel_fault", labels, one.diagnosis === undefined ? 0 : 1);
      page.add("ipsec_tunnel_octets", `${labels},direction="in"`, one.octetsIn);
      page.add("ipsec_tunnel_octets", `${labels},direction="out"`, one.octetsOut);
    }
    const listed = await routes.list().catch(() => []);
    for (const { tunnel, macsAtRisk } of listed) {
      page.add("ipsec_tunnel_macs", labelText({ tunnel }), macsAtRisk);
    }
  };
}
