/** The scenarios by name. A new one goes into a file of this folder and into this list. */
import { convergence, fanout, million, sessions } from "./convergence.js";
import { interest } from "./interest.js";
import type { Scenario } from "./lab.js";
import { moveLatency, moves } from "./moves.js";
import { connectOnly, lateJoiner, peLoss, refresh } from "./peers.js";
import { api, served } from "./served.js";
import { slowPe } from "./slow-pe.js";
import { soak } from "./soak.js";
import { watched } from "./watched.js";

export const SCENARIOS: readonly Scenario[] = [
  convergence,
  fanout,
  moves,
  moveLatency,
  lateJoiner,
  peLoss,
  slowPe,
  refresh,
  sessions,
  million,
  soak,
  interest,
  served,
  api,
  watched,
  connectOnly,
];
