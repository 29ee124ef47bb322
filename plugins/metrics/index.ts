// Serves `GET /metrics` for Prometheus, on the health server. Counting costs a few additions a job; the library that writes
// the format is loaded at the first scrape.
import type { Plugin } from '../../src/index.ts';
import { Counts } from './counts.ts';
import { sampleOf } from './look.ts';

/** Counts, and answers scrapes. */
export function metrics(): Plugin {
  return {
    name: 'metrics',
    apply(node) {
      const counts = new Counts();
      counts.tap(node);
      let scraper:
        Promise<{ answer(): Promise<{ readonly type: string; readonly text: string }> }> | undefined;
      node.hooks.http.tap('metrics', (router) => {
        router.get('/metrics', async (ctx) => {
          scraper ??= import('./scrape.ts').then(
            ({ Scraper }) => new Scraper(counts, () => sampleOf(node, counts)),
          );
          scraper.catch(() => (scraper = undefined));
          const { type, text } = await (await scraper).answer();
          ctx.set('content-type', type);
          ctx.body = text;
        });
      });
    },
  };
}
