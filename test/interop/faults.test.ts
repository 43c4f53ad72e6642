/**
 * Broken bytes on the wire to a running evpnd: every malformed vector from a peer of its own, with the
 * exact NOTIFICATION or a session that lives on; withdrawals that a fault causes; collisions; and what
 * peers are told when evpnd stops. A bystander must notice nothing.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { loadVectors } from "../fast-bgp-codec/vectors.js";
import type { Vector } from "../fast-bgp-codec/vectors.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  announceMac,
  attribute,
  AS_PATH_EMPTY,
  extendedCommunities,
  imet,
  ip4,
  LOCAL_PREF,
  mac,
  macIp,
  notification,
  ORIGIN,
  rd,
  reach,
  routeTarget,
  u32,
  update,
  VXLAN,
  withdraw,
  withdrawMac,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import type { SpeakerOptions } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { bytesOf, EVPN, IPV4, MessageType, RTC } from "./lib/wire.js";

const RR = "10.99.0.254";
const HTTP = 8080;
const BYSTANDER = "10.99.0.1";
const SENDER = "10.99.0.2";
const FRR = "10.99.0.3";
const CONFIG = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peer-groups:
  all: { client: true, passive: true, families: [l2vpn-evpn, ipv4-unicast, route-target], extended-message: false }
  active: { client: true, connect-retry: 1, idle-hold: 0, idle-hold-max: 1, local-address: ${RR} }
peers:
  - { address: 10.99.4.1, group: active }
  - { address: 10.99.4.2, group: active }
dynamic-peers:
  - { prefix: 10.99.0.0/24, group: all }
  - { prefix: 10.99.1.0/24, group: all }
  - { prefix: 10.99.2.0/24, group: all, malformed-nlri: reset }
  - { prefix: 10.99.3.0/24, group: all, peer-as: 65001, ebgp-accept-in: true }
`;

const malformed = loadVectors("hand-malformed");
/** Envelope good, body bad: one NLRI is lost, or the session with `malformed-nlri: reset`. */
const badBodies = malformed.filter(({ name, expect: wanted }) => {
  return name.startsWith("bad-evpn-t") && (wanted?.alsoAcceptable ?? []).includes("nlri-discard");
});

