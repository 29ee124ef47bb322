// What is wrong with Redis, and what to do about it: the one place that turns an error of a command or a connection into
// words. The log, `/ready`, `coda status` and `coda doctor` all say what is said here.
import type { Redis } from 'ioredis';
import { errorCode, messageOf, MORE_FILES_REMEDY, type Trouble } from '../errors.ts';
import { maskUrlPasswords } from '../log/redaction.ts';
import type { RedisPlace } from '../protocol/urls.ts';
import { certificateTrouble } from './certificate-trouble.ts';
import { announcerOf, isConnectionFault, placeOf } from './redis.ts';
import type { Announcer } from './redis/following.ts';

interface Fault {
  /** The code of a system error, or of a reply of Redis, such as `WRONGPASS`. */
  readonly code: string;
  readonly text: string;
  /** `Redis at <host>:<port>` */
  readonly at: string;
  /** Who has named that place, if the URL does not. */
  readonly announcer: Announcer | undefined;
  readonly user: string;
  /** As Redis names it, such as `xgroup|create`; empty if it is not known. */
  readonly command: string;
  /** The first key of that command. */
  readonly key: string;
}

type Describe = (fault: Fault) => Trouble;

const WAITS = 'The node waits for it, and continues by itself.';
const ON_THE_WAY = `${WAITS} Check that Redis runs there, and the network on the way: VPN, firewall.`;
const FROM_CLOUD =
  'The URL of Redis comes from the cloud at each start, unless CODA_REDIS_URL or the config file sets it';

/** What lets clients elsewhere, as behind Docker or NAT, reach what servers announce. */
const ANNOUNCE: Readonly<Record<Announcer, string>> = {
  'the cluster':
    'If this address only means something where the servers run (Docker, NAT), have each of them announce one that can be reached from here: cluster-announce-ip and cluster-announce-port (with TLS: cluster-announce-tls-port), or cluster-announce-hostname with cluster-preferred-endpoint-type hostname. Or run the node in their network.',
  'the Sentinel':
    'If this address only means something where the servers run (Docker, NAT), give the Sentinels one that can be reached from here (sentinel monitor, and replica-announce-ip and replica-announce-port of each server). Or run the node in their network.',
};

const unreachable =
  (why: string, remedy: string): Describe =>
  (fault) =>
    notReached(fault, `cannot be reached: ${why} (${fault.code})`, remedy);

/** `what` is wrong with a place from which there is no answer. */
function notReached({ at, announcer }: Fault, what: string, remedy: string): Trouble {
  return announcer === undefined
    ? { text: `${at} ${what}`, remedy }
    : { text: `${announced(at, announcer)} ${what}`, remedy: `${remedy} ${ANNOUNCE[announcer]}` };
}

function announced(at: string, announcer: Announcer): string {
  return `${at}, which ${announcer} announces,`;
}

const noRoute = unreachable('there is no way to it', ON_THE_WAY);
const noName = unreachable(
  'its name cannot be resolved',
  `${WAITS} Check DNS (/etc/resolv.conf), and the VPN if the name is known only behind it.`,
);
const closes: Describe = ({ at, code }) => ({
  text: `${at} closes the connection (${code})`,
  remedy: ON_THE_WAY,
});
const tooManyFiles: Describe = ({ at, code }) => ({
  text: `${at} cannot be reached: this process has too many open files (${code})`,
  remedy: MORE_FILES_REMEDY,
});
const partOfTheKeys: Describe = ({ at, code }) => ({
  text: `${at} has only a part of the keys, or is no longer the primary (${code})`,
  remedy:
    'The node follows a cluster by itself. If this stays: give its user +cluster|slots, and have each server announce an address that can be reached from here: cluster-announce-ip with cluster-preferred-endpoint-type ip, or cluster-announce-hostname with hostname (docs/scaling.md).',
});
const silent: Describe = (fault) => notReached(fault, 'does not answer', ON_THE_WAY);

