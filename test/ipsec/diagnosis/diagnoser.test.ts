/** Faults read from what the IKE daemon says while it negotiates; the lines are strongSwan's own. */
import { describe, expect, test } from "vitest";
import { Diagnoser } from "../../../src/ipsec/diagnosis/diagnoser.js";
import type { Diagnosis } from "../../../src/ipsec/diagnosis/fault.js";
import { mirrorSelector, type Selector } from "../../../src/ipsec/model/index.js";
import { childSa, ikeSa, logLine } from "../lib/observed.js";
import { sideFor, type TunnelChoice } from "../lib/sides.js";

interface Desk {
  readonly diagnoser: Diagnoser;
  readonly found: Diagnosis[];
  readonly say: (...lines: readonly string[]) => void;
  readonly codes: () => string[];
}

function desk(choice: TunnelChoice = {}, far?: readonly Selector[]): Desk {
  const side = sideFor({ name: "t", ...choice });
  const farSelectors = far ?? sideFor({ name: "t", ...choice }, 1).selectors.map(mirrorSelector);
  const tunnel = { side, farSelectors };
  const found: Diagnosis[] = [];
  const diagnoser = new Diagnoser({
    byConnection: (name) => (name === "evpnd-t" ? tunnel : undefined),
    byAddresses: (local, remote) =>
      local === "192.0.2.1" && remote === "192.0.2.2" ? tunnel : undefined,
    found: (diagnosis) => found.push(diagnosis),
  });
  let wall = 0;
  return {
    diagnoser,
    found,
    say: (...lines) => {
      for (const text of lines) diagnoser.take(logLine(text), ++wall);
    },
    codes: () => diagnoser.list("t").map(({ code }) => code),
  };
}

const SENT = "sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (180 bytes)";
const RECEIVED = "received packet: from 192.0.2.2[500] to 192.0.2.1[500] (160 bytes)";
const MAIN_MODE = [
  "generating ID_PROT request 0 [ SA V V V ]",
  SENT,
  RECEIVED,
  "parsed ID_PROT response 0 [ SA V V ]",
  "generating ID_PROT request 0 [ KE No NAT-D NAT-D ]",
  SENT,
  RECEIVED,
  "parsed ID_PROT response 0 [ KE No NAT-D NAT-D ]",
  "generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]",
  SENT,
];
const IKE_V2_INIT = [
  "generating IKE_SA_INIT request 0 [ SA KE No ]",
  SENT,
  RECEIVED,
  "parsed IKE_SA_INIT response 0 [ SA KE No ]",
  "generating IKE_AUTH request 1 [ IDi AUTH SA TSi TSr ]",
  SENT,
];

describe("a wrong pre-shared key", () => {
  test("IKEv1: what cannot be read once keys are agreed on, before phase 1 is up", () => {
    const { say, found } = desk({ profile: "ssg" });
    say(
      ...MAIN_MODE,
      RECEIVED,
      "invalid HASH_V1 payload length, decryption failed?",
      "could not decrypt payloads",
      "message parsing failed",
    );
    expect(found).toMatchObject([{ code: "wrong-key", certain: true, tunnel: "t" }]);
    expect(found[0]?.remedy).toContain("pre-shared key");
  });

  test("IKEv1: a peer that says nothing at all: silence where the key is needed", () => {
    const { say, found } = desk({ profile: "ssg" });
    say(...MAIN_MODE, "sending retransmit 1 of request message ID 0, seq 3");
    expect(found).toEqual([]);
    say("sending retransmit 2 of request message ID 0, seq 3");
    expect(found).toMatchObject([{ code: "wrong-key", certain: false }]);
  });

  test("the same words before keys are agreed on, or after phase 1 is up, are no key's fault", () => {
    const { say, found } = desk({ profile: "ssg" });
    say("parsed ID_PROT request 0 [ SA V ]", "message parsing failed");
    say(...MAIN_MODE, "IKE_SA evpnd-t[1] established between a...b", "could not decrypt payloads");
    expect(found).toEqual([]);
  });

  test("IKEv2: the responder knows, the initiator is refused", () => {
    const responder = desk();
    responder.say("tried 1 shared key for 'a' - 'b', but MAC mismatched");
    expect(responder.found).toMatchObject([{ code: "wrong-key", certain: true }]);
    const initiator = desk();
    initiator.say(
      ...IKE_V2_INIT,
      RECEIVED,
      "parsed IKE_AUTH response 1 [ N(AUTH_FAILED) ]",
      "received AUTHENTICATION_FAILED notify error",
    );
    expect(initiator.found).toMatchObject([{ code: "wrong-key", certain: false }]);
  });
});

