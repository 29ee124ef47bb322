// Connects the node to the cloud: with a one-time token the first time, later with its own key (PROTOCOL §1, §3).
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AuthError,
  ConfigError,
  NodeError,
  type CodaNode,
  type ConnectRequest,
  type Executor,
  type Logger,
  type Plugin,
  type Settings,
} from '../../src/index.ts';
import {
  cloudUrl,
  connectivityOf,
  createSigner,
  makeStateDir,
  writeFileAtomic,
  type Session,
  type TokenSigner,
} from '../../src/kit.ts';
import { newFingerprint } from './fingerprint.ts';
import { provision } from './provision.ts';
import { requestBundle } from './request.ts';

/** Connects to the cloud, saves the credentials and returns the session. */
export function connect(): Plugin {
  return {
    name: 'connect',
    apply(node) {
      node.hooks.connect.tapPromise('connect', (executor) => {
        const closing = new AbortController();
        node.onClose('connect', () => closing.abort());
        return open(node, executor, closing.signal);
      });
    },
  };
}

async function open(node: CodaNode, executor: Executor | undefined, signal: AbortSignal): Promise<Session> {
  const { settings } = node;
  const log = node.log;
  const fingerprint =
    settings.nodeMachineFingerprint || node.state?.nodeMachineFingerprint || newFingerprint();
  const byToken = settings.nodeToken !== '';
  const signer = byToken ? undefined : await ownSigner(settings);
  log.mask(settings.nodeToken);

  const request = requestOf(executor, byToken ? 'token' : 'jwt', settings, fingerprint);
  await node.hooks.beforeConnect.promise(request);

  const finish = async (asked: ConnectRequest, current: Settings, bearer: () => string | Promise<string>) => {
    const answer = await requestBundle(node, { request: asked, bearer, log, signal });
    const session = await provision({ answer, mode: asked.mode, current, fingerprint, log });
    log.info(`connected as ${session.qpuId}`, { name: session.qpuDisplayName });
    return session;
  };

  if (signer !== undefined) return finish(request, settings, () => signer.fresh());
  // The token is used up by the connect, so make sure first that the credentials can be saved.
  await checkStateDir(settings.stateDir);
  try {
    return await finish(request, settings, () => settings.nodeToken);
  } catch (refusal) {
    const saved = await savedCredentials(node, refusal, log);
    if (saved === undefined) throw refusal;
    const { url } = requestOf(executor, 'jwt', saved.current, fingerprint);
    return finish({ ...request, mode: 'jwt', url }, saved.current, () => saved.signer.fresh());
  }
}

function requestOf(
  executor: Executor | undefined,
  mode: 'token' | 'jwt',
  { webappUrl, connectPath, nodeConnectHeaders }: Settings,
  fingerprint: string,
): ConnectRequest {
  // On a first start an executor that needs the bundle is made later; the first heartbeat then brings the edges.
  const connectivity = executor === undefined ? null : connectivityOf(executor);
  return {
    url: cloudUrl(webappUrl, connectPath),
    mode,
    headers: { ...nodeConnectHeaders },
    body: { machine_fingerprint: fingerprint, ...(connectivity === null ? {} : { connectivity }) },
  };
}

/** The signer of a start without a token. Throws a ConfigError that says what is missing and what to do. */
function ownSigner({ jwtPrivateKey, jwtKeyId, qpuId, stateDir }: Settings): Promise<TokenSigner> {
  const missing = [
    ...(jwtPrivateKey === '' ? ['CODA_JWT_PRIVATE_KEY'] : []),
    ...(jwtKeyId === '' ? ['CODA_JWT_KEY_ID'] : []),
    ...(qpuId === '' ? ['CODA_QPU_ID'] : []),
  ];
  if (missing.length === 0) return createSigner({ qpuId, keyId: jwtKeyId, privateKeyPem: jwtPrivateKey });
  throw new ConfigError(
    missing.length === 3
      ? `this node has no credentials yet: neither a token nor those of an earlier start in ${stateDir}`
      : `the credentials are incomplete: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    {
      remedy:
        'Get a token for the QPU in Coda and run: coda start --token - (it asks for the token). ' +
        'A service of systemd has a state directory of its own: for it, write CODA_NODE_TOKEN=<token> into /etc/coda-node.env. ' +
        'To start without one, set CODA_JWT_PRIVATE_KEY, CODA_JWT_KEY_ID and CODA_QPU_ID. ' +
        'To try things out without a cloud: coda dev',
    },
  );
}

/** Checks that the state directory is writable, by writing a file. */
async function checkStateDir(stateDir: string): Promise<void> {
  await makeStateDir(stateDir);
  const trial = join(stateDir, '.coda-write-check');
  await writeFileAtomic(trial, '');
  await rm(trial, { force: true });
}

/** Saved credentials to fall back on when the token is rejected; undefined if unusable. */
async function savedCredentials(
  node: CodaNode,
  refusal: unknown,
  log: Logger,
): Promise<{ current: Settings; signer: TokenSigner } | undefined> {
  if (!(refusal instanceof NodeError) || refusal.status !== 401 || node.state === undefined) return undefined;
  const current: Settings = { ...node.settings, ...node.state };
  try {
    const signer = await createSigner({
      qpuId: current.qpuId,
      keyId: current.jwtKeyId,
      privateKeyPem: current.jwtPrivateKey,
    });
    log.warn(
      'the cloud rejects the token, which may have been used already; ' +
        `connecting with the credentials of an earlier start, as ${current.qpuId}. Leave the token out next time`,
    );
    return { current, signer };
  } catch (thrown) {
    if (thrown instanceof AuthError) return undefined;
    throw thrown;
  }
}
