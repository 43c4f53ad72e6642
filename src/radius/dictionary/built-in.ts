/** The dictionary that is always there; what an operator loads is laid over it. */
import { Vendor } from "../packet/iana.js";
import { Dictionary } from "./dictionary.js";
import { ERX } from "./erx.js";
import { MICROSOFT } from "./microsoft.js";
import { STANDARD } from "./standard.js";
import { addTable } from "./table.js";

/** A dictionary of its own: loading more into it changes no other. */
export function builtInDictionary(): Dictionary {
  const dictionary = new Dictionary();
  dictionary.addVendor(Vendor.Microsoft, { name: "Microsoft", typeSize: 1, lengthSize: 1 });
  dictionary.addVendor(Vendor.Erx, { name: "ERX", typeSize: 1, lengthSize: 1 });
  addTable(dictionary, 0, STANDARD);
  addTable(dictionary, Vendor.Microsoft, MICROSOFT);
  addTable(dictionary, Vendor.Erx, ERX);
  return dictionary;
}
