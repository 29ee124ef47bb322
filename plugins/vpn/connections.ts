// `<connection>` blocks, each with one remote: written as `remote` lines, which mean the same.
import type { Statement } from './statement.ts';

export interface Connection {
  /** Of the line that opens the block. */
  readonly index: number;
  readonly statements: readonly Statement[];
}

/** What we take in such a block, of what OpenVPN takes there. */
export const IN_CONNECTION: ReadonlySet<string> = new Set([
  'remote',
  'port',
  'rport',
  'proto',
  'nobind',
  'lport',
  'float',
  'connect-retry',
  'connect-timeout',
  'server-poll-timeout',
  'explicit-exit-notify',
  'tun-mtu',
  'mssfix',
  'fragment',
]);
const ABOUT_REMOTE = new Set(['remote', 'port', 'rport', 'proto']);
const DEFAULT_PORT = '1194';

/** The blocks as lines of the whole profile, whose other lines are `around`. A text says why that cannot be done. */
export function connectionsAsRemotes(
  connections: readonly Connection[],
  around: readonly Statement[],
): readonly Statement[] | string {
  const remotes: Statement[] = [];
  const others = connections.map(({ statements }) => statements.filter((one) => !ABOUT_REMOTE.has(one.name)));
  const [first = []] = others;
  if (others.some((one) => textOf(one) !== textOf(first)))
    return 'the blocks differ in more than the remote; the node cannot keep them apart';
  for (const { statements } of connections) {
    const remote = statements.filter(({ name }) => name === 'remote');
    const [host, port, proto] = remote[0]?.words ?? [];
    if (remote.length !== 1 || host === undefined) return `it has ${remote.length} remotes, not one`;
    const ownProto = proto ?? valueOf(statements, 'proto');
    const ownPort = port ?? valueOf(statements, 'rport') ?? valueOf(statements, 'port');
    const nextPort = valueOf(around, 'rport') ?? valueOf(around, 'port') ?? DEFAULT_PORT;
    const words =
      ownProto !== undefined
        ? [host, ownPort ?? nextPort, ownProto]
        : ownPort !== undefined
          ? [host, ownPort]
          : [host];
    remotes.push({ name: 'remote', words });
  }
  return [...remotes, ...first];
}

function valueOf(statements: readonly Statement[], name: string): string | undefined {
  return statements.find((one) => one.name === name)?.words[0];
}

function textOf(statements: readonly Statement[]): string {
  return statements
    .map(({ name, words }) => [name, ...words].join(' '))
    .toSorted()
    .join('\n');
}
