// The state directory (CODA_STATE_DIR): every path in it, each spelled once (PROTOCOL §2).
// The names at the top are shared with the Python original, so that a node can be moved over as it is.
import { join } from 'node:path';

/** The settings that the last connect taught the node. */
export function stateConfigPath(stateDir: string): string {
  return join(stateDir, 'coda.config');
}

export function stateKeyPath(stateDir: string): string {
  return join(stateDir, 'coda-private-key');
}

/** The process id of the daemon, on one line: the original reads and writes it, too. */
export function daemonPidPath(stateDir: string): string {
  return join(stateDir, 'coda-node.pid');
}

/** The daemon's log. */
export function logPath(stateDir: string): string {
  return join(stateDir, 'coda-node.log');
}

/** The older logs, the newest first: a log that is full moves to the first of them. */
export function rotatedLogPaths(log: string): readonly [string, string, string] {
  return [`${log}.1`, `${log}.2`, `${log}.3`];
}

/** The checked VPN profile, unless a setting names another place. */
export function vpnProfilePath(stateDir: string): string {
  return join(stateDir, 'coda-node.ovpn');
}

export function vpnPidPath(stateDir: string): string {
  return join(stateDir, 'coda-node-openvpn.pid');
}

export function vpnLogPath(stateDir: string): string {
  return join(stateDir, 'coda-node-openvpn.log');
}

/** The node's own folder: everything that belongs to one node and must never be copied to another. */
export function nodeFolder(stateDir: string): string {
  return join(stateDir, 'coda-node-spool');
}

// In the node's own folder:

/** Names the process that uses the folder. */
export function lockPath(folder: string): string {
  return join(folder, 'lock');
}

/** What the node's name in the consumer group is made from. */
export function consumerIdPath(folder: string): string {
  return join(folder, 'id');
}

/** Where a running node listens, and since when it runs. */
export function presencePath(folder: string): string {
  return join(folder, 'running.json');
}

/** When the node was started. */
export function startsPath(folder: string): string {
  return join(folder, 'starts.json');
}

/** What a request to the running node has to show. */
export function doorTokenPath(folder: string): string {
  return join(folder, 'door-token');
}

/** Leads a browser to the node's page. */
export function pageLinkPath(folder: string): string {
  return join(folder, 'page.html');
}

export function pausePath(folder: string): string {
  return join(folder, 'paused.json');
}

/** The stream entries that are on the device. */
export function runMarkerPath(folder: string): string {
  return join(folder, 'running');
}

/** The operator's wish that the running node gives its jobs to another consumer when it ends. */
export function handBackPath(folder: string): string {
  return join(folder, 'hand-back.json');
}

/** What became of that wish. */
export function handedBackPath(folder: string): string {
  return join(folder, 'handed-back.json');
}

/** Since when the node runs, what it runs, and how its last run ended. */
export function lastRunPath(folder: string): string {
  return join(folder, 'last-run.json');
}

/** Results that are not delivered yet. */
export function journalPath(folder: string): string {
  return join(folder, 'outbox.journal');
}

/** Results that the cloud refused. */
export function refusedDirectory(folder: string): string {
  return join(folder, 'refused');
}

/** Refused results that the operator wants delivered after all. */
export function replayDirectory(folder: string): string {
  return join(folder, 'replay');
}

/** Lists of jobs whose results the operator wants dropped. */
export function dropDirectory(folder: string): string {
  return join(folder, 'drop');
}

/** Stream entries that are no jobs. */
export function deadLettersPath(folder: string): string {
  return join(folder, 'dead-letters.jsonl');
}

/** What happened to the jobs, and when: files that grow, the oldest of which are removed. */
export function historyDirectory(folder: string): string {
  return join(folder, 'history');
}
