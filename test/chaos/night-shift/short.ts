// The faults that every run of the tests plays: quick ones of each neighbourhood.
export const SHORT: readonly string[] = [];
