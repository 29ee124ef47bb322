// One clock for all processes of a measurement: CLOCK_MONOTONIC is the same in every process of a Linux machine.

/** Milliseconds, to the microsecond. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