const KINDS: Readonly<Record<string, Describe>> = {
  ECONNREFUSED: unreachable('the connection is refused', ON_THE_WAY),
  ENOTFOUND: noName,
  EAI_AGAIN: noName,
  EHOSTUNREACH: noRoute,
  ENETUNREACH: noRoute,
  EADDRNOTAVAIL: noRoute,
  ETIMEDOUT: silent,
  ECONNRESET: closes,
  EPIPE: closes,
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  WRONGPASS: ({ at, user }) => ({
    text: `${at} refuses the password of the user '${user}' (WRONGPASS)`,
    remedy: `The password may have been changed. ${FROM_CLOUD}: restart the node (coda stop, coda start), or correct it there. The node continues by itself if the old password is valid again.`,
  }),
  NOAUTH: ({ at }) => ({
    text: `${at} asks for a password, and the URL has none (NOAUTH)`,
    remedy: `${FROM_CLOUD}: restart the node (coda stop, coda start), or put user and password there.`,
  }),
  NOPERM: (fault) => noRight(fault),
  OOM: ({ at }) => ({
    text: `${at} is out of memory and takes no writes (OOM, maxmemory)`,
    remedy:
      'Free memory there, or raise maxmemory (CONFIG SET maxmemory …). The node keeps its results, and repeats its writes by itself.',
  }),
  MISCONF: ({ at }) => ({
    text: `${at} cannot save to its disk and takes no writes (MISCONF)`,
    remedy:
      'Look at the log and the disk of Redis. The node keeps its results, and repeats its writes by itself.',
  }),
  READONLY: ({ at }) => ({
    text: `${at} is a replica and takes no writes (READONLY)`,
    remedy: `If a failover is in progress, wait: the node finds the new primary by itself. Otherwise let the URL lead to the primary. ${FROM_CLOUD}.`,
  }),
  NOREPLICAS: ({ at }) => ({
    text: `${at} has too few replicas and takes no writes (NOREPLICAS)`,
    remedy: `${WAITS} Look at the replicas, or at min-replicas-to-write.`,
  }),
  LOADING: ({ at }) => ({
    text: `${at} still loads its data (LOADING)`,
    remedy: `${WAITS} If that takes longer than its data should, look at the log of Redis.`,
  }),
  MASTERDOWN: ({ at }) => ({
    text: `${at} is a replica that has lost its primary (MASTERDOWN)`,
    remedy: `${WAITS} If no failover is in progress, let the URL lead to the primary. ${FROM_CLOUD}.`,
  }),
  BUSY: ({ at }) => ({
    text: `${at} is busy with a script (BUSY)`,
    remedy: `${WAITS} If it never ends, send SCRIPT KILL.`,
  }),
  CLUSTERDOWN: ({ at }) => ({
    text: `${at} belongs to a cluster that is down (CLUSTERDOWN)`,
    remedy: `${WAITS} Look at the cluster: redis-cli cluster info.`,
  }),
  MOVED: partOfTheKeys,
  ASK: partOfTheKeys,
  CROSSSLOT: partOfTheKeys,
  NOSENTINEL: ({ text }) => ({
    text: `no Sentinel says where the primary of Redis is (${text.replace('NOSENTINEL ', '')})`,
    remedy: `${WAITS} Check the Sentinels, and in the URL the name of the primary (SENTINEL MASTERS lists the names) and the password, which is that of Redis and of the Sentinels that ask for one. If Redis itself is at this address, the URL begins with redis:// or rediss://. ${FROM_CLOUD}.`,
  }),
  NOGROUP: () => ({
    text: 'the consumer group of the jobs is gone (NOGROUP)',
    remedy: 'The node creates it again by itself.',
  }),
  WRONGTYPE: ({ key, command }) => wrongType(key, 'something else', command),
  MAXCLIENTS: ({ at }) => ({
    text: `${at} has reached its maximum number of clients (maxclients)`,
    remedy:
      'Raise maxclients there, or close connections that nobody needs (CLIENT LIST). A node takes four connections, and some more in a cluster. The node continues by itself.',
  }),
  UNKNOWN: ({ at, text }) => ({
    text: `${at} does not know a command of the node (${text})`,
    remedy: `Use Redis 6.2 or newer, and do not rename its commands. If a Sentinel is at this address, the URL begins with redis+sentinel:// or rediss+sentinel://, and ends with the name of the primary. ${FROM_CLOUD}.`,
  }),
  NODATABASE: ({ at, text }) => ({
    text: `${at} does not have the database with the number at the end of the URL (${text})`,
    remedy: `Leave the number out, or correct it; a cluster has only the database 0. ${FROM_CLOUD}.`,
  }),
  TLS_MISSING: ({ at }) => ({
    text: `${at} speaks no TLS on this port, but its URL begins with rediss://`,
    remedy: `Switch TLS on there, or let the URL lead to the port with TLS. Without TLS the URL begins with redis://. ${FROM_CLOUD}.`,
  }),
  TLS_SPOKEN: ({ at }) => ({
    text: `${at} speaks TLS, but its URL begins with redis://`,
    remedy: `The URL must begin with rediss:// for this port. ${FROM_CLOUD}.`,
  }),
  LOST: ({ at }) => ({ text: `the connection to ${at} is lost`, remedy: ON_THE_WAY }),
};

