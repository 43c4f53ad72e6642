/** Metrics of the comparison of MACs with subscribers' sessions, by bridge domain of the configuration. */
import type { SubscriberControl } from "../fib/index.js";
import { labelText, type MetricSource } from "./metric-page.js";

/** Undefined while nothing is compared: then there are no samples. */
export function subscriberMetrics(control: () => SubscriberControl | undefined): MetricSource {
  return async (page) => {
    const subscribers = control();
    if (subscribers === undefined) return;
    const { known, alarms, domains } = await subscribers.stats();
    page.add("subscriber_sessions_known", "", known ? 1 : 0);
    page.add("subscriber_alarms_total", "", alarms);
    for (const { domain, withoutSession, away, held } of domains) {
      const labels = labelText({ domain });
      page.add("subscriber_macs", `${labels},finding="without-session"`, withoutSession);
      page.add("subscriber_macs", `${labels},finding="away"`, away);
      page.add("subscriber_macs_held", labels, held);
    }
  };
}
