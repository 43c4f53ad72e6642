/** The parts of `npm run perf -- asmn`, in the order of the paper's tables. A new part is a row here. */
import type { Part } from "./part.js";
import { flood } from "./flood.js";
import { gating } from "./gating.js";
import { hashing } from "./hashing.js";
import { processor, roundTrip } from "./round-trip.js";
import { secEmLoad } from "./sec-em.js";

export const PARTS: readonly Part[] = [hashing, roundTrip, processor, flood, gating, secEmLoad];
