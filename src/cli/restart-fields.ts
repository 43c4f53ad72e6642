/** What `show peer` says about graceful restart. */
import type { RestartAnswer, RestartingAnswer } from "./wire.js";

/** Addresses named in a line; more are counted. */
const NAMED = 5;

/** What `show summary` says after a restart of evpnd. */
export function restartingLine(restarting: RestartingAnswer | undefined): string | undefined {
  if (restarting === undefined) return undefined;
  const { secondsLeft, waitingFor } = restarting;
  if (waitingFor.length === 0) return "every peer has sent what it has, sending begins";
  const more = waitingFor.length > NAMED ? ` and ${waitingFor.length - NAMED} more` : "";
  const who = `${waitingFor.slice(0, NAMED).join(", ")}${more}`;
  return `sending waits for End-of-RIB of ${who}, at most ${secondsLeft} s more`;
}

/** Lines of title and text; undefined texts are left out by whoever prints. */
export function restartFields(
  restart: RestartAnswer | undefined,
): readonly (readonly [string, string | undefined])[] {
  if (restart === undefined) return [];
  const { retention, waitingForMemberships, waitingForRestart } = restart;
  return [
    ["Restart", agreedLine(restart)],
    ["Kept", retention === undefined ? undefined : keptLine(retention)],
    ...(retention?.families ?? []).map(
      ({ family, phase, staleRoutes, secondsLeft }) =>
        [
          "Stale",
          `${family}: ${staleRoutes} ${phase} routes, at most ${secondsLeft} s more`,
        ] as const,
    ),
    [
      "Not sent yet",
      [
        ...(waitingForMemberships.length === 0
          ? []
          : [`${waitingForMemberships.join(", ")}: waiting for its memberships`]),
        ...(waitingForRestart.length === 0
          ? []
          : [`${waitingForRestart.join(", ")}: evpnd has restarted and waits for its peers`]),
      ].join("; ") || undefined,
    ],
  ];
}

function agreedLine({ agreed }: RestartAnswer): string | undefined {
  if (agreed === undefined) return undefined;
  const { families, longLived } = agreed;
  const words = [
    families.length === 0
      ? "helper only, keeps nothing of its own"
      : `wants ${families.join(", ")} kept for ${agreed.restartTime} s`,
    ...longLived
      .filter(({ staleTime }) => staleTime > 0)
      .map(({ family, staleTime }) => `${family} long-lived for ${staleTime} s`),
    ...(agreed.notification ? ["notification mode"] : []),
    ...(agreed.restarting ? ["has restarted"] : []),
  ];
  return words.join(", ");
}

function keptLine(retention: NonNullable<RestartAnswer["retention"]>): string {
  const since = `lost ${retention.secondsSinceLoss} s ago`;
  return retention.state === "restarting"
    ? `${since}, its return is waited for`
    : `${since}, it is back and its End-of-RIB is waited for`;
}
