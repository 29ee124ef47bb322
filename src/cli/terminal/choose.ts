// Which jobs the operator means: whole ids, or the beginnings of some.
import { printable } from '../../protocol/text.ts';
import type { Output } from './output.ts';

/** A shorter beginning of a job id is more likely a typing mistake. */
const SHORTEST_PREFIX = 6;

interface Words {
  /** What is chosen: `result of job` or `job`. */
  readonly thing: string;
  /** What such a thing is or does. */
  readonly what: string;
  /** How to see all. */
  readonly hint: string;
}

/** The ids that are meant. If one is not found, says so and returns undefined. */
export function chooseIds(
  jobs: readonly string[],
  ids: ReadonlySet<string>,
  words: Words,
  out: Output,
): Set<string> | undefined {
  const chosen = new Set<string>();
  let isComplete = true;
  for (const job of jobs) {
    const matches = ids.has(job) ? [job] : job.length < SHORTEST_PREFIX ? [] : beginningWith(job, ids);
    if (matches.length === 1) {
      for (const match of matches) chosen.add(match);
      continue;
    }
    isComplete = false;
    out.error(matches.length === 0 ? notFound(job, words) : ambiguous(job, matches));
  }
  return isComplete ? chosen : undefined;
}

function beginningWith(prefix: string, ids: ReadonlySet<string>): string[] {
  return [...ids].filter((id) => id.startsWith(prefix));
}

function notFound(job: string, { thing, what, hint }: Words): string {
  const short = job.length < SHORTEST_PREFIX ? ` (a beginning needs ${SHORTEST_PREFIX} characters)` : '';
  return `no ${thing} '${printable(job, 200)}' ${what}${short}\n  → ${hint}`;
}

function ambiguous(job: string, matches: readonly string[]): string {
  const shown = matches.slice(0, 5).map((id) => printable(id, 200));
  const more = matches.length > shown.length ? ` and ${matches.length - shown.length} more` : '';
  return `several job ids begin with '${printable(job, 200)}': ${shown.join(', ')}${more}\n  → give more of it`;
}
