/** What a change is called: by the names of the file, wherever the settings lie. */
import { expect, test } from "vitest";
import { previewSettings } from "../../../src/bgp/live/settings-preview.js";
import { loadConfig } from "../../../src/config/index.js";

const TOP = "as: 65000\nrouter-id: 10.0.0.254\nlisten: [10.0.0.254:179]\npolicies: {p: []}\n";

function speaker(text: string) {
  const config = loadConfig({ text: TOP + text });
  if (!config.ok) throw new Error(JSON.stringify(config.issues));
  return config.settings.speaker;
}

test("options of a peer, and feeds", () => {
  const before = speaker("peers: [{address: 10.0.0.1}]\n");
  const after = speaker(
    "peers: [{address: 10.0.0.1, route-target-inference: shadow, import-policy: p, export-default: reject,\n" +
      "  limits: {restart-seconds: 7, attribute-octets: 999, as-path: 5, update-rate: {burst: 9}}}]\n" +
      "bmp: {sys-name: rr9}\n",
  );
  const keys = previewSettings(before, after, []).flatMap((change) => change.keys);
  expect(keys.map(({ key }) => key).toSorted()).toEqual([
    "bmp.sys-name",
    "export-default",
    "import-policy",
    "limits.as-path",
    "limits.attribute-octets",
    "limits.restart-seconds",
    "limits.update-rate.burst",
    "route-target-inference",
  ]);
});
