/** Microsoft's attributes, vendor 311: RFC 2548, by its sections. */
import type { AttributeTable } from "./table.js";

export const MICROSOFT: AttributeTable = {
  types: {
    // 2.1 and 2.3: what MS-CHAP says and is told
    string: {
      1: "MS-CHAP-Response",
      3: "MS-CHAP-CPW-1",
      4: "MS-CHAP-CPW-2",
      5: "MS-CHAP-LM-Enc-PW",
      6: "MS-CHAP-NT-Enc-PW",
      11: "MS-CHAP-Challenge",
      12: "MS-CHAP-MPPE-Keys",
      16: "MS-MPPE-Send-Key",
      17: "MS-MPPE-Recv-Key",
      22: "MS-Filter",
      25: "MS-CHAP2-Response",
      26: "MS-CHAP2-Success",
      27: "MS-CHAP2-CPW",
    },
    text: { 2: "MS-CHAP-Error", 10: "MS-CHAP-Domain", 18: "MS-RAS-Version" },
    integer: {
      7: "MS-MPPE-Encryption-Policy",
      8: "MS-MPPE-Encryption-Types",
      9: "MS-RAS-Vendor",
      13: "MS-BAP-Usage",
      14: "MS-Link-Utilization-Threshold",
      15: "MS-Link-Drop-Time-Limit",
      23: "MS-Acct-Auth-Type",
      24: "MS-Acct-EAP-Type",
    },
    ipv4addr: {
      28: "MS-Primary-DNS-Server",
      29: "MS-Secondary-DNS-Server",
      30: "MS-Primary-NBNS-Server",
      31: "MS-Secondary-NBNS-Server",
    },
  },
  // 2.4: session keys travel hidden
  hidden: { 12: "password", 16: "salted", 17: "salted" },
};
