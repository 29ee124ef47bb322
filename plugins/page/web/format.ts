// Numbers and times as the page writes them.

const NUMBER = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const PRECISE = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const CLOCK = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const MINUTE = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' });
const WHOLE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });
const DAY_MS = 86_400_000;

export function number(value: number): string {
  return NUMBER.format(value);
}

/** `12,300 jobs`, `1 job`. */
export function counted(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** Three digits, for a rate. */
export function rate(value: number): string {
  return value >= 100 ? number(value) : PRECISE.format(value);
}

/** Of a fraction. */
export function share(fraction: number): string {
  const percent = fraction * 100;
  const isExtreme = (percent > 0 && percent < 1) || (percent > 99 && percent < 100);
  return `${isExtreme ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** `0.4 ms`, `12 ms`, `3.2 s`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 0) return duration(0);
  if (ms < 1) return ms === 0 ? '0 ms' : `${PRECISE.format(Math.max(0.01, Number(ms.toFixed(2))))} ms`;
  if (ms < 999.5) return `${ms < 10 ? PRECISE.format(Number(ms.toFixed(1))) : Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, 'min', 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(minutes, 60, 'h', 'min');
  return pair(Math.round(minutes / 60), 24, 'd', 'h');
}

/** How long ago, or for how long: without parts of a second. */
export function age(ms: number): string {
  return ms < 59_500 ? `${Math.max(0, Math.floor(ms / 1000))} s` : duration(ms);
}

function pair(value: number, base: number, large: string, small: string): string {
  const rest = value % base;
  return `${Math.floor(value / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** The time of day; with the day if that is not within the last 12 hours. */
export function clock(at: number, now = Date.now()): string {
  const time = CLOCK.format(at);
  return Math.abs(now - at) < DAY_MS / 2 ? time : `${DAY.format(at)}, ${time}`;
}

/** For an axis: the day only if it shows days. */
export function timeText(at: number, shownMs: number): string {
  if (shownMs <= DAY_MS) return MINUTE.format(at);
  return shownMs > 7 * DAY_MS || MINUTE.format(at) === '00:00' ? DAY.format(at) : MINUTE.format(at);
}

/** With day and time zone. */
export function wholeTime(at: number): string {
  return WHOLE.format(at);
}

/** `3 qubits, 12 gates`. */
export function circuitText(circuit: { readonly qubits: number; readonly gates: number } | null): string {
  if (circuit === null) return 'circuit not read';
  return `${counted(circuit.qubits, 'qubit')}, ${counted(circuit.gates, 'gate')}`;
}