/** Signs of a kind that has no code of its own. */
const SIGNS: readonly (readonly [sign: RegExp, code: string])[] = [
  [/^NOSENTINEL /, 'NOSENTINEL'],
  [/DB index is out of range|SELECT is not allowed/, 'NODATABASE'],
  [/max number of clients/, 'MAXCLIENTS'],
  [/unknown command/, 'UNKNOWN'],
  [/Socket timeout|ETIMEDOUT/, 'ETIMEDOUT'],
  [/WRONG_VERSION_NUMBER|wrong version number|packet length too long/, 'TLS_MISSING'],
  // The first byte of a TLS record.
  [/Protocol error, got "\\u001[56]/, 'TLS_SPOKEN'],
  [/before secure TLS connection|EPROTO/, 'ECONNRESET'],
];

/** What an error of a command or of a connection says, with what to do about it. */
export function redisTrouble(thrown: unknown, redis: Redis): Trouble {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    const { text, remedy } = redisTrouble(thrown.errors[0], redis);
    return { text: `${text}; each of its addresses was tried: ${messageOf(thrown)}`, remedy };
  }
  const fault = faultOf(thrown, redis);
  const { at, announcer } = fault;
  return (
    certificateTrouble(thrown, announcer === undefined ? at : announced(at, announcer)) ??
    KINDS[fault.code]?.(fault) ?? {
      text: `${at}: ${fault.text}`,
      remedy: `${WAITS} coda doctor looks at each step of the way.`,
    }
  );
}

/** That one of the servers of a cluster cannot be reached. */
export function shardTrouble(thrown: unknown, { host, port }: RedisPlace): Trouble {
  return {
    text: `Redis at ${host}:${port}, a shard of the cluster, cannot be reached (${errorCode(thrown) ?? maskUrlPasswords(messageOf(thrown))})`,
    remedy: `${WAITS} Its jobs stay in the stream until then. If no failover is in progress, check that this address, which the cluster announces, can be reached from here: VPN, firewall. ${ANNOUNCE['the cluster']}`,
  };
}

/** The trouble of a kind that shows in no error. */
export function redisTroubleOf(
  code: 'ETIMEDOUT' | 'LOADING' | 'TLS_MISSING' | 'TLS_SPOKEN',
  redis: Redis,
): Trouble {
  return redisTrouble(Object.assign(new Error(code), { code }), redis);
}

