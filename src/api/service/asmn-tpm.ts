/** TPMs that vouch for instances of VNFs. */
import type { AsmnTpmKey } from "../../asmn/index.js";
import { actorOf, DIGEST, NEEDED_NAME, secEmOf, TRUST_NAME } from "./asmn-access.js";
import { text, unary, type Operation } from "./operation.js";

const PCR = {
  pcr: { required: true, maximum: 23 },
  value: { required: true, pattern: "^([0-9a-f]{64}|image)$" },
} as const;

export const ASMN_TPM_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListTpmKeys",
    group: "AsmnTpm",
    summary: "Attestation keys of TPMs, and what their quotes must say",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/tpm-keys" },
    input: "ListTpmKeysRequest",
    output: "TpmKeyList",
    rules: { tenant: TRUST_NAME },
    run: async (backend, { tenant }: { tenant?: string }) => {
      const keys = await secEmOf(backend).tpmKeys();
      return { keys: keys.filter((row) => tenant === undefined || row.tenant === tenant) };
    },
  }),
  unary({
    id: "RegisterTpmKey",
    group: "AsmnTpm",
    summary: "Registers the attestation key of a TPM, in place of one with that name",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/tpm-keys" },
    input: "RegisterTpmKeyRequest",
    output: "TpmKeyEntry",
    rules: {
      ...{ name: NEEDED_NAME, tenant: NEEDED_NAME, vnf: NEEDED_NAME, instance: TRUST_NAME },
      image: DIGEST,
      publicKey: { required: true, ...text(4096) },
      pcrs: { required: true, minItems: 1, maxItems: 24, items: { fields: PCR } },
    },
    run: async (backend, key: AsmnTpmKey, caller) => {
      const { name, tenant, vnf, instance, image, publicKey, pcrs } = key;
      return secEmOf(backend).registerTpmKey(
        { name, tenant, vnf, instance, image, publicKey, pcrs },
        await actorOf(backend, caller, "vim"),
      );
    },
  }),
  unary({
    id: "RemoveTpmKey",
    group: "AsmnTpm",
    summary: "A TPM's key counts no more: who rests on it alone is untrusted",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/tpm-keys/remove" },
    input: "RemoveTpmKeyRequest",
    output: "DoneResponse",
    rules: { name: NEEDED_NAME },
    run: async (backend, { name }: { name: string }, caller) => {
      await secEmOf(backend).removeTpmKey(name, await actorOf(backend, caller, "vim"));
      return { done: [`TPM key ${name} counts no more`] };
    },
  }),
];
