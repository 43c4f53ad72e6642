/** The table of requirements in docs/asmn.md. EVPND_UPDATE_DOCS=1 npx vitest run test/docs */
import { test } from "vitest";
import { ASMN_REQUIREMENTS } from "./lib/asmn-requirements.js";
import { checkRequirements } from "./lib/requirements.js";

test("each requirement has tests, and the table names them", () =>
  checkRequirements({
    page: "docs/asmn.md",
    prefix: "ASM",
    requirements: ASMN_REQUIREMENTS,
    madeBy: "test/docs/asmn-requirements.test.ts",
  }));
