// Where the health server listens: provided by the plugin `health`, used by the commands that look for a node.
import { serviceKey } from './services.ts';

export interface HealthAddress {
  readonly host: string;
  /** The port in use, also if port 0 asked for a free one. */
  readonly port: number;
}

/** The service throws until the node's `boot` has ended. */
export const healthAddress = serviceKey<() => HealthAddress>('healthAddress');
