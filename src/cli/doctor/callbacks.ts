// Where the running node's results go, and with them its JWT: the callback comes with each job.
import { ok, warning, type Check } from './finding.ts';

const check = 'callbacks';

export const checkCallbacks: Check = ({ config, live }) => {
  const { webhookAllowedOrigins: allowed, webappUrl } = config.settings;
  if (allowed.length > 0) return [ok(check, `results go only to ${allowed.join(', ')}`)];
  const told = live?.['callback_origins'];
  const seen = Array.isArray(told)
    ? told.filter((origin): origin is string => typeof origin === 'string')
    : [];
  if (seen.length === 0) return [];
  const line = `CODA_WEBHOOK_ALLOWED_ORIGINS='${JSON.stringify(seen)}'`;
  const foreign = seen.filter((origin) => origin !== new URL(webappUrl).origin);
  if (foreign.length === 0)
    return [ok(check, `results go to ${seen.join(', ')}; to allow nothing else: ${line}`)];
  return [
    warning(
      check,
      `results and the node's JWT go to ${seen.join(', ')}, and not only to the cloud`,
      `If you know them all, allow nothing else: ${line} (or webhook.allowedOrigins in coda.config.ts). Otherwise list only those that you know.`,
    ),
  ];
};
