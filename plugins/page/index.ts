// The page of the node: what runs, what waits, what was, and why nothing ran, live in a browser. While nobody looks, it
// notes each end of a job and each gap of the device, and does no more.
import type { Plugin } from '../../src/index.ts';
import { DOOR, mostConnections } from '../../src/kit.ts';
import { Feed } from './feed.ts';
import { asPayload } from './payload.ts';
import { RecentJobs } from './recent.ts';
import { addRoutes } from './routes.ts';
import { Snapshots } from './snapshot.ts';
import { Timeline } from './timeline.ts';

const LOOKS = { name: 'page', onlyLooks: true } as const;

/** Of the connections of the health server: the others are for those who ask for something. */
const SHARE_OF_READERS = 1 / 2;

export function page(): Plugin {
  return {
    name: 'page',
    apply(node) {
      const recent = new RecentJobs();
      const timeline = new Timeline();
      let feed: Feed | undefined;
      node.hooks.onEnd.tap(LOOKS, (ended) => {
        recent.add(ended);
        timeline.ended(ended);
      });
      node.hooks.afterGap.tap(LOOKS, (gap) => timeline.gap(gap));
      // After the server has begun to listen: so it ends before the server, which waits for its connections.
      node.hooks.boot.tap('page', () => node.onClose('page', () => feed?.close()));
      node.hooks.http.tap('page', (router) => {
        const door = node.services.find(DOOR);
        const snapshots = new Snapshots(node, timeline, door !== undefined);
        const log = node.log.child('page');
        feed = new Feed({
          most: Math.floor(mostConnections() * SHARE_OF_READERS),
          snapshot: () => snapshots.take(),
          recent,
          timeline,
          payload: (value) => asPayload(value, log),
        });
        addRoutes(router, {
          node,
          recent,
          timeline,
          snapshots,
          feed,
          door,
        });
      });
    },
  };
}
