// The routes of the page, and what each of them answers.
import type { Router } from '@koa/router';
import type { Context } from 'koa';
import type { CodaNode } from '../../src/index.ts';
import { HISTORY, OUTCOMES, type Door } from '../../src/kit.ts';
import { actionsOf } from './actions.ts';
import { answering, readBody, refuseForeign, RefusedError, type Handler } from './answering.ts';
import type { JobOutcome, Timeline as TimelineAnswer } from './api.ts';
import { Assets } from './assets.ts';
import { deviceMap } from './device.ts';
import type { Feed } from './feed.ts';
import { describeJob, listJobs, trendOf } from './jobs.ts';
import type { RecentJobs } from './recent.ts';
import { listResults } from './results.ts';
import type { Snapshots } from './snapshot.ts';
import type { Timeline } from './timeline.ts';

const MOST_ROWS = 200;
const MOST_SEARCH = 200;
const MOST_HOURS = 720;
/** A larger circuit keeps the node too long: `coda run` takes it. */
const MOST_BODY_BYTES = 1024 * 1024;

export interface Parts {
  readonly node: CodaNode;
  readonly recent: RecentJobs;
  readonly timeline: Timeline;
  readonly snapshots: Snapshots;
  readonly feed: Feed;
  /** Who may act; undefined: nobody. */
  readonly door: Door | undefined;
}

export function addRoutes(router: Router, parts: Parts): void {
  const { node, recent, timeline, snapshots, feed, door } = parts;
  const log = node.log.child('page');
  const assets = new Assets();
  const history = node.services.find(HISTORY);
  const get = (path: string, handler: Handler): void => {
    router.get(path, answering(handler, log));
  };
  /** For the page itself only. */
  const getData = (path: string, handler: Handler): void => {
    get(path, (ctx) => {
      refuseForeign(ctx.req);
      return handler(ctx);
    });
  };

  get('/', (ctx) => assets.answer(ctx, 'index.html'));
  get('/page/assets/:name', (ctx) => assets.answer(ctx, param(ctx, 'name')));
  getData('/page/state', () => snapshots.take());
  getData('/page/events', (ctx) => stream(ctx, feed));
  getData('/page/timeline', (): TimelineAnswer => {
    const at = Date.now();
    return { at, spans: timeline.spans(at) };
  });
  getData('/page/jobs', ({ query }) =>
    listJobs(
      {
        search: text(query['search']).slice(0, MOST_SEARCH),
        outcome: outcomeOf(query['outcome']),
        before: text(query['before']) || undefined,
        limit: whole(query['limit'], 50, MOST_ROWS),
      },
      recent,
      history,
    ),
  );
  getData('/page/jobs/:id', async (ctx) => {
    const jobId = param(ctx, 'id');
    const found = await describeJob(jobId, recent, history);
    if (found === undefined) throw new RefusedError(404, 'nothing is known of this job, or not any more');
    return found;
  });
  getData('/page/trend', ({ query }) => trendOf(whole(query['hours'], 24, MOST_HOURS), Date.now(), history));
  getData('/page/device', () => deviceMap(node));
  getData('/page/results', () => listResults(node));

  for (const [name, act] of Object.entries(actionsOf(node))) {
    const handler: Handler = async (ctx) => {
      if (door === undefined) {
        throw new RefusedError(403, 'this node takes no actions', 'Switch the plugin door on.');
      }
      const refusal = door.refusal(ctx.req);
      if (refusal !== undefined) throw new RefusedError(refusal.status, refusal.text, refusal.remedy);
      const gone = new AbortController();
      ctx.res.once('close', () => gone.abort(new Error('whoever asked for it has left')));
      // A run may have to wait for long.
      ctx.req.setTimeout(0);
      return act(await readBody(ctx, MOST_BODY_BYTES), gone);
    };
    router.post(`/page/actions/${name}`, answering(handler, log));
  }
}

function stream(ctx: Context, feed: Feed): undefined {
  ctx.status = 200;
  ctx.set('content-type', 'text/event-stream; charset=utf-8');
  if (ctx.method === 'HEAD') return;
  if (feed.isFull) {
    throw new RefusedError(503, `${feed.size} pages are open already`, 'Close some of them.');
  }
  // Sent as it comes, past koa.
  ctx.respond = false;
  ctx.flushHeaders();
  feed.add(ctx.res);
}

function param(ctx: Context, name: string): string {
  const params = ctx['params'] as Readonly<Record<string, string | undefined>>;
  return params[name] ?? '';
}

/** Of a parameter that is given twice, the first. */
function text(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

function outcomeOf(value: string | string[] | undefined): JobOutcome | undefined {
  const given = text(value);
  const found = OUTCOMES.find((outcome) => outcome === given);
  if (given === '' || found !== undefined) return found;
  throw new RefusedError(400, `outcome has to be one of ${OUTCOMES.join(', ')}`);
}

function whole(value: string | string[] | undefined, otherwise: number, most: number): number {
  const given = text(value);
  if (given === '') return otherwise;
  const number = Number(given);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new RefusedError(400, `a number from 1 to ${most} is expected`);
}
