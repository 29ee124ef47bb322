// Every figure, in the order of the table.
import type { Figure } from '../figure.ts';
import { cancel } from './cancel.ts';
import { circuit } from './circuit.ts';
import { copy } from './copy.ts';
import { gap } from './gap.ts';
import { growth } from './growth.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { page } from './page.ts';
import { python } from './python.ts';
import { search } from './search.ts';
import { start } from './start.ts';
import { throughput } from './throughput.ts';

export const FIGURES: readonly Figure[] = [
  gap,
  throughput,
  latency,
  copy,
  cancel,
  start,
  search,
  circuit,
  memory,
  growth,
  page,
  python,
];
