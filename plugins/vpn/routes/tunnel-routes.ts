// The routes of one tunnel: those of its profile, those that the server has pushed, and what the kernel really sends
// into it. All of them are judged by the same rules.
import type { Logger } from '../../../src/index.ts';
import { printable } from '../../../src/kit.ts';
import type { Statement } from '../statement.ts';
import { networkText, type Network } from './networks.ts';
import type { Profile } from '../profile.ts';
import { filteredIn, LogTail, pushedTarget, routeTarget } from './pushes.ts';
import { judgeRoutes, NOTHING_AROUND, type Surroundings } from './rules.ts';
import { routesInto } from './surroundings.ts';

const MOST_NAMED = 12;
/** More than any network needs. */
const MOST_PUSHED = 1_000;

export class Routes {
  readonly #log: Logger;
  readonly #tail: LogTail;
  /** What has been logged: once is enough. */
  readonly #told = new Set<string>();
  #profile: Profile | undefined;
  #around = NOTHING_AROUND;
  /** The pushed routes that OpenVPN has in its profile. */
  #pushed: readonly Network[] = [];

  constructor(log: Logger, logPath: string) {
    this.#log = log;
    this.#tail = new LogTail(logPath);
  }

  /** The profile without those of its routes that do not fit this machine. */
  fitting(profile: Profile, around: Surroundings): Profile {
    this.#around = around;
    const { refused } = judgeRoutes(targetsOf(profile.statements), around);
    for (const { target, why } of refused)
      this.#tell(`the VPN profile's route ${networkText(target)} is left out: ${why}`);
    const texts = new Set(refused.map(({ target }) => networkText(target)));
    const statements = profile.statements.filter((one) => {
      const target = routeTarget(one);
      return target === undefined || !texts.has(networkText(target));
    });
    this.#profile = { ...profile, statements };
    return this.#profile;
  }

  /** The pushed routes that OpenVPN is started with: of these, the ones that are allowed. */
  start(routes: readonly Network[]): readonly Network[] {
    this.#pushed = this.#allowed(routes).taken;
    return this.#pushed;
  }

  /** The pushed routes that OpenVPN should have, if its log shows others than it has; logs what is not taken. */
  learn(): readonly Network[] | undefined {
    const log = this.#tail.read();
    const filtered = log === undefined ? undefined : filteredIn(log);
    if (filtered === undefined || this.#profile === undefined) return undefined;
    const { statements } = this.#profile;
    const isUnwanted = (option: string): boolean =>
      statements.some(({ name, words }) => name === 'pull-filter' && option.startsWith(words[1] ?? ''));
    const noRoutes = statements.some(({ name }) => name === 'route-nopull');
    const options = filtered.filter((option) => !isUnwanted(option));
    const isRoute = (option: string): boolean => /^route(-ipv6)?\s/.test(option);
    const pushed = noRoutes ? [] : unique(options.filter(isRoute).flatMap((one) => pushedTarget(one) ?? []));
    const targets = pushed.length > MOST_PUSHED ? [] : pushed;
    const { taken, refused } = this.#allowed(targets);
    this.#report([
      ...(targets.length < pushed.length ? [`more than ${MOST_PUSHED} routes, and so none of them`] : []),
      ...options.filter((one) => !isRoute(one)).map((one) => printable(one.split(/\s/)[0] ?? '', 40)),
      ...options
        .filter((one) => isRoute(one) && pushedTarget(one) === undefined)
        .map((one) => printable(one, 60)),
      ...refused.map(({ target, why }) => `route ${networkText(target)} (${why})`),
    ]);
    return textOf(taken) === textOf(this.#pushed) ? undefined : taken;
  }

  /** Why what the kernel sends into the tunnel is not allowed; undefined if it is. */
  faultOf(device: string): string | undefined {
    const [refused] = judgeRoutes(routesInto(device), this.#around).refused;
    return refused === undefined
      ? undefined
      : `the tunnel takes the traffic to ${networkText(refused.target)}: ${refused.why}`;
  }

  /** The profile's own routes count, too. */
  #allowed(routes: readonly Network[]): ReturnType<typeof judgeRoutes> {
    const own = targetsOf(this.#profile?.statements ?? []);
    const ownTexts = new Set(own.map(networkText));
    const isPushed = (target: Network): boolean => !ownTexts.has(networkText(target));
    const { taken, refused } = judgeRoutes([...own, ...routes.filter(isPushed)], this.#around);
    return { taken: taken.filter(isPushed), refused: refused.filter(({ target }) => isPushed(target)) };
  }

  #report(found: readonly string[]): void {
    const names = [...new Set(found)].filter((name) => !this.#told.has(name));
    if (names.length === 0) return;
    for (const name of names) this.#told.add(name);
    const shown = names.slice(0, MOST_NAMED).join(', ');
    const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
    this.#log.warn(`the VPN server pushes what this node does not take: ${shown}${more}`);
  }

  #tell(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#log.warn(text);
  }
}

function targetsOf(statements: readonly Statement[]): Network[] {
  return statements.flatMap((statement) => routeTarget(statement) ?? []);
}

function unique(targets: readonly Network[]): Network[] {
  return [...new Map(targets.map((target) => [networkText(target), target])).values()];
}

function textOf(targets: readonly Network[]): string {
  return targets.map(networkText).toSorted().join(' ');
}
