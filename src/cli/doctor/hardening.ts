// What would make an attack harder. None of it keeps the node from working, so it is advice. docs/security.md has the list,
// in the same words.
import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isIP } from 'node:net';
import { SETTING_NAMES, settingOf } from '../../config/settings.ts';
import { readRedisUrl } from '../../protocol/urls.ts';
import { descriptorsOf } from '../../state/descriptors.ts';
import { shellQuoted } from '../../state/private-file.ts';
import { userOf } from '../../state/process.ts';
import { environmentFile, servicePath } from '../service/manage.ts';
import { advice, ok, warning, type Check, type DoctorContext } from './finding.ts';

const check = 'hardening';
const MANAGERS = ['systemd', 'systemd-user'] as const;
const ROOT = 0;
const OTHERS_LOOK = 0o005;
const OTHERS_WRITE = 0o002;
const GROUP_OR_OTHERS_READ = 0o044;
/** The usual limit of a Linux machine. */
const FEW_FILES = 1024;

interface Item {
  /** What is so and why it matters, as in docs/security.md. */
  readonly words: string;
  /** Undefined if it is as it should be: else where it is so, and what to do. */
  readonly find: (context: DoctorContext) => Advice | undefined;
}

interface Advice {
  /** Goes on after the words. */
  readonly where?: string;
  /** More than advice: it is a danger now. */
  readonly isUrgent?: boolean;
  readonly remedy: string;
}

/** In the order of the output. */
export const HARDENING: readonly Item[] = [
  {
    words:
      'the state directory is shared with other users: they can keep the node from starting by putting something there first',
    find: ({ config: { settings } }) =>
      isShared(settings.stateDir)
        ? {
            where: settings.stateDir,
            remedy: 'Set CODA_STATE_DIR to a directory of its own, such as ~/.local/state/coda-node.',
          }
        : undefined,
  },
  {
    words: 'the state directory is open to all users: they see when the node runs, and how much waits',
    find: ({ config: { settings } }) => {
      const mode = isShared(settings.stateDir) ? 0 : modeOf(settings.stateDir);
      return (mode & OTHERS_LOOK) === 0
        ? undefined
        : { where: settings.stateDir, remedy: `Run: chmod o-rwx ${shellQuoted(settings.stateDir)}` };
    },
  },
  {
    words:
      'the node runs as root, and no VPN needs it: whatever its executor or a plugin does, it does as root',
    find: (context) => {
      const { vpnRequired, nodeAutoVpn } = context.config.settings;
      return (vpnRequired && nodeAutoVpn) || userOfNode(context) !== ROOT
        ? undefined
        : { remedy: 'Run it as a user of its own, for example with: coda service install' };
    },
  },
  {
    words: 'users are named whose code runs in the node: each of them can do all that it can',
    find: ({ config: { settings } }) =>
      settings.trustedOwners === ''
        ? undefined
        : {
            where: `CODA_TRUSTED_OWNERS=${settings.trustedOwners}`,
            remedy: 'Unset it if the files can belong to the user who runs the node.',
          },
  },
  {
    words:
      'any job may name any host for its result: whoever can write to the stream can have the JWT sent there',
    find: ({ config: { settings }, live }) => {
      if (settings.webhookAllowedOrigins.length > 0) return undefined;
      const told = live?.['callback_origins'];
      const seen = Array.isArray(told)
        ? told.filter((origin): origin is string => typeof origin === 'string')
        : [];
      if (seen.length === 0) {
        return {
          remedy:
            'Set webhook.allowedOrigins. Beside a node that has posted results, coda doctor prints the line.',
        };
      }
      return {
        where: `so far ${seen.join(', ')}`,
        isUrgent: seen.some((origin) => origin !== new URL(settings.webappUrl).origin),
        remedy: `If you know them all, allow nothing else: CODA_WEBHOOK_ALLOWED_ORIGINS=${shellQuoted(JSON.stringify(seen))} (or webhook.allowedOrigins in coda.config.ts). Otherwise list only those that you know.`,
      };
    },
  },
  {
    words: 'the cloud is reached without TLS: who is on the way reads the credentials, and can give others',
    find: ({ config: { settings } }) => {
      const { protocol, hostname, origin } = new URL(settings.webappUrl);
      return protocol === 'https:' || isThisMachine(hostname)
        ? undefined
        : { where: origin, isUrgent: true, remedy: 'Use an https:// URL in CODA_WEBAPP_URL.' };
    },
  },
  {
    words: 'certificates are not checked: who is on the way reads everything, and can change it',
    find: ({ env }) =>
      env['NODE_TLS_REJECT_UNAUTHORIZED'] !== '0'
        ? undefined
        : {
            where: 'NODE_TLS_REJECT_UNAUTHORIZED=0',
            isUrgent: true,
            remedy:
              'Unset it. If your network inspects TLS, set NODE_EXTRA_CA_CERTS or SSL_CERT_FILE to its CA.',
          },
  },
  {
    words: 'Redis is reached without TLS or a VPN: who is on the way reads its password, and can submit jobs',
    find: ({ config: { settings } }) => {
      if (settings.redisUrl === '' || settings.vpnRequired) return undefined;
      const address = readRedisUrl(settings.redisUrl);
      if (typeof address === 'string' || address.tls) return undefined;
      const other = address.hosts.find(({ host }) => !isThisMachine(host));
      return other === undefined
        ? undefined
        : {
            where: `${other.host}:${other.port}`,
            remedy: 'Use a rediss:// URL: CODA_REDIS_URL, or the settings of the QPU in Coda.',
          };
    },
  },
  {
    words: 'Redis asks for no password: whoever reaches it can submit jobs, cancel them and delete them',
    find: ({ config: { settings } }) => {
      if (settings.redisUrl === '') return undefined;
      const address = readRedisUrl(settings.redisUrl);
      if (typeof address === 'string' || (address.password ?? '') !== '') return undefined;
      const { host, port } = address.hosts[0];
      return {
        where: `${host}:${port}`,
        remedy: 'Give the node a user of its own in Redis; docs/scaling.md has its rights.',
      };
    },
  },
  {
    words:
      'other machines see all that the health server has, also the page and the routes of plugins: it has no login',
    find: ({ config: { settings } }) =>
      settings.healthOpen && !isThisMachine(settings.host)
        ? { where: 'CODA_HEALTH_OPEN=true', remedy: 'Unset it, or set CODA_HOST=127.0.0.1.' }
        : undefined,
  },
  {
    words: 'a secret is in the environment, which every program of this user can read',
    find: ({ config }) => {
      const found = SETTING_NAMES.filter(
        (name) => settingOf(name).secret && config.sources[name].source === 'environment',
      ).map((name) => settingOf(name).env);
      return found.length === 0
        ? undefined
        : {
            where: found.join(', '),
            remedy:
              'Give the token with --token - or --token-file, and other secrets in a file that only this user can read.',
          };
    },
  },
  {
    words: 'a secret is in a file that other users can read',
    find: ({ config }) => {
      const inConfig = SETTING_NAMES.some(
        (name) => settingOf(name).secret && config.sources[name].source === 'config file',
      );
      const files = [
        ...(inConfig && config.configFile !== undefined ? [config.configFile] : []),
        ...MANAGERS.flatMap((manager) => [servicePath(manager), environmentFile(manager)]).filter(
          holdsSecret,
        ),
      ];
      const open = files.find((path) => (modeOf(path) & GROUP_OR_OTHERS_READ) !== 0);
      return open === undefined ? undefined : { where: open, remedy: `Run: chmod 600 ${shellQuoted(open)}` };
    },
  },
  {
    words: 'Node.js listens for a debugger: every user of this machine can run code in the node',
    find: ({ env, node }) => {
      const options = `${env['NODE_OPTIONS'] ?? ''} ${node === undefined ? '' : optionsOf(node.pid)}`;
      return /(^|\s)--inspect(-brk|-wait|-port)?(=|\s|$)/.test(options)
        ? {
            where: 'NODE_OPTIONS',
            isUrgent: true,
            remedy: 'Take --inspect out of it, and start the node again.',
          }
        : undefined;
    },
  },
  {
    words: 'the node may open few files: who opens many connections takes them from Redis and the disk',
    find: ({ node }) => {
      const limit = descriptorsOf(node?.pid ?? process.pid)?.limit ?? Infinity;
      return limit >= FEW_FILES
        ? undefined
        : {
            where: String(limit),
            remedy: `Raise the limit to ${FEW_FILES} or more (ulimit -n, LimitNOFILE=).`,
          };
    },
  },
];

