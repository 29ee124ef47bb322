// The cloud refuses, does not answer, or another server answers in its place. Results must survive all of it.
import type { Fault } from '../fault.ts';
import { EVERYWHERE, type Place } from '../place.ts';
import { LOGIN_PAGE, TO_LOGIN_PAGE } from '../gateway.ts';
import type { Night } from '../night.ts';

/** Jobs are still taken, so the node is ready; these places name the trouble all the same. */
const TOLD: readonly Place[] = ['status', 'doctor', 'log'];
const LOGIN = /log ?in|portal|browser|proxy/i;
const REPEATED = /by itself|repeat|again|retr(y|ies)/i;
const HTML = /HTML|login page|web page/i;

const heal = ({ world, gateway }: Night): void => {
  world.cloud.heal();
  gateway.heal();
};

const webhookStatus = (status: number): Pick<Fault, 'name' | 'inject' | 'cause'> => ({
  name: `webhooks answered ${status}`,
  inject: ({ world }) => world.cloud.fail('webhook', { status }),
  cause: new RegExp(`\\b${status}\\b`),
});

/** Set aside, until the operator has them sent again. */
const refused = (status: number): Fault => ({
  ...webhookStatus(status),
  // If they are only counted, `coda results` has the status.
  cause: new RegExp(
    `\\b${status}\\b|refused:? +[1-9]|[1-9]\\d* (results? )?(are |is )?(refused|set aside)`,
    'i',
  ),
  async heal(night) {
    heal(night);
    await night.replayRefused();
  },
  remedy: /coda results/,
  where: TOLD,
  meanwhile: (night) => night.setAside(),
});

const repeated = (status: number): Fault => ({
  ...webhookStatus(status),
  heal,
  remedy: REPEATED,
  where: TOLD,
});

export const CLOUD_FAULTS: readonly Fault[] = [
  {
    name: 'connect answered 429 with Retry-After',
    node: 'waits',
    inject: ({ world }) => world.cloud.fail('connect', { status: 429, headers: { 'retry-after': '1' } }),
    heal,
    cause: /\b429\b/,
    remedy: REPEATED,
    where: EVERYWHERE,
  },
  {
    name: 'connect answered 503',
    node: 'waits',
    inject: ({ world }) => world.cloud.fail('connect', { status: 503 }),
    heal,
    cause: /\b503\b/,
    remedy: REPEATED,
    where: EVERYWHERE,
  },
  {
    name: 'connect answered 401',
    node: 'refuses',
    inject: ({ world }) => world.cloud.fail('connect', { status: 401 }),
    heal,
    cause: /\b401\b/,
    remedy: /token/i,
    // A token that is refused is the one case in which another one helps.
    never: /coda reset|rm -r/i,
    where: ['log'],
  },
  {
    name: 'connect answered by a login page',
    node: 'waits',
    inject: ({ gateway }) => gateway.answer('connect', LOGIN_PAGE),
    heal,
    cause: HTML,
    remedy: LOGIN,
    where: EVERYWHERE,
  },
  {
    name: 'the cloud cannot be reached at the start',
    node: 'waits',
    inject: ({ api }) => api.refuse(),
    heal: ({ api }) => api.heal(),
    cause: /ECONNREFUSED|refused/i,
    remedy: /firewall|network|HTTPS_PROXY/i,
    where: EVERYWHERE,
  },
  {
    name: 'heartbeats answered 401',
    inject: ({ world }) => world.cloud.fail('heartbeat', { status: 401 }),
    heal,
    cause: /heartbeat[^]*\b401\b/i,
    remedy: /clock|credential|key/i,
    where: TOLD,
  },
  {
    name: 'heartbeats answered 500',
    inject: ({ world }) => world.cloud.fail('heartbeat', { status: 500 }),
    heal,
    cause: /heartbeat[^]*\b500\b/i,
    remedy: REPEATED,
    where: TOLD,
  },
  {
    name: 'heartbeats answered by a login page',
    inject: ({ gateway }) => gateway.answer('heartbeat', LOGIN_PAGE),
    heal,
    cause: HTML,
    remedy: LOGIN,
    where: TOLD,
  },
  repeated(500),
  repeated(503),
  refused(404),
  refused(410),
  {
    name: 'webhooks answered 200 by a login page',
    inject: ({ gateway }) => gateway.answer('webhook', LOGIN_PAGE),
    heal,
    cause: HTML,
    remedy: LOGIN,
    where: TOLD,
  },
  {
    name: 'webhooks redirected to a login page',
    inject: ({ gateway }) => gateway.answer('webhook', TO_LOGIN_PAGE),
    async heal(night) {
      heal(night);
      // Whether it was set aside or is repeated: no result is lost.
      await night.replayRefused();
    },
    cause: /\b302\b|redirect/i,
    remedy: /log ?in|portal|browser|proxy|coda results/i,
    where: TOLD,
  },
  {
    name: 'webhooks cut off (connection reset)',
    inject: ({ world }) => world.cloud.fail('webhook', { action: 'reset' }),
    heal,
    cause: /reset|closed|hang up|ECONN|terminated/i,
    remedy: REPEATED,
    where: TOLD,
  },
  {
    name: 'webhooks never answered',
    inject: ({ world }) => world.cloud.fail('webhook', { action: 'hang' }),
    heal,
    cause: /no answer|timed? ?out|within 2 s/i,
    remedy: REPEATED,
    where: TOLD,
  },
  {
    name: 'a broken certificate before the webhooks',
    async inject(night) {
      night.repair = await night.deliverBehindSelfSigned();
    },
    heal: (night) => night.repair(),
    cause: /self.signed|certificate/i,
    remedy: /NODE_EXTRA_CA_CERTS|SSL_CERT_FILE/,
    where: TOLD,
  },
  {
    name: 'the clock is two hours behind',
    node: 'refuses',
    prepare: (night) => night.provision(),
    inject: (night) => night.shiftClock(-7_200),
    heal: (night) => night.shiftClock(0),
    cause: /clock/i,
    remedy: /timedatectl|NTP|set the clock|time synchroni/i,
    where: ['doctor', 'log'],
    complaints: /JWT|token|exp|401/,
  },
];
