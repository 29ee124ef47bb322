// The credentials: do they exist, do they fit together and, with --online, does the cloud accept them?
import { cloudUrl, cloudWords, extraHeaders } from '../../net/cloud.ts';
import { writeState } from '../../config/persisted.ts';
import { messageOf, NodeError } from '../../errors.ts';
import { parseBundle } from '../../protocol/bundle.ts';
import { createSigner, type TokenSigner } from '../../protocol/jwt.ts';
import { failure, ok, warning, type Check, type Finding, type DoctorContext } from './finding.ts';

const check = 'credentials';

export const checkCredentials: Check = async (context) => {
  const { settings } = context.config;
  const { jwtPrivateKey, jwtKeyId, qpuId } = settings;
  if (settings.nodeToken !== '') {
    return [ok(check, 'a token is given: the next start gets new credentials with it')];
  }
  if (jwtPrivateKey === '' && jwtKeyId === '' && context.live !== undefined) {
    return [ok(check, 'none yet: the running node gets them when it has connected')];
  }
  if (jwtPrivateKey === '' && jwtKeyId === '') {
    return [
      warning(
        check,
        'this node has none yet',
        'Get a token for the QPU in Coda and run: coda start --token - (it asks for the token)',
      ),
    ];
  }
  let signer: TokenSigner;
  try {
    signer = await createSigner({ qpuId, keyId: jwtKeyId, privateKeyPem: jwtPrivateKey });
    await signer.fresh();
  } catch (thrown) {
    const { source, where } = context.config.sources.jwtPrivateKey;
    return [
      failure(
        check,
        messageOf(thrown),
        source === 'persisted state'
          ? 'Restore the state directory from a copy. If there is none, get a token for the QPU in Coda and run: coda reset, then coda start --token - (it asks for the token).'
          : `Correct ${where}, or unset it.`,
      ),
    ];
  }
  const found = ok(check, `QPU ${qpuId}, key ${jwtKeyId}`);
  if (!context.online) return [found, ok(check, 'to try them at the cloud, add --online')];
  if (context.node !== undefined) return [found, heldByNode(context)];
  return [found, await reconnect(context, signer)];
};

/** With a second connect we could disturb the running node's session. */
function heldByNode({ node, live }: DoctorContext): Finding {
  // What the heartbeats say is among the troubles of the node.
  return typeof live?.['heartbeat_error'] === 'string'
    ? ok(check, `in use by the running node (PID ${node?.pid}), whose heartbeats fail`)
    : ok(check, `in use by the running node (PID ${node?.pid}); not tried a second time`);
}

async function reconnect({ config, http }: DoctorContext, signer: TokenSigner): Promise<Finding> {
  const { settings, state } = config;
  const { webappUrl, connectPath } = settings;
  try {
    const headers = {
      ...extraHeaders(settings.nodeConnectHeaders),
      'content-type': 'application/json',
      authorization: `Bearer ${await signer.fresh()}`,
    };
    const answer = await http.request({
      method: 'POST',
      url: cloudUrl(webappUrl, connectPath),
      headers,
      body: JSON.stringify({ machine_fingerprint: settings.nodeMachineFingerprint }),
      timeoutMs: settings.nodeTimeoutSec * 1000,
    });
    if (answer.status >= 300) {
      const remedy =
        answer.status === 401 || answer.status === 403
          ? "Check this machine's clock first (the line about it above). If it is right, look at the QPU in Coda; a new token there gives the node new credentials: coda start --token - (it asks for the token)."
          : 'Try again later; the node itself keeps trying.';
      return failure(
        check,
        `the cloud answered ${answer.status}: ${cloudWords(answer.text, headers)}`,
        remedy,
      );
    }
    const bundle = parseBundle(jsonOf(answer.text), { hasPrivateKey: true, hasKeyId: true });
    // From now on the old key may be invalid.
    if (bundle.jwtPrivateKey !== undefined && state !== undefined) {
      const { jwtPrivateKey, jwtKeyId = state.jwtKeyId } = bundle;
      await writeState(settings.stateDir, { ...state, jwtPrivateKey, jwtKeyId });
    }
    return ok(check, `the cloud accepts them (QPU ${bundle.qpuId})`);
  } catch (thrown) {
    return failure(
      check,
      `they could not be tried: ${messageOf(thrown)}`,
      'See the lines about the cloud above.',
    );
  }
}

/** The parser's own message quotes the bundle, which holds secrets. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new NodeError('the cloud did not answer with JSON');
  }
}
