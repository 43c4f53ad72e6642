/** Names of the roles in the directory. */
export const VIM = "VIM";
export const VNFM = "VNFM";
export const SEC_EM = "Sec-EM";
export const GATEWAY = "VNF-G/W";
