// Runs every check of `coda doctor`, whatever state the node is in, and hides what must not be shown.
import { loadNodeConfig } from '../../compose.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { messageOf } from '../../errors.ts';
import { createHttpClient } from '../../net/http.ts';
import { maskSecrets, maskUrlPasswords } from '../../log.ts';
import { findNode } from '../local-node/find.ts';
import { askReady } from '../local-node/live.ts';
import { checkCloud, checkDns } from './cloud.ts';
import { checkCredentials } from './credentials.ts';
import { checkExecutor } from './executor.ts';
import { failure, type Check, type Finding, type Patient } from './finding.ts';
import { checkConfig, checkNodeVersion, checkPort, checkStateDir } from './machine.ts';
import { checkRedis } from './redis.ts';
import { checkVpn } from './vpn.ts';

/** In the order in which they are shown. */
const CHECKS: readonly (readonly [string, Check])[] = [
  ['config', checkConfig],
  ['state', checkStateDir],
  ['dns', checkDns],
  ['cloud', checkCloud],
  ['credentials', checkCredentials],
  ['redis', checkRedis],
  ['executor', checkExecutor],
  ['vpn', checkVpn],
  ['port', checkPort],
];

export interface Examination {
  readonly configPath: string | undefined;
  readonly online: boolean;
}

export async function examine({ configPath, online }: Examination): Promise<Finding[]> {
  const { env } = process;
  const findings = checkNodeVersion();
  const secrets: string[] = [];
  const load = (readState: boolean): Promise<LoadedConfig> =>
    loadNodeConfig({
      env,
      cwd: process.cwd(),
      configPath,
      readState,
      loadPlugins: false,
      log: { mask: (secret) => secrets.push(secret) },
    });
  const config = await loadConfigLeniently(load, findings);
  if (config !== undefined) {
    const { node } = findNode(config.settings.stateDir);
    const address = node?.presence?.address ?? undefined;
    const http = createHttpClient({ env });
    const live = address === undefined ? undefined : await askReady(address);
    const patient: Patient = { config, configPath, env, http, node, live, online };
    const found = await Promise.all(CHECKS.map(([name, check]) => runCheck(name, check, patient)));
    findings.push(...found.flat());
    await http.close();
  }
  const masked = (text: string): string => maskUrlPasswords(maskSecrets(text, secrets));
  return findings.map((finding) => ({
    ...finding,
    message: masked(finding.message),
    ...(finding.remedy === undefined ? {} : { remedy: masked(finding.remedy) }),
  }));
}

/** Broken credentials must not keep the rest from being looked at. */
async function loadConfigLeniently(
  load: (readState: boolean) => Promise<LoadedConfig>,
  findings: Finding[],
): Promise<LoadedConfig | undefined> {
  try {
    return await load(true);
  } catch (thrown) {
    const withoutState = await load(false).catch(() => undefined);
    const check = withoutState === undefined ? 'config' : 'credentials';
    findings.push(split(check, messageOf(thrown)));
    return withoutState;
  }
}

/** The node's own errors carry their remedy behind an arrow. */
function split(check: string, text: string): Finding {
  const [message = '', remedy] = text.split('\n  → ');
  return failure(
    check,
    message.replace(/\s*\n\s*/g, '; '),
    remedy ?? 'Correct it, then run coda doctor again.',
  );
}

async function runCheck(name: string, check: Check, patient: Patient): Promise<Finding[]> {
  try {
    const found = await check(patient);
    return found.map((finding) => {
      const [message = '', inner] = finding.message.split('\n  → ');
      const remedy = inner ?? finding.remedy;
      return {
        ...finding,
        message: message.replace(/\s*\n\s*/g, '; '),
        ...(remedy === undefined ? {} : { remedy }),
      };
    });
  } catch (thrown) {
    return [split(name, messageOf(thrown))];
  }
}
