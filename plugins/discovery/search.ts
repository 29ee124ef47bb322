// The search for executors as `coda executor list` shows it: what was found, what is used, and why the rest is not.
import type { CodaNode } from '../../src/index.ts';
import {
  isPythonChoice,
  kindOf,
  type ExecutorCandidate,
  type ExecutorChoice,
  type ExecutorSearch,
} from '../../src/kit.ts';
import { findPackages } from './packages.ts';
import { firstLineOf, loadCandidates, severalText, type Broken, type Usable } from './scan.ts';

/** `choice` is the executor that the configuration names. */
export async function searchExecutors(
  node: Pick<CodaNode, 'modules' | 'services' | 'env' | 'executors'>,
  choice: ExecutorChoice | undefined,
  cwd: string,
): Promise<ExecutorSearch> {
  const begin = performance.now();
  const { candidates, passedOver, folders, packages } = findPackages(cwd, node.env);
  const ms = performance.now() - begin;
  const { usable, broken } = await loadCandidates(node, candidates);
  const unused = whyUnused(choice, usable);
  return {
    ...(choice === undefined
      ? {}
      : { named: { reference: referenceOf(choice.value), source: choice.source } }),
    candidates: [
      ...usable.map((one) => candidateOf(one, unused)),
      ...broken.map(brokenCandidate),
      ...passedOver.map(({ name, place, why, remedy }) => ({
        ...{ name, place, why, remedy },
        state: 'passed over' as const,
      })),
    ],
    byName: [...node.executors.keys()].toSorted(),
    folders,
    packages,
    ms,
  };
}

function whyUnused(
  choice: ExecutorChoice | undefined,
  usable: readonly Usable[],
): Pick<ExecutorCandidate, 'why' | 'remedy'> | undefined {
  if (choice !== undefined) {
    return {
      why: `${choice.source} names another executor`,
      remedy: 'Name this one there, or name none.',
    };
  }
  if (usable.length <= 1) return undefined;
  return {
    why: severalText(usable.map(({ label }) => label)),
    remedy: 'Name one: set executor in coda.config.ts, or CODA_EXECUTOR_FACTORY.',
  };
}

function candidateOf(
  { label, reference, candidate }: Usable,
  unused: Pick<ExecutorCandidate, 'why' | 'remedy'> | undefined,
): ExecutorCandidate {
  return {
    name: candidate?.name ?? label,
    place: candidate?.place ?? 'the Python environment',
    state: unused === undefined ? 'used' : 'usable',
    reference,
    ...unused,
  };
}

function brokenCandidate({ candidate, error }: Broken): ExecutorCandidate {
  return {
    name: candidate?.name ?? 'Python',
    place: candidate?.place ?? 'the Python environment',
    state: 'broken',
    why: firstLineOf(error),
    remedy: error.remedy ?? 'Correct it, or remove the package.',
  };
}

function referenceOf(value: unknown): string {
  // With its options.
  if (Array.isArray(value)) return referenceOf(value[0]);
  if (typeof value === 'string') return value;
  return isPythonChoice(value) ? value.python : kindOf(value);
}
