// Every defect of the job path that was found so far, by chaos, by review or by a random schedule: the schedule that shows
// it. Beside them, what would be broken without one line of the code, and random schedules find late or never. Each name
// says what holds.
import { CANCELS } from './known/cancels.ts';
import { COPIES } from './known/copies.ts';
import { LEASES } from './known/leases.ts';
import { OUTCOMES } from './known/outcomes.ts';
import { STARTS } from './known/starts.ts';
import type { Known } from './known/parts.ts';

export const KNOWN: readonly Known[] = [...OUTCOMES, ...STARTS, ...LEASES, ...CANCELS, ...COPIES];
