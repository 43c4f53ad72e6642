/** Peers that live and do not read: said when slow, served when they are back, closed when dead (RFC 9687). */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { announce, attribute, ip4, macIp, rd, u32 } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";

const RR = "10.96.0.254";
const [SOURCE, WITNESS, SLEEPER, DEAD] = [1, 2, 3, 4].map((n) => `10.96.0.${String(n)}`) as [
  string,
  string,
  string,
  string,
];
const HTTP = 8080;
/** With a kilobyte each: more than all buffers on the way together. */
const ROUTES = 24_000;

const CONFIG = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
slow-peers: { seconds: 1, recovery-seconds: 1 }
peer-groups:
  base: { passive: true, hold-time: 240 }
peers:
  - { address: ${SOURCE}, group: base }
  - { address: ${WITNESS}, group: base }
  - { address: ${SLEEPER}, group: base }
  - { address: ${DEAD}, group: base, send-hold-time: 5 }
`;

interface PeerView {
  readonly state: string;
  readonly lastError?: string;
  readonly slow?: { readonly since: number };
}

describeInterop("slow peers", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let source: SpeakerClient;
  let witness: SpeakerClient;
  let sleeper: SpeakerClient;
  let dead: SpeakerClient;

  const peer = (address: string) => evpnd.get<PeerView>(`/v1/peers/${address}`);
  const metrics = async () => (await evpnd.request("GET", "/metrics")).body;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", [`${RR}/24`]);
    evpnd = await Evpnd.start({ lab, label: "lo", address: RR, http: HTTP, config: CONFIG });
    [source, witness, sleeper, dead] = await Promise.all(
      [SOURCE, WITNESS, SLEEPER, DEAD].map((localAddress) =>
        SpeakerClient.up({
          lab,
          label: "lo",
          localAddress,
          remoteAddress: RR,
          holdTime: 240,
        }),
      ) as [
        Promise<SpeakerClient>,
        Promise<SpeakerClient>,
        Promise<SpeakerClient>,
        Promise<SpeakerClient>,
      ],
    );
  }, 60_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("an event and a gauge name who is slow; the others are served; who reads again has it all", async () => {
    sleeper.pause();
    dead.pause();
    source.send(...flood());
    await witness.waitSize(ROUTES);
    const { slow } = await waitFor("the sleeper to be slow", async () => {
      const view = await peer(SLEEPER);
      return view.slow && view;
    });
    expect(slow!.since).toBeLessThanOrEqual(Date.now());
    expect(await metrics()).toMatch(/evpnd_peer_slow\{peer="10\.96\.0\.3"[^}]*\} 1/);
    expect(await metrics()).toMatch(/evpnd_peer_slow\{peer="10\.96\.0\.2"[^}]*\} 0/);
    await evpnd.program.says("the peer is slow: it has been behind for 1 s");

    // It takes not one octet: that is not slow, it is dead.
    const { lastError } = await waitFor("the dead one to be closed", async () => {
      const view = await peer(DEAD);
      return view.state === "Established" ? undefined : view;
    });
    expect(lastError).toMatch(/send hold timer, RFC 9687/);
    expect((await peer(SLEEPER)).state).toBe("Established");

    sleeper.resume();
    await sleeper.waitSize(ROUTES);
    await waitFor("the sleeper to be well", async () => (await peer(SLEEPER)).slow === undefined);
    await evpnd.program.says("the peer is no longer slow");
    expect(await metrics()).toMatch(/evpnd_slow_peers 0/);
    expect(await metrics()).toMatch(/evpnd_slow_peer_events_total [12]\n/);
    expect([source.closed, witness.closed, sleeper.closed]).toEqual([false, false, false]);
  });

  function flood(): Buffer[] {
    const distinguisher = rd(SOURCE, 1);
    return Array.from({ length: ROUTES }, (_, number) => {
      const nlri = macIp({
        rd: distinguisher,
        mac: `02${number.toString(16).padStart(10, "0")}`,
        label: 1,
      });
      return announce(EVPN, ip4(SOURCE), nlri, attribute(0xd0, 8, u32(number).repeat(256)));
    });
  }
});