describeInterop("faults on the wire", ["frr"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let bystander: SpeakerClient;
  let frr: Frr;
  let probes = 0;

  const from = (localAddress: string, more: Partial<SpeakerOptions> = {}): SpeakerOptions => ({
    lab,
    label: "lo",
    localAddress,
    remoteAddress: RR,
    families: [EVPN, IPV4, RTC],
    ...more,
  });

  /** The session still works: a new route of the peer reaches the bystander. */
  async function alive(client: SpeakerClient): Promise<void> {
    probes += 1;
    const nlri = macIp({ rd: rd(client.options.localAddress, 1), mac: mac(9, probes), label: 1 });
    const more = extendedCommunities(VXLAN, routeTarget(65000, 1));
    const asPath =
      client.options.as === 65001 ? attribute(0x40, 2, `0201${u32(65001)}`) : AS_PATH_EMPTY;
    client.send(update(reach(EVPN, ip4(SENDER), nlri) + ORIGIN + asPath + LOCAL_PREF + more));
    await waitFor(`route after the fault from ${client.options.localAddress}`, () => {
      if (client.closed)
        throw new Error(`closed: ${client.notification ?? "without NOTIFICATION"}`);
      return bystander.table.get(EVPN, nlri);
    });
    expect(client.notification).toBeUndefined();
  }

  beforeAll(async () => {
    lab = new Lab();
    // On loopback the whole prefix is local: any address of it can be a peer.
    lab.namespace("lo", ["10.99.0.1/16"]);
    evpnd = await Evpnd.start({ lab, label: "lo", address: RR, config: CONFIG, http: HTTP });
    // Without the route-target family: it is sent everything.
    bystander = await SpeakerClient.up(from(BYSTANDER, { families: [EVPN, IPV4] }));
    frr = await Frr.start({
      lab,
      label: "lo",
      name: "frr",
      address: FRR,
      config: frrClient({
        address: FRR,
        reflectors: [RR],
        globalLines: ["bgp log-neighbor-changes"],
      }),
    });
    await frr.waitEstablished(RR);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** Plays one vector from an address of its own and returns what was wrong with the answer. */
  async function play(
    vector: Vector,
    subnet: number,
    index: number,
    strict: boolean,
  ): Promise<string[]> {
    const ebgp = vector.context?.session === "ebgp";
    const address = `10.99.${String(ebgp ? 3 : subnet)}.${String(index + 1)}`;
    const isOpen = vector.name.startsWith("bad-open");
    const as = ebgp ? 65001 : 65000;
    const client = isOpen
      ? await SpeakerClient.connect(from(address, { manual: true }))
      : await SpeakerClient.up(from(address, { as }));
    client.sendHex(vector.hex);
    const wanted = vector.expect;
    const body = badBodies.includes(vector) && !strict;
    if (wanted?.treatment !== "session-reset" || body) {
      await alive(client);
      client.close();
      return [];
    }
    const got = await client.waitNotification();
    if (vector.name === "bad-notification-length-20") {
      // Never answer a NOTIFICATION with one; 1/2 would be acceptable.
      return got === "" || got.startsWith("0102") ? [] : [`${vector.name}: got ${got}`];
    }
    const { code = 0, subcode = 0, data } = wanted.notification ?? {};
    const head = Buffer.from([code, subcode]).toString("hex");
    const good = data === undefined ? got.startsWith(head) : got === head + data;
    return good ? [] : [`${vector.name}: wanted ${head}${data ?? "…"}, got ${got}`];
  }

  test("every malformed vector has its outcome on the wire", async () => {
    const wrong: string[] = [];
    const each = [...malformed.entries()];
    // A few at a time: each is a session of its own.
    for (let start = 0; start < each.length; start += 8) {
      const some = each
        .slice(start, start + 8)
        .map(([index, vector]) =>
          play(vector, 1, index, false).catch((error: unknown) => [
            `${vector.name}: ${String(error)}`,
          ]),
        );
      wrong.push(...(await Promise.all(some)).flat());
    }
    expect(wrong).toEqual([]);
    expect(malformed.length).toBeGreaterThan(80);
  });

  test("with malformed-nlri: reset, a bad EVPN body costs the session", async () => {
    const wrong = await Promise.all(badBodies.map((vector, index) => play(vector, 2, index, true)));
    expect(wrong.flat()).toEqual([]);
    expect(badBodies.length).toBeGreaterThan(8);
  });

  test("treat-as-withdraw withdraws and keeps the session", async () => {
    const client = await SpeakerClient.up(from(SENDER));
    const nlri = macIp({ rd: rd(SENDER, 100), mac: mac(1, 1), label: 100 });
    const other = macIp({ rd: rd(SENDER, 100), mac: mac(1, 2), label: 100 });
    client.send(announceMac(SENDER, 100, mac(1, 1)), announceMac(SENDER, 100, mac(1, 2)));
    await bystander.waitRoute(EVPN, other);
    await bystander.waitRoute(EVPN, nlri);
    // ORIGIN 5 is invalid (RFC 7606 section 7.1).
    client.send(
      update(
        reach(EVPN, ip4(SENDER), nlri) + attribute(0x40, 1, "05") + AS_PATH_EMPTY + LOCAL_PREF,
      ),
    );
    await bystander.waitNoRoute(EVPN, nlri);
    expect(bystander.table.get(EVPN, other)).toBeDefined();
    await alive(client);
    const view = await evpnd.get<{ faults: { treatAsWithdraw: number } }>(`/v1/peers/${SENDER}`);
    expect(view.faults.treatAsWithdraw).toBe(1);
    client.send(announceMac(SENDER, 100, mac(1, 1)));
    await bystander.waitRoute(EVPN, nlri);

    // A bad body beside a good NLRI: the good one passes, the bad one's key is withdrawn where it can be read.
    const bad = nlri.replace(/^0221/, "0222") + "00";
    const third = macIp({ rd: rd(SENDER, 100), mac: mac(1, 3), label: 100 });
    client.send(announce(EVPN, ip4(SENDER), bad + third));
    await bystander.waitRoute(EVPN, third);
    await bystander.waitNoRoute(EVPN, nlri);
    await alive(client);

    // A loop is an implicit withdraw: our own cluster id in CLUSTER_LIST.
    client.send(
      announce(
        EVPN,
        ip4(SENDER),
        other,
        attribute(0x80, 9, ip4(SENDER)) + attribute(0x80, 10, ip4(RR)),
      ),
    );
    await bystander.waitNoRoute(EVPN, other);
    await alive(client);

    // Withdraws need the key only: label and ESI may differ.
    client.send(withdrawMac(SENDER, 100, mac(1, 3)));
    await bystander.waitNoRoute(EVPN, third);
    client.close();
  });

  test("a session reset takes the peer's routes along and nobody else's", async () => {
    const client = await SpeakerClient.up(from("10.99.0.4"));
    const neighbour = await SpeakerClient.up(from("10.99.0.5"));
    const [mine, theirs] = ["10.99.0.4", "10.99.0.5"].map((each) => imet(rd(each, 7), ip4(each)));
    client.send(announce(EVPN, ip4("10.99.0.4"), mine ?? ""));
    neighbour.send(announce(EVPN, ip4("10.99.0.5"), theirs ?? ""));
    await bystander.waitRoute(EVPN, mine ?? "");
    await bystander.waitRoute(EVPN, theirs ?? "");
    // An unknown well-known attribute (RFC 4271 section 6.3), data = the attribute.
    client.send(announce(EVPN, ip4("10.99.0.4"), mine ?? "", attribute(0x40, 99, "01")));
    expect(await client.waitNotification()).toBe("0302" + "40630101");
    await bystander.waitNoRoute(EVPN, mine ?? "");
    expect(bystander.table.get(EVPN, theirs ?? "")).toBeDefined();
    // Gone without a word, and gone with one: the same.
    neighbour.drop();
    await bystander.waitNoRoute(EVPN, theirs ?? "");
    expect(bystander.closed).toBe(false);
  });

  test("unexpected messages are FSM errors that name the message", async () => {
    const early = await SpeakerClient.connect(from("10.99.0.6", { manual: true }));
    early.send(withdraw(EVPN, ""));
    expect(await early.waitNotification()).toBe("050102");
    const late = await SpeakerClient.up(from("10.99.0.7"));
    late.sendOpen();
    expect(await late.waitNotification()).toBe("050301");
  });

  test.for([
    ["lower", "10.99.4.1", "10.99.0.9", "ours"],
    ["higher", "10.99.4.2", "10.99.0.255", "theirs"],
  ] as const)(
    "both connect at once, peer's id %s: one connection stays, Cease 7 on the other",
    async (row) => {
      const [, address, routerId, kept] = row;
      const relay = await lab.relay("lo");
      const stop = await relay.listen(address, 179);
      const options = from(address, { routerId, families: [EVPN], manual: true });
      // evpnd has called; we call too before any OPEN of ours.
      const called = await SpeakerClient.accept(options);
      const calling = await SpeakerClient.connect(options);
      await waitFor("evpnd's OPEN on both", () => called.opened && calling.opened);
      called.sendOpen();
      calling.sendOpen();
      const [winner, loser] = kept === "ours" ? [called, calling] : [calling, called];
      expect(await loser.waitNotification()).toBe("0607");
      winner.sendHex("ff".repeat(16) + "001304");
      await winner.waitEstablished();
      await waitFor("evpnd to be Established", async () => {
        const view = await evpnd.get<{ state: string }>(`/v1/peers/${address}`);
        return view.state === "Established";
      });
      expect(winner.closed).toBe(false);
      stop();
      winner.close();
    },
  );

  test("administrative shutdown and its text reach FRR and the speaker", async () => {
    const text = "maintenance until 12:00";
    const shut = await evpnd.request("POST", `/v1/peers/${FRR}/shutdown`, { text });
    expect(shut.status).toBe(200);
    // Its log keeps the text; `show bgp neighbors` only until its next attempt to connect is refused.
    await waitFor("FRR to log the text", () => {
      return new RegExp(`received from neighbor ${RR} 6/2 .*${text}`).test(frr.bgpd.log());
    });
    await evpnd.request("POST", `/v1/peers/${FRR}/enable`);
    await frr.waitEstablished(RR);

    const client = await SpeakerClient.up(from("10.99.0.8"));
    await evpnd.request("POST", "/v1/peers/10.99.0.8/reset", { text: "again" });
    expect(await client.waitNotification()).toBe(
      "0604" + "05" + Buffer.from("again").toString("hex"),
    );
  });

  test("the bystander noticed nothing of all that", () => {
    expect(bystander.closed).toBe(false);
    expect(bystander.messages.filter(({ type }) => type === MessageType.Open)).toHaveLength(1);
    // Nothing broken was passed on: every UPDATE it got could be split, and holds no IPv4 or RTC leftovers of vectors it must not have.
    for (const { attributes } of bystander.table.routes()) {
      expect(attributes.get(10)?.value.startsWith(ip4(RR)) ?? true).toBe(true);
    }
  });

  test("SIGTERM: a Cease to every peer, then the end", async () => {
    const client = await SpeakerClient.up(from("10.99.0.10"));
    const exit = evpnd.program.stop("SIGTERM", 10_000);
    for (const each of [client, bystander])
      expect(await each.waitNotification()).toMatch(/^060[23]/);
    expect(await exit).toEqual({ code: 0, signal: null });
    await waitFor("FRR to see the Cease", async () => {
      return (await frr.neighbor(RR)).lastNotificationReason?.startsWith("Cease/");
    });
    expect(notification(6, 2)).toEqual(bytesOf("ff".repeat(16) + "0015030602"));
  });
});