describe("silence", () => {
  test("nobody answers: a peer that cannot be reached", () => {
    const { say, found } = desk();
    say(
      "generating IKE_SA_INIT request 0 [ SA KE No ]",
      SENT,
      "sending retransmit 1 of request message ID 0, seq 1",
      SENT,
      "sending retransmit 2 of request message ID 0, seq 1",
    );
    expect(found).toMatchObject([
      { code: "peer-unreachable", text: "the peer does not answer at all" },
    ]);
  });

  test("it is over when phase 2 is up, and comes again as a new one", () => {
    const { say, found, diagnoser, codes } = desk();
    const silent = ["sending retransmit 2 of request message ID 0, seq 1"];
    say(...silent, ...silent);
    expect(diagnoser.list("t")).toMatchObject([{ count: 2, first: 1, last: 2 }]);
    diagnoser.take({ kind: "child-up", sa: ikeSa(), child: childSa() }, 50);
    expect(codes()).toEqual([]);
    expect(diagnoser.list("t", true)).toMatchObject([{ ended: 50 }]);
    say(...silent);
    expect(found).toHaveLength(2);
  });
});

describe("proposals", () => {
  const ESP = "ESP:AES_CBC_128/HMAC_SHA1_96";

  test("phase 1, on both ends", () => {
    const responder = desk({ profile: "ssg" });
    responder.say(
      "received proposals: IKE:3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024",
      "configured proposals: IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024",
      "no proposal found",
    );
    expect(responder.found).toMatchObject([
      {
        code: "phase-1-proposal",
        ours: "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024",
        theirs: "IKE:3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024",
      },
    ]);
    const initiator = desk({ profile: "ssg" });
    initiator.say(
      "generating ID_PROT request 0 [ SA V ]",
      SENT,
      RECEIVED,
      "parsed INFORMATIONAL_V1 request 0 [ N(NO_PROP) ]",
      "received NO_PROPOSAL_CHOSEN error notify",
    );
    expect(initiator.codes()).toEqual(["phase-1-proposal"]);
  });

  test("phase 2, IKEv1 and IKEv2", () => {
    const one = desk({ profile: "ssg" });
    one.say(
      ...MAIN_MODE,
      "IKE_SA evpnd-t[1] established between a...b",
      "generating QUICK_MODE request 77 [ HASH SA No ID ID ]",
      SENT,
      RECEIVED,
      "parsed INFORMATIONAL_V1 request 78 [ HASH N(NO_PROP) ]",
      "received NO_PROPOSAL_CHOSEN error notify",
    );
    expect(one.codes()).toEqual(["phase-2-proposal"]);
    const two = desk();
    two.say(
      ...IKE_V2_INIT,
      RECEIVED,
      "parsed IKE_AUTH response 1 [ IDr AUTH N(NO_PROP) ]",
      "received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built",
    );
    expect(two.codes()).toEqual(["phase-2-proposal"]);
    const responder = desk();
    responder.say(
      `received proposals: ESP:3DES_CBC/HMAC_MD5_96/NO_EXT_SEQ`,
      `configured proposals: ${ESP}/NO_EXT_SEQ`,
      "no acceptable proposal found",
    );
    expect(responder.codes()).toEqual(["phase-2-proposal"]);
  });

  test("PFS on one side: the group alone differs, or the SA is there and cannot be renewed", () => {
    const { say, codes } = desk({ profile: "ssg" });
    say(
      `received proposals: ${ESP}/MODP_1024/NO_EXT_SEQ`,
      `configured proposals: ${ESP}/NO_EXT_SEQ`,
      "no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    );
    expect(codes()).toEqual(["pfs"]);
    const two = desk();
    two.say(
      ...IKE_V2_INIT,
      "IKE_SA evpnd-t[1] established between a...b",
      "CHILD_SA net{1} established with SPIs c1_i c2_o and TS 10.1.0.0/24 === 10.2.0.0/24",
    );
    two.say(
      "generating CREATE_CHILD_SA request 2 [ N(REKEY_SA) SA No KE TSi TSr ]",
      RECEIVED,
      "parsed CREATE_CHILD_SA response 2 [ N(NO_PROP) ]",
      "received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built",
    );
    expect(two.found).toMatchObject([{ code: "pfs", certain: false }]);
    two.diagnoser.take(
      { kind: "child-rekeyed", sa: ikeSa(), before: childSa(), child: childSa() },
      99,
    );
    expect(two.codes()).toEqual([]);
  });
});

describe("networks", () => {
  const split: TunnelChoice = { networks: [["10.0.0.0/24", "10.0.1.0/24"], ["10.2.0.0/24"]] };

  test("IPS-62: a refusal of merged networks is named, from what the peer asked for", () => {
    const { say, found } = desk({ profile: "pix", ...split });
    say("no matching CHILD_SA config found for 10.0.0.0/23 === 10.2.0.0/24");
    expect(found).toMatchObject([
      { code: "summarised-networks", certain: true, theirs: "10.0.0.0/23 === 10.2.0.0/24" },
    ]);
    expect(found[0]?.remedy).toContain("same form at both ends");
  });

  test("IPS-62: a refusal by the peer is named from what its end is configured with", () => {
    const far = sideFor({ name: "t", networks: [["10.0.0.0/23"], ["10.2.0.0/24"]] }).selectors;
    const { say, codes } = desk({ ...split }, far);
    say("received TS_UNACCEPTABLE notify, no CHILD_SA built");
    expect(codes()).toEqual(["summarised-networks"]);
  });

  test("other networks are other networks", () => {
    const { say, codes } = desk({ profile: "pix", ...split });
    say("no matching CHILD_SA config found for 10.9.0.0/24 === 10.2.0.0/24");
    expect(codes()).toEqual(["selectors"]);
  });

  test("IPS-84: narrowing is told with the networks that are not covered, and ends when they are", () => {
    const { diagnoser, found, codes } = desk(split);
    const tunnel = { side: sideFor({ name: "t", ...split }), farSelectors: undefined };
    diagnoser.look(tunnel, [ikeSa()], ["10.0.1.0/24 to 10.2.0.0/24"], 5);
    expect(found[0]?.text).toContain("10.0.1.0/24 to 10.2.0.0/24");
    expect(codes()).toEqual(["summarised-networks"]);
    diagnoser.look(tunnel, [ikeSa()], [], 6);
    expect(codes()).toEqual([]);
  });
});

describe("the rest", () => {
  test("lifetimes, which IKEv1 tells", () => {
    const { say, found } = desk({ profile: "ssg" });
    say("received 1800s lifetime, configured 3600s");
    expect(found).toMatchObject([{ code: "lifetime", ours: "3600 s", theirs: "1800 s" }]);
  });

  test("a NAT in the middle, but not one that both ends only feign", () => {
    const real = desk();
    real.say("local host is behind NAT, sending keep alives");
    expect(real.codes()).toEqual(["nat"]);
    const feigned = desk();
    feigned.say(RECEIVED, "remote host is behind NAT");
    expect(feigned.codes()).toEqual([]);
    const moved = desk();
    moved.say(RECEIVED.replace("192.0.2.2", "198.51.100.7"), "remote host is behind NAT");
    expect(moved.found).toMatchObject([{ code: "nat", certain: false }]);
  });

  test("IPS-35: notifies that nobody knows are no fault", () => {
    const { say, found } = desk({ profile: "ssg" });
    say(
      "parsed QUICK_MODE response 77 [ HASH SA No KE ID ID N((40001)) ]",
      "received (40001) notify",
    );
    expect(found).toEqual([]);
  });

  test("a responder's lines have no name yet: the addresses tell the tunnel", () => {
    const { diagnoser, found } = desk({ profile: "ssg" });
    const unnamed = (text: string): void =>
      diagnoser.take(logLine(text, { connection: "(unnamed)", uniqueId: 9 }), 1);
    unnamed(RECEIVED);
    unnamed("received proposals: IKE:DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_768");
    unnamed("no proposal found");
    diagnoser.take(
      logLine("no IKE config found for 192.0.2.1...192.0.2.2, sending NO_PROPOSAL_CHOSEN", {
        connection: undefined,
        uniqueId: undefined,
      }),
      2,
    );
    expect(found.map(({ code, tunnel }) => `${tunnel} ${code}`)).toEqual([
      "t phase-1-proposal",
      "t not-configured-here",
    ]);
  });

  test("a peer that negotiates without end keeps nothing that grows", () => {
    const { diagnoser } = desk({ profile: "ssg" });
    for (let id = 1; id < 10_000; id++) {
      diagnoser.take(
        logLine(`sending retransmit 3 of request message ID ${String(id)}`, { uniqueId: id }),
        id,
      );
    }
    const [one] = diagnoser.list("t");
    expect(one?.evidence.length).toBeLessThanOrEqual(6);
    expect(diagnoser.list("t")).toHaveLength(1);
  });
});
