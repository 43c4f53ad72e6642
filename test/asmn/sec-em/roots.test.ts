/** Roots of trust and lists of allowed changes at the Sec-EM: what evidence must have, who registers it, what ends it. */
import { expect, test } from "vitest";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import {
  allowedChangesDigest,
  parseAllowedChange,
  type AllowedChange,
} from "../../../src/asmn/measure/index.js";
import { signPlatformDocument, type RootKind } from "../../../src/asmn/protocol/index.js";
import { SecEmError } from "../../../src/asmn/sec-em/index.js";
import type { AsmnTpmKey, SecEmSettings } from "../../../src/asmn/settings.js";
import { fromHex, toHex } from "../../../src/util/bytes.js";
import { SoftTpm } from "../lib/soft-tpm.js";
import { gateOverPort } from "./lib/gate.js";
import { Player, until, type Outcome, type PlayerOptions } from "./lib/player.js";
import {
  enrolment,
  IMAGE,
  MANIFEST,
  OPERATOR,
  OTHER_IMAGE,
  tenant,
  VIM,
  vnf,
  VNFM,
  world,
  type World,
} from "./lib/world.js";

const PCRS = [0, 7, 14];
const UNSIGNED = { signer: undefined, signature: undefined, overlapSeconds: undefined };
const demanding = (
  root: RootKind,
  change: Partial<SecEmSettings> = {},
): Partial<SecEmSettings> => ({
  tenants: [tenant({ vnfs: [vnf("pe", { rootOfTrust: root }), vnf("rr")] })],
  ...change,
});

/** A TPM of a machine that booted well and was given the image. */
function booted(image = IMAGE): SoftTpm {
  const tpm = new SoftTpm();
  tpm.extend(0, Buffer.from("firmware".padEnd(32)));
  tpm.extend(7, Buffer.from("secure boot".padEnd(32)));
  tpm.extend(14, fromHex(image)!);
  return tpm;
}

function keyOf(tpm: SoftTpm, change: Partial<AsmnTpmKey> = {}): AsmnTpmKey {
  return {
    ...{ name: "rack-7", tenant: "red", vnf: "pe", instance: undefined, image: undefined },
    publicKey: tpm.pem,
    pcrs: [
      { pcr: 14, value: "image" },
      { pcr: 0, value: toHex(tpm.pcr(0)) },
      { pcr: 7, value: toHex(tpm.pcr(7)) },
    ],
    ...change,
  };
}

const proving =
  (tpm: SoftTpm, pcrs = PCRS): NonNullable<PlayerOptions["prove"]> =>
  (challenge) =>
    Promise.resolve({ kind: "tpm", document: tpm.document(challenge, pcrs) });

async function player(lab: World, prove?: PlayerOptions["prove"], instance = "1"): Promise<Player> {
  const enrolled = await enrolment(lab, instance);
  return new Player(lab, { ...enrolled, instance, ...(prove !== undefined && { prove }) });
}

const said = (outcome: Outcome): string => {
  if (outcome.kind !== "done") return outcome.kind;
  const { state, reason, sentence } = outcome.result;
  return state === "trusted" ? state : `${state} ${reason}: ${sentence}`;
};

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(SecEmError);
  return `${(error as SecEmError).code}: ${(error as SecEmError).message}`;
}

test("ASM-68: a TPM whose key is registered vouches for the instance, by challenge, PCRs and image", async () => {
  const lab = await world(demanding("tpm"));
  const gate = await gateOverPort(lab);
  const tpm = booted();
  const agent = await player(lab, proving(tpm));
  expect(said(await agent.step())).toMatch(
    /^untrusted root-of-trust: no TPM key [0-9a-f]{32} is registered/,
  );
  const row = await lab.service.registerTpmKey(keyOf(tpm), VIM);
  expect(row).toMatchObject({ algorithm: "ec-p256", source: "api", registeredBy: "openstack" });
  expect(row.pcrs.map(({ pcr }) => pcr)).toEqual(PCRS);
  expect(said(await agent.step())).toBe("trusted");
  const [instance] = (await lab.service.instances({})).rows;
  expect(instance).toMatchObject({ state: "trusted", root: "tpm" });
  await gate.until("1", "trusted none");
  expect([...gate.verdicts.values()][0]).toMatchObject({ root: "tpm" });

  agent.options.prove = () => proving(tpm)(new Uint8Array(32));
  expect(said(await agent.step())).toMatch(/root-of-trust: the quote belongs to another challenge/);
  agent.options.prove = proving(tpm, [0, 7]);
  expect(said(await agent.step())).toMatch(/root-of-trust: the quote is over other PCRs/);
  agent.options.prove = undefined;
  expect(said(await agent.step())).toMatch(/root-of-trust: tpm is demanded, the agent has none/);
  agent.options.prove = proving(tpm);
  expect(said(await agent.step())).toBe("trusted");
  tpm.extend(7, Buffer.alloc(32));
  expect(said(await agent.step())).toMatch(/root-of-trust: the PCRs are not what is registered/);
});

