// Runs every check of `coda doctor`, whatever state the node is in, and masks secrets in what they find.
import { runConfig } from '../run-config.ts';
import type { LoadedConfig } from '../../config/load.ts';
import { messageOf } from '../../errors.ts';
import { createHttpClient } from '../../net/http.ts';
import { maskSecrets, maskUrlPasswords } from '../../log/redaction.ts';
import { findNode } from '../local-node/find.ts';
import { askReady } from '../local-node/live.ts';
import { checkCloud, checkDns } from './cloud.ts';
import { checkCredentials } from './credentials.ts';
import { checkExecutor } from './executor.ts';
import { failure, type Check, type Finding, type DoctorContext } from './finding.ts';
import { checkHardening } from './hardening.ts';
import { checkConfig, checkNodeVersion, checkPort, checkStateDir } from './machine.ts';
import { checkRunningNode } from './node.ts';
import { checkRedis } from './redis.ts';
import { checkVpn } from './vpn.ts';

/** In the order of the output. */
const CHECKS: readonly (readonly [string, Check])[] = [
  ['config', checkConfig],
  ['node state', checkRunningNode],
  ['state', checkStateDir],
  ['dns', checkDns],
  ['cloud', checkCloud],
  ['credentials', checkCredentials],
  ['redis', checkRedis],
  ['executor', checkExecutor],
  ['vpn', checkVpn],
  ['port', checkPort],
  ['hardening', checkHardening],
];

export interface DoctorRun {
  readonly configPath: string | undefined;
  readonly online: boolean;
}

export async function runDoctor({ configPath, online }: DoctorRun): Promise<Finding[]> {
  const { env } = process;
  const findings = checkNodeVersion();
  const secrets: string[] = [];
  const load = (readState: boolean): Promise<LoadedConfig> =>
    runConfig({
      env,
      cwd: process.cwd(),
      configPath,
      readState,
      loadPlugins: false,
      log: { mask: (secret) => secrets.push(secret) },
    });
  const config = await loadConfigLeniently(load, findings);
  if (config !== undefined) {
    const { node } = await findNode(config.settings.stateDir);
    const address = node?.presence?.address ?? undefined;
    const http = createHttpClient({ env });
    const live = node === undefined || address === undefined ? undefined : await askReady(node, address);
    const context: DoctorContext = { config, configPath, env, http, node, live, online };
    const found = await Promise.all(CHECKS.map(([name, check]) => runCheck(name, check, context)));
    findings.push(...withoutRepeats(found.flat()));
    await http.close();
  }
  const masked = (text: string): string => maskUrlPasswords(maskSecrets(text, secrets));
  return findings.map((finding) => ({
    ...finding,
    message: masked(finding.message),
    ...(finding.remedy === undefined ? {} : { remedy: masked(finding.remedy) }),
  }));
}

/** The running node may say of Redis what doctor finds too, in the same words. */
function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const said = new Set<string>();
  return findings.filter(({ message, level }) => level === 'ok' || (!said.has(message) && said.add(message)));
}

/** Without the credentials, if they are broken: the rest can still be checked. Undefined if the settings are wrong. */
async function loadConfigLeniently(
  load: (readState: boolean) => Promise<LoadedConfig>,
  findings: Finding[],
): Promise<LoadedConfig | undefined> {
  try {
    return await load(true);
  } catch (thrown) {
    const withoutState = await load(false).catch(() => undefined);
    const check = withoutState === undefined ? 'config' : 'credentials';
    findings.push(findingOf(check, messageOf(thrown)));
    return withoutState;
  }
}

/** An error as a finding: the node's own errors carry their remedy after an arrow. */
function findingOf(check: string, text: string): Finding {
  const [message = '', remedy] = text.split('\n  → ');
  return failure(
    check,
    message.replace(/\s*\n\s*/g, '; '),
    remedy ?? 'Correct it, then run coda doctor again.',
  );
}

async function runCheck(name: string, check: Check, context: DoctorContext): Promise<Finding[]> {
  try {
    const found = await check(context);
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
    return [findingOf(name, messageOf(thrown))];
  }
}
