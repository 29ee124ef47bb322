// Whether this machine's clock agrees with the cloud's: JWTs carry the time, and the cloud refuses those of a wrong clock.

/** From here on, the cloud may refuse what this machine signs. */
export const MOST_CLOCK_OFFSET_SEC = 60;

export const CLOCK_REMEDY =
  "Set this machine's clock: turn on time synchronisation (timedatectl set-ntp true), or set it by hand.";

/** Seconds by which `now` (ms) is ahead of the header `Date` of an answer; negative if behind, undefined if it has none. */
export function clockOffsetSec(date: string | string[] | undefined, now: number): number | undefined {
  const theirs = typeof date === 'string' ? Date.parse(date) : NaN;
  // The header has whole seconds.
  return Number.isNaN(theirs) ? undefined : Math.round((now - theirs - 500) / 1000);
}

/** `2 h behind the cloud`. */
export function clockText(offsetSec: number): string {
  const sec = Math.abs(offsetSec);
  const time =
    sec < 120 ? `${sec} s` : sec < 7_200 ? `${Math.round(sec / 60)} min` : `${Math.round(sec / 3_600)} h`;
  return `${time} ${offsetSec > 0 ? 'ahead of' : 'behind'} the cloud`;
}

/** `this machine's clock is 2 h behind the cloud`, if the answer shows that it is wrong. */
export function clockFault(date: string | string[] | undefined): string | undefined {
  const offsetSec = clockOffsetSec(date, Date.now());
  if (offsetSec === undefined || Math.abs(offsetSec) <= MOST_CLOCK_OFFSET_SEC) return undefined;
  return `this machine's clock is ${clockText(offsetSec)}`;
}
