// Where the night shift looks for a cause.

/** Where an operator looks: the reasons of `/ready`, `coda status`, `coda doctor`, and what the node has logged. */
export type Place = 'ready' | 'status' | 'doctor' | 'log';

export const EVERYWHERE: readonly Place[] = ['ready', 'status', 'doctor', 'log'];