test("ASM-66, ASM-68: the PCR of the image ties the quote to the digest that the agent reports", async () => {
  const lab = await world(demanding("tpm"));
  const image = { tenant: "red", vnf: "pe", manifest: undefined, ...UNSIGNED };
  await lab.service.registerImage({ ...image, digest: OTHER_IMAGE, version: "2" }, VIM);
  const tpm = booted(OTHER_IMAGE);
  await lab.service.registerTpmKey(keyOf(tpm), VIM);
  const agent = await player(lab, proving(tpm));
  // Both are good images; the machine was given the other one.
  expect(said(await agent.step())).toMatch(/root-of-trust: the PCRs are not what is registered/);
  agent.options.image = OTHER_IMAGE;
  expect(said(await agent.step())).toBe("trusted");
});

test("ASM-68: a key counts for whom it is registered: instance, image; and one beside another", async () => {
  const lab = await world(demanding("tpm"));
  const tpm = booted();
  const agent = await player(lab, proving(tpm));
  const { service } = lab;
  await service.registerTpmKey(keyOf(tpm, { instance: "2" }), VIM);
  expect(said(await agent.step())).toMatch(/is registered for this instance and image/);
  await service.registerTpmKey(keyOf(tpm, { image: OTHER_IMAGE }), VIM);
  expect(said(await agent.step())).toMatch(/is registered for this instance and image/);
  await service.registerTpmKey(keyOf(tpm, { name: "rack-7b", instance: "1", image: IMAGE }), VIM);
  expect(said(await agent.step())).toBe("trusted");
  // Another entry of that key, with values of another boot, takes nothing away.
  const values = [{ pcr: 0, value: "00".repeat(32) }];
  await service.registerTpmKey(keyOf(tpm, { name: "a", pcrs: values }), VIM);
  expect(said(await agent.step())).toBe("trusted");
  expect((await service.tpmKeys()).map(({ name }) => name)).toEqual(["a", "rack-7", "rack-7b"]);
});

test("ASM-68, ASM-71: a key that is removed takes trust at once where no other vouches, else asks anew", async () => {
  const lab = await world(demanding("tpm"));
  const gate = await gateOverPort(lab);
  const tpm = booted();
  const { service } = lab;
  await service.registerTpmKey(keyOf(tpm), VIM);
  await service.registerTpmKey(keyOf(tpm, { name: "spare" }), VIM);
  const agent = await player(lab, proving(tpm));
  expect(said(await agent.step())).toBe("trusted");
  const asked = agent.prompted();
  await service.removeTpmKey("spare", OPERATOR);
  expect(said(await asked)).toBe("trusted");
  await service.removeTpmKey("rack-7", VIM);
  await gate.until("1", "untrusted root-of-trust");
  await until(() => agent.notices.length > 0);
  expect(agent.notices).toMatchObject([{ state: "untrusted", reason: "root-of-trust" }]);
  expect(said(await agent.step())).toMatch(/no TPM key/);
  const actions = (await service.audit(0)).map(({ action, subject }) => `${action} ${subject}`);
  expect(actions).toEqual(
    expect.arrayContaining(["register-tpm-key red/pe/*", "remove-tpm-key red/pe/*"]),
  );
  expect(await refusal(service.removeTpmKey("rack-7", VIM))).toMatch(/^not-found: .*list them/);
});