export const checkHardening: Check = (context) => {
  const found = HARDENING.flatMap(({ words, find }) => {
    const item = find(context);
    if (item === undefined) return [];
    const message = item.where === undefined ? words : `${words} (${item.where})`;
    return [(item.isUrgent === true ? warning : advice)(check, message, item.remedy)];
  });
  return found.length > 0 ? found : [ok(check, `all ${HARDENING.length} items of docs/security.md`)];
};

/** The user who runs the node; if it does not run, who would if this user started it. */
function userOfNode({ node }: DoctorContext): number | undefined {
  return node === undefined || node.elsewhere !== undefined ? process.geteuid?.() : userOf(node.pid);
}

function isShared(directory: string): boolean {
  return (
    [tmpdir(), '/tmp', '/var/tmp', '/dev/shm', '/run'].includes(directory) ||
    (modeOf(directory) & OTHERS_WRITE) !== 0
  );
}

/** 0 if there is no such file. */
function modeOf(path: string): number {
  return process.platform === 'win32' ? 0 : (statSync(path, { throwIfNoEntry: false })?.mode ?? 0);
}

function isThisMachine(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Whether a service file or its environment file sets one of the secret settings. */
function holdsSecret(path: string): boolean {
  const names = SETTING_NAMES.filter((name) => settingOf(name).secret).map((name) => settingOf(name).env);
  return names.some((name) => new RegExp(`^[^#\\n]*\\b${name}=.*\\S`, 'im').test(textOf(path)));
}

/** The options of Node.js that a running process has from its environment; nothing if this user may not see them. */
function optionsOf(pid: number): string {
  const variables = textOf(`/proc/${pid}/environ`).split('\0');
  return variables.find((variable) => variable.startsWith('NODE_OPTIONS='))?.slice(13) ?? '';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
