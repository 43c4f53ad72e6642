/** All rules of the fabric check, in the order in which findings are shown. */
import type { Rule } from "../rule.js";
import { DOMAIN_RULES } from "./domain-rules.js";
import { MAC_RULES } from "./mac-rules.js";
import { ROUTE_RULES } from "./route-rules.js";
import { SEGMENT_RULES } from "./segment-rules.js";
import { SUBSCRIBER_RULES } from "./subscriber-rules.js";

export const RULES: readonly Rule[] = [
  ...DOMAIN_RULES,
  ...MAC_RULES,
  ...SEGMENT_RULES,
  ...ROUTE_RULES,
  ...SUBSCRIBER_RULES,
];
