// Lets the operator's programs on this machine have the node do something: `coda run` through the running node, and the
// actions of its page. Each request has the token that lies in the state directory, and comes from no foreign page.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Plugin } from '../../src/index.ts';
import {
  DOOR,
  LOCAL_RUN_PATH,
  freshDoorToken,
  removeDoorToken,
  writeDoorToken,
  type Refusal,
} from '../../src/kit.ts';
import { answerLocalRun } from './local-run.ts';

const TOKEN_REMEDY =
  'coda page prints a link with the token; it is another one after each start of the node.';

/** Provides the service DOOR. */
export function door(): Plugin {
  return {
    name: 'door',
    apply(node) {
      let token: Buffer | undefined;
      node.services.provide(DOOR, { refusal: (request) => refusalOf(request, token) });
      node.hooks.http.tap('door', (router) => {
        router.post(LOCAL_RUN_PATH, async (ctx) => {
          const refusal = refusalOf(ctx.req, token);
          if (refusal === undefined) return answerLocalRun(ctx, node);
          ctx.status = refusal.status;
          ctx.body = { error: refusal.text, remedy: refusal.remedy };
        });
      });
      let written: Promise<void> | undefined;
      // Before anything can ask for it. The disk works while the node connects.
      node.hooks.boot.tap({ name: 'door', stage: -600 }, () => {
        const { stateDir } = node.settings;
        const text = freshDoorToken();
        node.log.mask(text);
        token = Buffer.from(text);
        written = writeDoorToken(stateDir, text);
        written.catch(() => {});
        node.onClose('the token of the door', async () => {
          await written?.catch(() => {});
          await removeDoorToken(stateDir);
        });
      });
      node.hooks.start.tapPromise('door', async () => written);
    },
  };
}

function refusalOf({ headers }: IncomingMessage, token: Buffer | undefined): Refusal | undefined {
  const { origin, host = '' } = headers;
  const isForeign = origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
  const site = headers['sec-fetch-site'];
  if (isForeign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    return {
      status: 403,
      text: 'another page may not do this',
      remedy: 'Use the page of the node itself, or the command coda.',
    };
  }
  const given = Buffer.from(/^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '');
  const fits = token !== undefined && given.length === token.length && timingSafeEqual(given, token);
  return fits ? undefined : { status: 401, text: 'this needs the token of the node', remedy: TOKEN_REMEDY };
}
