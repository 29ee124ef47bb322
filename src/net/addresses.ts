// A name may have several addresses, and not all of them can be reached: IPv6 that ends at a router is common.

/** Options of a connection: how its name's addresses are tried, one after the other. By default Node gives each of them
 *  250 ms, which a slow link, or one lost packet, takes longer than: TCP repeats its first packet after a second. */
export const EACH_ADDRESS = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_000 } as const;
