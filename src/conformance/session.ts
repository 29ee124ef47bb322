// One executor under check: makes it when it is first needed, makes the checks that are wanted, and ends it.
import { CodaError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { Check, CheckReport, CheckResult } from './check.ts';
import { CHECKS } from './checks/index.ts';
import { Lab } from './lab.ts';
import { termsOf, type CheckOptions, type Subject, type Terms } from './terms.ts';
import { Fault, LeftOut, type Finding } from './verdict.ts';

/** An executor and the node that made it. */
export interface OpenSubject extends Subject {
  /** Closes both. */
  end(): Promise<void>;
}

interface Opened {
  readonly subject: OpenSubject;
  readonly terms: Terms;
  readonly lab: Lab;
}

/** The first of all checks. */
const LOAD = {
  id: 'load',
  title: 'it can be found and made, and has the members of an executor',
  why: 'The node does not start.',
} as const;

export class CheckSession {
  readonly #open: () => Promise<OpenSubject>;
  readonly #options: CheckOptions;
  readonly #strays: readonly string[] | undefined;
  readonly #results = new Map<string, CheckResult>();
  readonly #begin = performance.now();
  #opened: Promise<Opened> | undefined;

  /** `strays`: a list of the errors that nobody catches, if there is one. Throws a TypeError if an option names a check that
   *  does not exist. */
  constructor(open: () => Promise<OpenSubject>, options: CheckOptions, strays?: readonly string[]) {
    this.#open = open;
    this.#options = options;
    this.#strays = strays;
    for (const id of [...(options.skip ?? []), ...(options.only ?? [])]) checkId(id);
  }

  /** The ids and titles of the checks that are made, in their order. */
  get checks(): readonly Pick<Check, 'id' | 'title'>[] {
    return [LOAD, ...this.#wanted()];
  }

  /** Makes one check, after those before it. Never rejects. */
  async result(id: string): Promise<CheckResult> {
    const known = this.#results.get(id);
    if (known !== undefined) return known;
    const result = id === LOAD.id ? await this.#load() : await this.#make(checkOf(id));
    this.#results.set(id, result);
    return result;
  }

  /** Makes all of them. */
  async all(): Promise<CheckReport> {
    for (const { id } of this.checks) await this.result(id);
    return this.report();
  }

  async report(): Promise<CheckReport> {
    const opened = await this.#opened?.catch(() => undefined);
    const checks = [...this.#results.values()];
    return {
      ok: checks.every(({ status }) => status !== 'failed'),
      executor: opened?.subject.source ?? '',
      target: opened?.terms.target ?? '',
      qubits: opened?.terms.numQubits ?? 0,
      shots: opened?.lab.shots ?? 0,
      shotsBudget: this.#options.shotsBudget ?? null,
      seconds: Math.round(performance.now() - this.#begin) / 1000,
      checks,
    };
  }

  /** Cancels what runs. What is asked for later is left out. */
  async stop(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    opened?.lab.stop();
  }

  /** Closes the executor, if it was made. */
  async end(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.subject.end();
  }

  #wanted(): readonly Check[] {
    const { only, skip } = this.#options;
    return CHECKS.filter(
      ({ id }) => (only === undefined || only.includes(id)) && skip?.includes(id) !== true,
    );
  }

  async #openOnce(): Promise<Opened> {
    const subject = await this.#open();
    try {
      const terms = termsOf(subject, this.#options);
      return {
        subject,
        terms,
        lab: new Lab(subject, terms, { budget: this.#options.shotsBudget, strays: this.#strays }),
      };
    } catch (thrown) {
      await subject.end();
      throw thrown;
    }
  }

  async #load(): Promise<CheckResult> {
    const begin = performance.now();
    const ended = (
      status: CheckResult['status'],
      findings: readonly Finding[],
      note?: string,
    ): CheckResult => ({
      ...{ id: LOAD.id, title: LOAD.title, status, findings, note },
      ...{ shots: 0, ms: Math.round(performance.now() - begin) },
    });
    try {
      const { subject } = await (this.#opened ??= this.#openOnce());
      if (subject.source !== 'noop') return ended('passed', [], subject.source);
      const what = 'there is no executor: the node would answer every job with zeros';
      const how =
        'Name one: coda executor check ./executor.ts:createExecutor. coda executor list shows what is found.';
      return ended('failed', [{ level: 'failure', what, why: 'No job would be run.', how }]);
    } catch (thrown) {
      // Anything but an error of ours is a fault of this program.
      if (!(thrown instanceof CodaError)) throw thrown;
      const [what = ''] = thrown.message.split('\n  → ');
      const how = thrown.remedy ?? 'Correct it, and check again.';
      return ended('failed', [{ level: 'failure', what, why: LOAD.why, how }]);
    }
  }

  async #make(check: Check): Promise<CheckResult> {
    const begin = performance.now();
    const load = await this.result(LOAD.id);
    const opened = load.status === 'failed' ? undefined : await this.#opened;
    const before = opened?.lab.shots ?? 0;
    const outcome =
      opened === undefined ? { note: 'it could not be made' } : await this.#outcome(check, opened);
    const findings = [
      ...('finding' in outcome ? [outcome.finding] : []),
      ...(opened?.lab.takeWarnings() ?? []).map((warning) => ({ ...warning, why: warning.why || check.why })),
    ];
    return {
      ...{ id: check.id, title: check.title, status: statusOf(outcome, findings), findings },
      ...('note' in outcome && outcome.note !== undefined ? { note: outcome.note } : {}),
      shots: (opened?.lab.shots ?? 0) - before,
      ms: Math.round(performance.now() - begin),
    };
  }

  async #outcome(check: Check, { lab, terms }: Opened): Promise<Outcome> {
    const reason = this.#reason(check, lab, terms);
    if (reason !== undefined) return { note: reason };
    try {
      return { passed: true, note: await check.run(lab) };
    } catch (thrown) {
      if (thrown instanceof LeftOut) return { note: thrown.message };
      if (!(thrown instanceof Fault)) throw thrown;
      // It has failed since it was cancelled.
      if (lab.isStopped) return { note: 'it was stopped' };
      const { message, how, why = check.why } = thrown;
      return { finding: { level: 'failure', what: message, why, how } };
    }
  }

  /** Why a check is left out, if it is. */
  #reason(check: Check, lab: Lab, terms: Terms): string | undefined {
    const failed = this.#failedOf(check.needs);
    if (failed !== undefined) return `the check \`${failed}\` has failed`;
    const unless = check.unless?.(terms);
    if (unless !== undefined) return unless;
    const shots = check.shots(terms);
    if (lab.stuck !== undefined && shots > 0) return lab.stuck;
    if (shots <= lab.left) return undefined;
    return `it needs ${shots} shots, and the budget has ${lab.left} left`;
  }

  /** The one of these checks that has failed, or the one that kept them from being made. */
  #failedOf(ids: readonly string[]): string | undefined {
    for (const id of ids) {
      const status = this.#results.get(id)?.status;
      const failed = status === 'left out' ? this.#failedOf(checkOf(id).needs) : undefined;
      if (status === 'failed' || failed !== undefined) return failed ?? id;
    }
    return undefined;
  }
}

type Outcome =
  | { readonly passed: true; readonly note: string | undefined }
  | { readonly note: string }
  | { readonly finding: Finding };

function statusOf(outcome: Outcome, findings: readonly Finding[]): CheckResult['status'] {
  if (findings.some(({ level }) => level === 'failure')) return 'failed';
  if (!('passed' in outcome)) return 'left out';
  return findings.length > 0 ? 'warned' : 'passed';
}

function checkId(id: string): void {
  const known = CHECKS.map((check) => check.id);
  if (known.includes(id)) return;
  const similar = nearest(id, known);
  throw new TypeError(
    `there is no check '${id}'${similar === undefined ? `; there are ${known.join(', ')}` : `; did you mean '${similar}'?`}`,
  );
}

function checkOf(id: string): Check {
  const check = CHECKS.find((one) => one.id === id);
  if (check === undefined) throw new TypeError(`there is no check '${id}'`);
  return check;
}
