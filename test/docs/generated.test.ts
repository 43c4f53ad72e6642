/**
 * The generated part of each page in docs/ is what the code says. After a change in code:
 * EVPND_UPDATE_DOCS=1 npx vitest run test/docs
 */
import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { expect, test } from "vitest";
import { configSchema } from "../../src/config/index.js";
import { renderEffects } from "./lib/effects.js";
import { renderPolicy } from "./lib/policy.js";
import { renderCommands, renderConfiguration, renderMetrics } from "./lib/render.js";

const START = "<!-- made from code: see test/docs -->";
const END = "<!-- end -->";

test.each([
  ["docs/metrics.md", renderMetrics],
  ["docs/configuration.md", renderConfiguration],
  ["docs/cli.md", renderCommands],
  ["docs/policy.md", renderPolicy],
  ["docs/reload.md", renderEffects],
])("%s", async (file, render) => {
  const page = readFileSync(file, "utf8");
  const [before, rest] = page.split(START);
  const [, after] = (rest ?? "").split(END);
  const made = `${before}${START}\n\n${render()}\n\n${END}${after}`;
  const wanted = await format(made, { parser: "markdown", printWidth: 100 });
  if (process.env["EVPND_UPDATE_DOCS"] === "1") writeFileSync(file, wanted);
  else expect(page).toBe(wanted);
});

test("conf/evpnd.schema.json", () => {
  const wanted = `${JSON.stringify(configSchema, null, 2)}\n`;
  if (process.env["EVPND_UPDATE_DOCS"] === "1") writeFileSync("conf/evpnd.schema.json", wanted);
  else expect(readFileSync("conf/evpnd.schema.json", "utf8")).toBe(wanted);
});
