/** The HTTP door on a port of its own, with a fake speaker behind, for what evpnctl asks. */
import { openHttpDoor, type HttpDoor } from "../../../src/api/index.js";
import { silentLog } from "../../../src/util/log.js";
import type { FakeControl } from "../../lib/fake-control.js";

export function openDoor(control: FakeControl): Promise<HttpDoor | undefined> {
  const backend = {
    control,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  return openHttpDoor(backend, { listen, allowedHosts: [] });
}
