/** The supported Node.js versions beside the one that runs the tests: the daemon starts and reflects. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { command } from "./lib/command.js";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { announceMac, ip4, mac, macIp, rd } from "./lib/messages.js";
import { NoRegistry, nodeOf } from "./lib/node-versions.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { EVPN } from "./lib/wire.js";

const RR = "10.99.0.254";
const SENDER = "10.99.0.1";
const RECEIVER = "10.99.0.2";
const RANGE = "10.99.0.0/24";
const HTTP = 8080;
const RUNNING = Number(process.versions.node.split(".")[0]);
const OTHERS = [20, 22, 24].filter((major) => major !== RUNNING);

describeInterop("other Node.js versions", [], () => {
  let lab: Lab;

  beforeAll(() => {
    lab = new Lab();
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  // The first run downloads some 50 MB for each.
  test.for(OTHERS)(
    "Node.js %i starts the daemon and reflects a route",
    { timeout: 360_000 },
    async (major, { skip }) => {
      let node: string;
      try {
        node = await nodeOf(major);
      } catch (error) {
        if (!(error instanceof NoRegistry)) throw error;
        process.stderr.write(
          `interop: Node.js ${String(major)} skipped, the npm registry cannot be reached\n`,
        );
        return skip("the npm registry cannot be reached");
      }
      expect(await command(node, ["--version"])).toMatch(new RegExp(`^v${String(major)}\\.`));
      const label = `node${String(major)}`;
      lab.namespace(label, ["10.99.0.1/16"]);
      const config = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
dynamic-peers:
  - { prefix: ${RANGE}, client: true }
peers:
  # Needs the socket options, and so the native part, to work on this version too.
  - { address: 10.99.0.9, client: true, password: a-key, ttl-security-hops: 1 }
`;
      const evpnd = await Evpnd.start({
        lab,
        label,
        name: label,
        address: RR,
        config,
        http: HTTP,
        node,
      });
      const options = { lab, label, remoteAddress: RR };
      const sender = await SpeakerClient.up({ ...options, localAddress: SENDER });
      const receiver = await SpeakerClient.up({ ...options, localAddress: RECEIVER });
      sender.send(announceMac(SENDER, 100, mac(1, 1)));
      await receiver.waitRoute(EVPN, macIp({ rd: rd(SENDER, 100), mac: mac(1, 1), label: 100 }));
      const { peers } = await evpnd.get<{
        peers: { address: string; state: string; lastError?: string }[];
      }>("/v1/peers");
      expect(peers.find(({ address }) => address === SENDER)?.state).toBe("Established");
      expect(evpnd.program.log()).not.toMatch(/password is set, but|ttl-security is set, but/);
      expect(receiver.table.routes()[0]?.attributes.get(9)?.value).toBe(ip4(SENDER));
      expect(await evpnd.program.stop("SIGTERM", 15_000)).toEqual({ code: 0, signal: null });
    },
  );
});
