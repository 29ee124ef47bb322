// All checks, in the order in which they are made: what others rest on first, what costs most shots late, the end last.
import type { Check } from '../check.ts';
import { BATCH_CHECKS } from './batch.ts';
import { CANCEL_CHECKS } from './cancel.ts';
import { CIRCUIT_CHECKS } from './circuits.ts';
import { ERROR_CHECKS } from './errors.ts';
import { LIFE_CHECKS } from './life.ts';
import { PHYSICS_CHECKS } from './physics.ts';
import { RESULT_CHECKS } from './results.ts';

export const CHECKS: readonly Check[] = [
  ...RESULT_CHECKS,
  ...CIRCUIT_CHECKS,
  ...BATCH_CHECKS,
  ...PHYSICS_CHECKS,
  ...CANCEL_CHECKS,
  ...ERROR_CHECKS,
  ...LIFE_CHECKS,
];