test("ASM-68: keys of the configuration come and go with a reload; those of the API outlive the process", async () => {
  const tpm = booted();
  const tpmKeys = [keyOf(tpm, { name: "rack-1" })];
  const lab = await world(demanding("tpm", { tpmKeys }));
  const agent = await player(lab, proving(tpm));
  expect(said(await agent.step())).toBe("trusted");
  const gate = await gateOverPort(lab);
  const key = keyOf(tpm, { name: "rack-1" });
  expect(await refusal(lab.service.registerTpmKey(key, VIM))).toMatch(
    /^conflict: .*change it there/,
  );
  expect(await refusal(lab.service.removeTpmKey("rack-1", VIM))).toMatch(
    /^conflict: .*remove it there/,
  );
  const bad = [keyOf(tpm, { pcrs: [] })];
  expect(await refusal(lab.service.configure({ ...lab.settings, tpmKeys: bad }))).toMatch(
    /^invalid/,
  );
  expect(await lab.service.tpmKeys()).toMatchObject([{ name: "rack-1", source: "configuration" }]);
  await lab.service.configure({ ...lab.settings, tpmKeys: [] });
  await gate.until("1", "untrusted root-of-trust");
  await lab.service.registerTpmKey(keyOf(tpm), VIM);
  expect(said(await agent.step())).toBe("trusted");
  agent.close();
  const { settings } = lab;
  Object.assign(settings, { tpmKeys: [] });
  await lab.restart();
  expect(await lab.service.tpmKeys()).toMatchObject([{ name: "rack-7", source: "api" }]);
  expect(said(await agent.step())).toBe("trusted");
});

test("ASM-01, ASM-68: a key is the VIM's to register, and one that shows nothing is refused with what to do", async () => {
  const { service } = await world(demanding("tpm"));
  const tpm = booted();
  const key = keyOf(tpm);
  expect(await refusal(service.registerTpmKey(key, VNFM))).toMatch(/^refused/);
  expect(await refusal(service.removeTpmKey("rack-7", VNFM))).toMatch(/^refused/);
  const zero = "00".repeat(32);
  const wrong: [Partial<AsmnTpmKey>, RegExp][] = [
    [{ vnf: "fw" }, /^not-found/],
    [{ name: "a b" }, /is no name of a TPM key/],
    [{ publicKey: "ssh-rsa AAAA" }, /no public key in PEM/],
    [
      { publicKey: tpm.privatePem },
      /a private key, which belongs to nobody else; .*replace the key/,
    ],
    [{ image: "12" }, /a digest is 64/],
    [{ pcrs: [] }, /name one at least/],
    [{ pcrs: [{ pcr: 24, value: zero }] }, /a PCR is 0 to 23/],
    [{ pcrs: [{ pcr: 16, value: "image" }] }, /can be set back/],
    [{ pcrs: [{ pcr: 23, value: zero }] }, /can be set back/],
    [{ pcrs: [0, 0].map((pcr) => ({ pcr, value: zero })) }, /stands in the list twice/],
    [{ pcrs: [{ pcr: 1, value: "anything" }] }, /value of PCR 1 is 64/],
  ];
  for (const [change, expected] of wrong) {
    const message = await refusal(service.registerTpmKey({ ...key, ...change }, VIM));
    expect(message).toMatch(expected);
    expect(message).not.toContain("PRIVATE");
  }
  expect(await service.tpmKeys()).toEqual([]);
});

