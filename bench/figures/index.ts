// Every figure, in the order of the table.
import type { Figure } from '../figure.ts';
import { gap } from './gap.ts';
import { latency } from './latency.ts';
import { throughput } from './throughput.ts';

export const FIGURES: readonly Figure[] = [gap, throughput, latency];
