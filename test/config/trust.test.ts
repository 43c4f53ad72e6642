import { expect, test } from "vitest";
import { check, errorsOf } from "./lib/check.js";

test("ASM-75: trust is not asked of a link-local address, which is nobody's alone", () => {
  const text = (peers: string): string => `as: 65000
router-id: 10.0.0.254
restart: {state-dir: /var/lib/evpnd}
${peers}
asmn: {sec-em: {tenants: [{name: red}]}, gate: {}}
`;
  for (const peers of [
    'peers: [{address: "fe80::1", trust: {tenant: red}}]',
    'dynamic-peers: [{prefix: "fe80::/10", trust: {tenant: red}}]',
    'peer-groups: {vnfs: {trust: {tenant: red}}}\npeers: [{address: "febf::1", group: vnfs}]',
  ]) {
    expect(errorsOf(text(peers))).toEqual([
      expect.stringContaining("is link-local: another host on another link"),
    ]);
  }
  expect(check(text('peers: [{address: "fec0::1", trust: {tenant: red}}]')).ok).toBe(true);
});
