// Where an entry of `plugins` is, for errors.

export interface Place {
  /** `plugins[2]` */
  readonly position: string;
  /** The config file. */
  readonly file: string;
}

/** `plugins[2] in /lab/coda.config.ts` */
export function whereOf({ position, file }: Place): string {
  return `${position} in ${file}`;
}
