/** Findings, differences, installs, secrets and what hangs on tunnels, for people. */
import type {
  FindingAnswer,
  InstallAnswer,
  InstalledAnswer,
  PolicyDiffAnswer,
  PolicyStatusAnswer,
  SecretAnswer,
  TunnelRiskAnswer,
  TunnelRoutesAnswer,
} from "./ipsec-policy-wire.js";
import { formatAge, formatFields, formatTable, shorten, wrap } from "./text.js";

const INDENT = "    ";

export function findingsText(findings: readonly FindingAnswer[], width: number): string {
  if (findings.length === 0) return "Nothing is wrong, and nothing is weak.\n";
  return findings
    .map((finding) => {
      const subject = finding.tunnel === "" ? finding.gateway : finding.tunnel;
      const title = `${finding.severity} ${subject}: ${finding.code}: ${finding.message}`;
      const values = finding.values.map(({ gateway, value }) => `${gateway}: ${value}`).join("; ");
      const optIn =
        finding.optIn === undefined
          ? ""
          : wrap(
              `Taken on by ${finding.optIn.owner} until ${finding.optIn.expires}`,
              width,
              INDENT,
            );
      return [
        wrap(title, width, INDENT, ""),
        values === "" ? "" : wrap(values, width, INDENT),
        wrap(`What to do: ${finding.remedy}`, width, INDENT),
        optIn,
      ].join("");
    })
    .join("");
}

export function diffText(diff: PolicyDiffAnswer, width: number): string {
  const what =
    diff.installed === 0 ? "nothing is installed yet" : `revision ${diff.installed} is installed`;
  if (diff.changes.length === 0) return `No difference: ${what}.\n`;
  const changes = diff.changes.map(({ kind, name, action, details }) =>
    [
      wrap(`${MARKS[action] ?? action} ${kind} ${name}`, width, INDENT, ""),
      ...details.map((detail) => wrap(detail, width, `${INDENT}  `, INDENT)),
    ].join(""),
  );
  const errors = diff.findings.filter(({ severity }) => severity === "error");
  const verdict = diff.installable
    ? `${diff.changes.length} changes; ${what}. evpnctl ipsec install puts them into force.\n`
    : `It cannot be installed:\n${findingsText(errors, width)}`;
  return changes.join("") + verdict;
}

const MARKS: Readonly<Record<string, string>> = { add: "+", change: "~", remove: "-" };

export function policyText(status: PolicyStatusAnswer, width: number, now: number): string {
  const told = (policy: InstalledAnswer | undefined): string | undefined =>
    policy &&
    `revision ${policy.revision}, ${policy.tunnels} tunnels, by ${policy.actor}, ${formatAge(now - policy.installed)} ago`;
  const fields = formatFields(
    [
      ["Configured", `${status.candidate.tunnels} tunnels, ${status.candidate.digest}`],
      ["Installed", told(status.installed) ?? "nothing yet"],
      ["Before that", told(status.previous)],
      ["Differs", status.differs ? "yes: evpnctl ipsec diff" : "no"],
    ],
    width,
  );
  return status.progress.state === "idle" ? fields : fields + installText(status.progress, width);
}

export function installText(install: InstallAnswer, width: number): string {
  const title = `${install.reason} of revision ${install.revision}: ${install.state}, ${install.done} of ${install.total} tunnels`;
  const steps = install.steps.map(({ tunnel, action, problem }) =>
    wrap(`${action} ${tunnel}: ${problem ?? "done"}`, width, `${INDENT}  `, INDENT),
  );
  const problems = install.problems.map((problem) => wrap(problem, width, `${INDENT}  `, INDENT));
  return [wrap(title, width, INDENT, ""), ...steps, ...problems].join("");
}

export function secretsText(rows: readonly SecretAnswer[], width: number, now: number): string {
  if (rows.length === 0) return "No secrets.\n";
  return formatTable(
    rows,
    [
      { title: "Name", value: (row) => row.name, flexible: true },
      { title: "Kind", value: (row) => row.kind },
      { title: "Bits", value: (row) => String(row.bits ?? row.algorithm ?? ""), right: true },
      { title: "Fingerprint", value: (row) => shorten(row.fingerprint, 16) },
      { title: "Live", value: (row) => String(row.live), right: true },
      { title: "Age", value: (row) => formatAge(now - row.created), right: true },
    ],
    width,
  );
}

export function routesText(rows: readonly TunnelRoutesAnswer[], width: number): string {
  if (rows.length === 0) return "No tunnel has VTEPs behind it.\n";
  const table = formatTable(
    rows,
    [
      { title: "Tunnel", value: (row) => row.tunnel, flexible: true },
      { title: "State", value: (row) => row.state },
      { title: "Carries", value: carriesText },
      { title: "VTEPs", value: (row) => String(row.vteps.length), right: true },
      { title: "Routes", value: (row) => String(row.routes), right: true },
      { title: "MACs at risk", value: (row) => String(row.macsAtRisk), right: true },
    ],
    width,
  );
  const vteps = rows.flatMap(({ tunnel, vteps: list }) =>
    list.map((vtep) => {
      const left = vtep.present ? "" : ", has left";
      return `${tunnel} ${vtep.address}: ${vtep.routes} routes, ${vtep.macs} MACs${left}\n`;
    }),
  );
  return table + vteps.join("");
}

function carriesText({ carries, holdDownSecondsLeft, effect }: TunnelRoutesAnswer): string {
  if (carries) return "yes";
  if (holdDownSecondsLeft !== undefined) return `in ${holdDownSecondsLeft} s`;
  return effect === "off" ? "no" : `no: ${effect}`;
}

export function riskText(risk: TunnelRiskAnswer, width: number): string {
  const head = `${risk.tunnel}: ${risk.macs} MACs and ${risk.routes} routes of ${risk.vteps.length} VTEPs hang on it\n`;
  if (risk.rows.length === 0) return head;
  const table = formatTable(
    risk.rows,
    [
      { title: "MAC", value: (row) => row.mac },
      { title: "VTEP", value: (row) => row.vtep, flexible: true },
    ],
    width,
  );
  return head + table;
}
