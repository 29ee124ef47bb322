// What a node keeps its jobs in: takes the state directory for this process, opens the outbox in it, and gives the job
// pipeline once the node is connected.
import type { Settings } from '../config/settings.ts';
import type { Admission } from '../kernel/admission.ts';
import type { Logger } from '../log.ts';
import { Outbox } from '../outbox/outbox.ts';
import { openNodeFolder } from '../state/node-folder.ts';
import { trustedOwners } from '../state/trust.ts';
import type { JobPipelineOptions } from './assemble.ts';
import type { Jobs } from './jobs.ts';
import { JobPipeline } from './pipeline.ts';

export interface OpenJobsOptions {
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly admission: Admission;
  readonly log: Logger;
  readonly onClose: (name: string, release: () => void | Promise<void>) => void;
  /** Called if another node has taken the state directory: nothing in it may be used any more. */
  readonly onLost: (error: Error) => void;
  /** Throws if the node was closed meanwhile. */
  readonly checkOpen: () => void;
}

/** The pipeline as the node uses it. */
export type Pipeline = Jobs &
  Pick<JobPipeline, 'start' | 'hold' | 'report' | 'failRunning' | 'drain' | 'handBack' | 'close'>;

export type CreatePipeline = (
  options: Omit<JobPipelineOptions, 'settings' | 'log' | 'admission' | 'outbox' | 'directory' | 'consumer'>,
) => Pipeline;

export type OpenJobs = (options: OpenJobsOptions) => Promise<CreatePipeline>;

/** Throws a ConfigError if the state directory cannot be used. */
export const openJobs: OpenJobs = async ({ settings, env, admission, log, onClose, onLost, checkOpen }) => {
  const spool = await openNodeFolder(settings.stateDir, {
    owners: trustedOwners(settings.trustedOwners, env),
    onWait: (message) => log.info(message),
    onLost,
  });
  onClose('the state directory', () => spool.release());
  checkOpen();
  const { directory, consumer } = spool;
  const outbox = await openOutbox(directory, settings, admission, log);
  onClose('the outbox', () => outbox.close());
  return (options) => new JobPipeline({ ...options, settings, log, admission, outbox, directory, consumer });
};

/** The outbox of a node's folder: what is wrong with it closes the admission. */
export async function openOutbox(
  directory: string,
  settings: Settings,
  admission: Admission,
  log: Logger,
): Promise<Outbox> {
  return Outbox.open({
    directory,
    log,
    maxRetryDelayMs: settings.webhookMaxRetryDelaySec * 1000,
    maxJobs: settings.outboxMaxJobs,
    onTrouble: (trouble) => {
      if (trouble === undefined) admission.open('disk');
      else admission.close('disk', `${trouble.text}; no job is taken until they can`, trouble.remedy);
    },
    onChange: (size, isFull) => {
      if (!isFull) admission.open('outbox');
      else
        admission.close(
          'outbox',
          `${size} results wait to be delivered, no job is taken until there are fewer`,
          'See coda status for why they cannot be delivered, and coda results --waiting for where they go. The node continues by itself once they can.',
        );
    },
  });
}
