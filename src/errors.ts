// CodaError and its family: every failure that the node expects, each with a stable code.
// A message says what happened and where; the remedy says what to do (PROTOCOL §14).

/** Of an AggregateError, to show. */
const MOST_CAUSES = 8;

export interface ErrorDetails {
  /** What the reader can do about it; appended to the message. */
  remedy?: string;
  cause?: unknown;
}

/** What to do about EMFILE, wherever it is met. */
export const MORE_FILES_REMEDY =
  'Raise the limit of open files (ulimit -n, or LimitNOFILE of the service), then restart the node.';

/** Something that is wrong while the node runs: what and where, and what to do about it; each a sentence for the operator. */
export interface Trouble {
  readonly text: string;
  readonly remedy: string;
}

/** Base of every error that coda-node throws on purpose. `code` never changes between releases. */
export abstract class CodaError extends Error {
  abstract readonly code: string;
  readonly remedy: string | undefined;
  /** The plugin that threw it, and the hook in which it did; set by the node. */
  plugin?: string;
  hook?: string;

  constructor(message: string, details: ErrorDetails = {}) {
    const text = details.remedy === undefined ? message : `${message}\n  → ${details.remedy}`;
    super(text, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.remedy = details.remedy;
  }
}

/** Invalid or missing configuration, unsafe or broken state files. */
export class ConfigError extends CodaError {
  readonly code = 'CODA_CONFIG';
}

/** A key that cannot be read; signing or verification failed. */
export class AuthError extends CodaError {
  readonly code = 'CODA_AUTH';
}

/** Tunnel, VPN profile or VPN health check. */
export class VPNError extends CodaError {
  readonly code = 'CODA_VPN';
}

/** Connecting to the cloud: refused, unreachable, or a bundle that breaks a rule. */
export class NodeError extends CodaError {
  readonly code = 'CODA_NODE';
  /** The cloud's HTTP status, if there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, details: ErrorDetails & { status?: number } = {}) {
    super(message, details);
    this.status = details.status;
  }
}

/** The cloud refused a heartbeat. */
export class HeartbeatRejectedError extends CodaError {
  readonly code = 'CODA_HEARTBEAT_REJECTED';
}

/** An executor cannot be resolved or loaded, breaks its contract, or a run failed. */
export class ExecutorError extends CodaError {
  readonly code = 'CODA_EXECUTOR';
}

/** The process of the executor has ended in the middle of a run: nobody knows how the run would have ended. It counts as
 *  a start of the job, and the job runs again, up to `maxDeliveries` starts. `counts: false`: the process was ended because
 *  of another job; this one runs again, however often that happens. */
export class ExecutorDiedError extends CodaError {
  readonly code = 'CODA_EXECUTOR_DIED';
  readonly counts: boolean;

  constructor(message: string, details: ErrorDetails & { counts?: boolean } = {}) {
    super(message, details);
    this.counts = details.counts ?? true;
  }
}

/** A job message or circuit that breaks the wire contract (PROTOCOL §4). */
export class JobError extends CodaError {
  readonly code = 'CODA_JOB';
}

/** A result could not be delivered. Reserved by PROTOCOL §14: the outbox repeats deliveries, so nothing throws it yet. */
export class WebhookError extends CodaError {
  readonly code = 'CODA_WEBHOOK';
}

/** A plugin failed: names the plugin and the hook; the plugin's own error is the cause. */
export class PluginError extends CodaError {
  readonly code = 'CODA_PLUGIN';

  constructor(message: string, details: ErrorDetails & { plugin: string; hook?: string }) {
    super(message, details);
    this.plugin = details.plugin;
    if (details.hook !== undefined) this.hook = details.hook;
  }
}

/** The message of anything that a plugin may have thrown, with the plugin's name. */
export function attributedMessageOf(thrown: unknown): string {
  const isNamed =
    !(thrown instanceof CodaError) || thrown instanceof PluginError || thrown.plugin === undefined;
  return isNamed
    ? messageOf(thrown)
    : `plugin '${thrown.plugin}' failed in ${thrown.hook}: ${thrown.message}`;
}

/** The message of anything that was thrown, for a log line or another error's text. */
export function messageOf(thrown: unknown): string {
  // Such as one for each address of a host.
  if (thrown instanceof AggregateError && thrown.errors.length > 0) return causesOf(thrown);
  if (thrown instanceof Error) return ownMessageOf(thrown);
  if (typeof thrown === 'string') return thrown;
  if (thrown === undefined || thrown === null) return `${String(thrown)} was thrown in place of an error`;
  if (typeof thrown === 'symbol' || typeof thrown === 'bigint') return String(thrown);
  try {
    const json: string | undefined = JSON.stringify(thrown);
    if (json !== undefined) return json;
  } catch {
    // Circular, or with a toJSON that throws.
  }
  return Object.prototype.toString.call(thrown);
}

/** Whoever throws an error can give it any message: also none that is a text, or one that cannot be read. */
function ownMessageOf(error: Error): string {
  try {
    const { name, message }: { name: unknown; message: unknown } = error;
    const text: string | undefined = typeof message === 'string' ? message : JSON.stringify(message);
    return text === undefined || text === '' ? String(name) : text;
  } catch {
    return Object.prototype.toString.call(error);
  }
}

function causesOf({ message, errors }: AggregateError): string {
  const causes = [
    ...new Set(
      errors.map((error: unknown) => (error instanceof AggregateError ? 'more errors' : messageOf(error))),
    ),
  ];
  const rest = causes.length - MOST_CAUSES;
  const text = causes.slice(0, MOST_CAUSES).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
  return message === '' ? text : `${message}: ${text}`;
}

/** The `code` of a system error, such as `ENOENT`. */
export function errorCode(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Docker and some service managers take quotes in an env file as part of the value. Does not quote it: it may be secret. */
export function refuseQuotes(variable: string, value: string): void {
  const text = value.trim();
  if (text.length < 2 || !/^["']/.test(text) || text.at(-1) !== text[0]) return;
  throw new ConfigError(`the value of ${variable} has quotes around it`, {
    remedy:
      'Write the value without them. Not everything that reads an env file removes them; Docker does not.',
  });
}