/** As `redisTrouble`; of a key of another type it finds out which. */
export async function lookIntoTrouble(thrown: unknown, redis: Redis): Promise<Trouble> {
  const { code, key, command } = faultOf(thrown, redis);
  if (code !== 'WRONGTYPE' || key === '') return redisTrouble(thrown, redis);
  const type = await redis.type(key).catch(() => 'something else');
  // It may have been removed meanwhile.
  return wrongType(key, type === 'none' ? 'something else' : type, command);
}

function faultOf(thrown: unknown, redis: Redis): Fault {
  const { host, port } = placeOf(redis);
  const { username } = redis.options;
  const text = maskUrlPasswords(messageOf(thrown));
  const { name, args } = commandOf(thrown);
  const named = /'([\w|-]+)' command/.exec(text)?.[1];
  return {
    code: codeOf(thrown, text),
    text,
    at: `Redis at ${host.includes(':') ? `[${host}]` : host}:${port}`,
    announcer: announcerOf(redis),
    user: typeof username === 'string' && username !== '' ? username : 'default',
    command: named ?? name,
    key: keyOf(name, args),
  };
}

function codeOf(thrown: unknown, text: string): string {
  if (isConnectionFault(thrown)) return 'LOST';
  const sign = SIGNS.find(([pattern]) => pattern.test(text));
  if (sign !== undefined) return sign[1];
  const code = errorCode(thrown);
  if (code !== undefined && code in KINDS) return code;
  const [word = ''] = text.split(' ');
  return word;
}

/** The command whose reply the error is: ioredis notes it. */
function commandOf(thrown: unknown): { name: string; args: readonly unknown[] } {
  const found: unknown =
    typeof thrown === 'object' && thrown !== null && 'command' in thrown ? thrown.command : undefined;
  if (typeof found !== 'object' || found === null) return { name: '', args: [] };
  const name = 'name' in found && typeof found.name === 'string' ? found.name.toLowerCase() : '';
  return { name, args: 'args' in found && Array.isArray(found.args) ? (found.args as unknown[]) : [] };
}

function keyOf(command: string, args: readonly unknown[]): string {
  // XGROUP CREATE key …, XINFO GROUPS key; XREADGROUP … STREAMS key id
  const at = /^x(group|info)$/.test(command) ? 1 : command === 'xreadgroup' ? args.length - 2 : 0;
  const key = /^(x|h|(exists|set|strlen|get|del)$)/.test(command) ? args[at] : undefined;
  return typeof key === 'string' || Buffer.isBuffer(key) ? key.toString() : '';
}

/** Redis 7 names the user, the command or the kind of thing; older ones only the command. */
function noRight({ user, text, command, key, at }: Fault): Trouble {
  if (/channel/.test(text)) {
    return rightTo(`the channels that it subscribes to`, user, '&__redis__:invalidate', at);
  }
  if (/a key|the keys/.test(text)) {
    const pattern = key.startsWith('qpu:job:') ? 'qpu:job:*' : key;
    return rightTo(`the key ${key === '' ? 'of a command' : key} (${command})`, user, `~${pattern}`, at);
  }
  return rightTo(`${command.replace('|', ' ').toUpperCase()} (${command})`, user, `+${command}`, at);
}

function rightTo(what: string, user: string, rule: string, at: string): Trouble {
  return {
    text: `the user '${user}' of ${at} has no right to use ${what}: NOPERM`,
    remedy: `Have the right given by whoever runs this Redis: ACL SETUSER ${user} ${rule} (docs/scaling.md has all rights of a node). The node continues by itself.`,
  };
}

function wrongType(key: string, type: string, command: string): Trouble {
  const wanted = command.startsWith('h') ? 'hash' : 'stream';
  return {
    text: `the key ${key} is ${type === 'something else' ? type : `a ${type}`}, not a ${wanted} (WRONGTYPE)`,
    remedy: `Somebody else has written to it. Find out who, then rename it (RENAME ${key} ${key}:old) or delete it; the node then creates it again by itself.`,
  };
}
