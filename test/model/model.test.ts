// The promises of docs/reliability.md, for every order of events and every fault that the models know; and each of their
// limits is needed: without it, a promise breaks.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CLOSED, LIMITS, MUTANTS, resultOf, sectionOf, sizeOf, SMALL, type Check } from './checks.ts';
import { Checker, MODELS, whyNotHere, type Verdict } from './spin.ts';

describe('the models', { skip: whyNotHere(), concurrency: availableParallelism() }, () => {
  const checkers = new Map<string, Checker>();
  const keyOf = ({ model, manner }: Pick<Check, 'model' | 'manner'>): string => `${model} ${manner}`;

  before(async () => {
    const all = [...SMALL, ...CLOSED, ...[...LIMITS, ...MUTANTS].map(({ check }) => check)];
    const kinds = new Map(all.map((check) => [keyOf(check), check]));
    await Promise.all(
      [...kinds].map(async ([key, { model, manner }]) =>
        checkers.set(key, await Checker.make(model, manner)),
      ),
    );
  });
  after(() => {
    for (const checker of checkers.values()) checker.close();
  });

  async function verdictOn(check: Check): Promise<Verdict> {
    const checker = checkers.get(keyOf(check));
    assert.ok(checker !== undefined);
    return checker.check(check.settings);
  }

  for (const check of [...SMALL, ...CLOSED]) {
    const how = check.manner === 'endless' ? 'every job ends' : 'the promises hold';
    it(`say that ${how} (${check.model}: ${sizeOf(check)})`, async (t) => {
      const verdict = await verdictOn(check);
      t.diagnostic(`${verdict.states} states in ${verdict.seconds} s`);
      assert.equal(resultOf(verdict), 'all promises hold', verdict.broken?.steps.join('\n'));
    });
  }
  const ways = readFileSync(join(MODELS, 'counterexamples.md'), 'utf8');
  for (const limit of LIMITS) {
    it(`break ${limit.promise} without the limit '${limit.name}', as the page of counterexamples says`, async () => {
      const verdict = await verdictOn(limit.check);
      assert.equal(verdict.broken?.promise, limit.promise);
      assert.ok(
        ways.includes(sectionOf(limit, verdict)),
        'counterexamples.md is out of date: npm run model -- --page',
      );
    });
  }
  for (const { name, check, promise } of MUTANTS) {
    it(`break ${promise} with the mistake '${name}'`, async () => {
      assert.equal((await verdictOn(check)).broken?.promise, promise);
    });
  }
});

describe('the page of the model', () => {
  const page = readFileSync(join(MODELS, 'README.md'), 'utf8');
  const models = ['jobs.pml', 'starts.pml'].map((name) => readFileSync(join(MODELS, name), 'utf8'));

  it('has each promise and each limit of the models, and no other', () => {
    const named = (heading: string): string[] => {
      const [, section = ''] = page.split(`\n## ${heading}\n`);
      return [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([\w-]+)`/gm)].map(([, name = '']) => name);
    };
    const promises = models.flatMap((text) =>
      [...text.matchAll(/PROMISE\("([\w-]+)"/g)].map(([, name = '']) => name),
    );
    assert.deepEqual(
      named('The promises').toSorted(),
      [...new Set([...promises, 'every-job-ends'])].toSorted(),
    );
    assert.deepEqual(named('The limits').toSorted(), LIMITS.map(({ name }) => name).toSorted());
  });

  it('names the files that the models name, and these exist', () => {
    const linked = [...page.matchAll(/`((?:src|plugins)\/[\w./-]+)`/g)].map(([, path = '']) => path);
    for (const path of linked) assert.ok(existsSync(path), path);
    const inModels = models.flatMap((text) => [...text.matchAll(/[\w-]+\.ts\b/g)].map(([name]) => name));
    for (const name of new Set(inModels))
      assert.ok(
        linked.some((path) => path.endsWith(`/${name}`)),
        name,
      );
  });
});