test("ASM-68: a platform's document bears the challenge, or is as young as the settings say", async () => {
  const platform = generateSigningKey();
  const platformKeys = [{ name: "rack", publicKey: toHex(platform.publicKey) }];
  const lab = await world(demanding("platform", { platformKeys }));
  const { key, token } = await enrolment(lab);
  const signing =
    (fresh: boolean, platformKey = platform): NonNullable<PlayerOptions["prove"]> =>
    (challenge) => {
      const document = signPlatformDocument(
        {
          ...{ platform: "rack", tenant: "red", vnf: "pe", instance: "1", image: fromHex(IMAGE)! },
          instanceKey: key.publicKey,
          challenge: fresh ? challenge : undefined,
          time: lab.clock.wall(),
        },
        platformKey,
      );
      return Promise.resolve({ kind: "platform", document });
    };
  const agent = new Player(lab, { key, token, prove: signing(true) });
  expect(said(await agent.step())).toBe("trusted");
  agent.options.prove = signing(false);
  expect(said(await agent.step())).toMatch(/root-of-trust: the platform document has no challenge/);
  await lab.service.configure({ ...lab.settings, platformDocumentSeconds: 60 });
  expect(said(await agent.step())).toBe("trusted");
  agent.options.prove = signing(true, generateSigningKey());
  expect(said(await agent.step())).toMatch(/root-of-trust: the platform document's signature/);
  agent.options.prove = signing(true);
  expect(said(await agent.step())).toBe("trusted");
  // Its key goes: it is asked at once, and has nothing that counts.
  const asked = agent.prompted();
  await lab.service.configure({ ...lab.settings, platformKeys: [] });
  expect(said(await asked)).toMatch(/root-of-trust: no key is registered for the platform rack/);
});

test("ASM-68: an agent that has no document now sends nothing, stays what it was, and goes on later", async () => {
  const lab = await world(demanding("tpm"));
  const tpm = booted();
  await lab.service.registerTpmKey(keyOf(tpm), VIM);
  const agent = await player(lab, proving(tpm));
  expect(said(await agent.step())).toBe("trusted");
  const { attempt } = agent.state;
  agent.options.prove = () =>
    Promise.resolve({ reason: "root-of-trust", sentence: "no document of the TPM: it sleeps" });
  expect(await agent.step()).toMatchObject({ kind: "refused", reason: "root-of-trust" });
  expect(agent.state.attempt).toBe(attempt);
  expect((await lab.service.instances({})).rows).toMatchObject([{ state: "trusted" }]);
  agent.close();
  agent.options.prove = proving(tpm);
  expect(said(await agent.step())).toBe("trusted");
});

const changes = (...texts: string[]): AllowedChange[] =>
  texts.map((text) => parseAllowedChange(text)!);

test("ASM-66: an agent leaves out of its manifest what the descriptor names: no more, no less, or it says why", async () => {
  const allowedChanges = ["file:/etc/frr/*.sav", "process:watchfrr"];
  const descriptor = vnf("pe", { manifest: { allowedChanges } });
  const lab = await world({ tenants: [tenant({ vnfs: [descriptor, vnf("rr")] })] });
  const fixed = { digest: OTHER_IMAGE, manifest: MANIFEST, version: "2", ...UNSIGNED };
  await lab.service.registerImage({ tenant: "red", vnf: "pe", ...fixed }, VIM);
  const agent = await player(lab);
  // As registered, and so the manifest fits whatever it leaves out: the list is judged by itself.
  Object.assign(agent.options, { image: OTHER_IMAGE, manifest: MANIFEST });
  const list = (...texts: string[]): void => {
    Object.assign(agent.options, { allowed: allowedChangesDigest(changes(...texts)) });
  };
  const what = "untrusted manifest: its list of allowed changes is not that of its descriptor";
  Object.assign(agent.options, { image: IMAGE });
  expect(said(await agent.step())).toBe(`${what}: it has none, and the descriptor names 2`);
  Object.assign(agent.options, { image: OTHER_IMAGE });
  list("file:/etc/frr/*", "process:watchfrr");
  expect(said(await agent.step())).toBe(what);
  list("process:watchfrr", "file:/etc/frr/*.sav");
  expect(said(await agent.step())).toBe("trusted");
  await lab.service.configure({
    ...lab.settings,
    tenants: [tenant({ vnfs: [vnf("pe"), vnf("rr")] })],
  });
  expect(said(await agent.step())).toBe(`${what}, which allows none`);
  list();
  expect(said(await agent.step())).toBe("trusted");
});

test("ASM-66, ASM-68: what a descriptor demands anew is asked for at once, of the file and of the API", async () => {
  const lab = await world();
  const agent = await player(lab);
  expect(said(await agent.step())).toBe("trusted");
  const asked = agent.prompted();
  await lab.service.configure({ ...lab.settings, ...demanding("platform") });
  expect(said(await asked)).toMatch(/root-of-trust: platform is demanded, the agent has none/);

  const { service } = lab;
  const fw = { tenant: "red", vnf: "fw" };
  const register = (...allowedChanges: string[]) =>
    service.registerVnf(
      { tenant: "red", descriptor: vnf("fw", { manifest: { allowedChanges } }), catalog: [] },
      VNFM,
    );
  await register();
  await service.registerImage(
    { ...fw, digest: IMAGE, manifest: undefined, version: "1", ...UNSIGNED },
    VIM,
  );
  const enrolled = await enrolment(lab, "1", { vnf: "fw" });
  const other = new Player(lab, { ...enrolled, vnf: "fw" });
  expect(said(await other.step())).toBe("trusted");
  const then = other.prompted();
  await register("file:/etc/frr/*");
  expect(said(await then)).toMatch(
    /^untrusted manifest: .*it has none, and the descriptor names 1$/,
  );
});

test("ASM-66: a descriptor's list is checked when it is registered", async () => {
  const { service } = await world();
  const of = (...allowedChanges: string[]) => ({
    ...{ tenant: "red", catalog: [] },
    descriptor: vnf("fw", { manifest: { allowedChanges } }),
  });
  expect(await refusal(service.registerVnf(of("/etc/frr"), VNFM))).toMatch(
    /^invalid: "\/etc\/frr" is no allowed change; write file:NAME/,
  );
  await service.registerVnf(of("file:/etc/frr/*"), VNFM);
});
