// One write to Redis: which state it writes, what is left of it once a newer one is there, and whether it may be repeated.

export interface Write {
  readonly command: 'hset' | 'xack' | 'del';
  readonly key: string;
  /** HSET: field, value, …; XACK: group, id, …; DEL: none */
  readonly args: string[];
  readonly resolves: (() => void)[];
  /** Not sent (again). */
  isWithdrawn?: boolean;
}

export function isCancel(write: Write): boolean {
  return stateIn(write) === 'cancelled';
}

/** The state that it writes, if it writes one. */
export function stateIn({ command, args }: Pick<Write, 'command' | 'args'>): string | undefined {
  return command === 'hset' ? args[args.lastIndexOf('state') + 1] : undefined;
}

/** The entry whose start it writes. */
export function entryIn({ args }: Write): string {
  return args[args.lastIndexOf('message_id') + 1] ?? '';
}

export function resolved({ resolves }: Write): void {
  for (const resolve of resolves) resolve();
}

/** For the log. */
export function whatOf({ command, key, args }: Write): string {
  if (command === 'del') return `the removal of ${key}`;
  if (command === 'xack') return `the acknowledgement of ${args.length - 1} messages (${key})`;
  return `the state '${stateIn({ command, args }) ?? ''}' (${key})`;
}

/** Concerns only this state: the right to write states is missing, or the key is of another type. */
export function isRefused({ command }: Write, fault: string): boolean {
  return command === 'hset' && /^(WRONGTYPE|NOPERM)/.test(fault);
}

/** Repeating does not help: the stream is gone, or keys must not be removed. */
export function isFinal({ command }: Write, fault: string): boolean {
  return (
    (command === 'xack' && fault.startsWith('WRONGTYPE')) || (command === 'del' && fault.startsWith('NOPERM'))
  );
}

/** A repeated write must not undo a later one of the same hash; undefined if nothing of it is left. */
export function withoutFields(write: Write, fields: ReadonlySet<string> | undefined): Write | undefined {
  if (fields === undefined || write.command !== 'hset') return write;
  const args: string[] = [];
  for (let i = 0; i < write.args.length; i += 2) {
    const [field, value] = [write.args[i] ?? '', write.args[i + 1] ?? ''];
    if (!fields.has(field)) args.push(field, value);
  }
  return args.length > 0 ? { ...write, args } : undefined;
}

export function rememberFields(newer: Map<string, Set<string>>, { key, args }: Write): void {
  const fields = newer.get(key) ?? new Set<string>();
  for (const name of namesOf({ args })) fields.add(name);
  newer.set(key, fields);
}

/** The fields that a state sets. */
export function namesOf({ args }: Pick<Write, 'args'>): string[] {
  return args.filter((_, i) => i % 2 === 0);
}
