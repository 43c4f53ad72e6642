/** Attestation keys of TPMs: of a file that passed the schema, to settings. */
import { RESETTABLE_PCRS, type AsmnPcr, type AsmnTpmKey } from "../asmn/settings.js";
import { readPublicKey } from "../util/public-key.js";
import type { TpmKeyEntry } from "./asmn-file.js";
import { uniqueNames } from "./asmn-values.js";
import type { ConfigPath, IssueList } from "./issue.js";

export function tpmKeysOf(
  entries: readonly TpmKeyEntry[],
  path: ConfigPath,
  issues: IssueList,
): AsmnTpmKey[] {
  uniqueNames(entries, path, issues);
  return entries.map((entry, index) => {
    const { name, tenant, vnf, instance, image, pcrs, "public-key": publicKey } = entry;
    const at = [...path, index];
    const key = readPublicKey(publicKey);
    if (!key.ok) issues.error([...at, "public-key"], key.problem, key.remedy);
    checkPcrs(pcrs, [...at, "pcrs"], issues);
    return { name, tenant, vnf, instance, image, publicKey, pcrs };
  });
}

function checkPcrs(pcrs: readonly AsmnPcr[], path: ConfigPath, issues: IssueList): void {
  for (const [index, { pcr }] of pcrs.entries()) {
    const at = [...path, index, "pcr"];
    if (pcrs.findIndex((one) => one.pcr === pcr) < index) {
      issues.error(at, `PCR ${pcr} stands here twice`, "keep one of them");
    }
    if (RESETTABLE_PCRS.includes(pcr)) {
      const problem = `PCR ${pcr} can be set back by whoever runs there, so it shows nothing`;
      issues.error(at, problem, "use others");
    }
  }
}
