// One fault of the night shift, declared: what breaks, where and how it must be named, and how it is repaired.
import type { Night } from './night.ts';
import type { Place } from './place.ts';

export interface Fault {
  readonly name: string;
  /**
   * What the node does. `runs` (the default): it serves before, and stays alive. `waits`: it is started during the fault,
   * and waits. `refuses`: it is started during the fault, and ends with the reason. `dies`: the fault ends it.
   */
  readonly node?: 'runs' | 'waits' | 'refuses' | 'dies';
  /** Settings and files from before the first start. */
  readonly prepare?: (night: Night) => unknown;
  readonly inject: (night: Night) => unknown;
  readonly heal: (night: Night) => unknown;
  /** Each place must say this while the fault lasts. */
  readonly cause: RegExp;
  /** One of the places must advise this. */
  readonly remedy: RegExp;
  /** Empty: the node must continue as if nothing had happened. */
  readonly where: readonly Place[];
  /** Places that must name the cause once the node is well again, such as the log of the start after a crash. */
  readonly after?: readonly Place[];
  /** Advice that no place may give; by default advice that costs credentials or results. */
  readonly never?: RegExp;
  /** Jobs are done while the fault lasts. */
  readonly flows?: true;
  /** Redis loses its content: the cloud submits its unfinished jobs again. */
  readonly losesJobs?: true;
  /** The state of a job in Redis may stay out of date. */
  readonly losesStates?: true;
  /** Requests that the cloud rightly complains of. */
  readonly complaints?: RegExp;
  /** More that must hold while the fault lasts; throws if something does not. */
  readonly meanwhile?: (night: Night) => unknown;
}

/** For faults that nobody has to know of. */
export const NOTHING = /^/;

/** Advice that costs credentials or results, and repairs none of the faults here. */
export const HARMFUL = /coda reset|reset it|(new|another|fresh) token|rm -r/i;
