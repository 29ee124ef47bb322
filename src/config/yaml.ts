// Reads YAML as people write it: with merge keys (`<<`), and with keys that are there twice, which are named.

export interface YamlFile {
  readonly content: unknown;
  /** Why it cannot be read. The message may quote the text; the code is a fixed word such as BAD_INDENT. */
  readonly fault: { readonly message: string; readonly code: string; readonly position: string } | undefined;
  /** Keys that a mapping has more than once. The last one counts. */
  readonly duplicates: readonly { readonly key: string; readonly position: string }[];
  /** Where what is at the end of these keys stands: of what is not there, where the nearest mapping or list around it does. */
  readonly positionOf: (keys: readonly (string | number)[]) => string;
}

/** What to do about a fault. The parser says which rule is broken, and often one line late. */
export const YAML_REMEDY =
  'Look at that line and the one before it: an entry is `name: value` with a space after the colon, entries of one level ' +
  'begin in the same column, without tabs, and each bracket and quote is closed.';

/** A position is `:line:column`, to put behind the path of the file. */
export async function readYaml(text: string): Promise<YamlFile> {
  const { isMap, isNode, isScalar, LineCounter, parseDocument, visit } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    uniqueKeys: false,
  });
  const positionAt = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `:${line}:${col}`;
  };
  const positionOf = (keys: readonly (string | number)[]): string => {
    for (let length = keys.length; length > 0; length -= 1) {
      const found: unknown = document.getIn(keys.slice(0, length), true);
      if (isNode(found) && found.range) return positionAt(found.range[0]);
    }
    return '';
  };
  const [error] = document.errors;
  if (error !== undefined) {
    const { message, code, pos } = error;
    return {
      content: undefined,
      fault: { message, code, position: positionAt(pos[0]) },
      duplicates: [],
      positionOf,
    };
  }
  const duplicates: { key: string; position: string }[] = [];
  visit(document, (_, node) => {
    if (!isMap(node)) return;
    const seen = new Set<unknown>();
    for (const { key } of node.items) {
      if (!isScalar(key) || key.source === '<<') continue;
      if (seen.has(key.value))
        duplicates.push({ key: String(key.value), position: positionAt(key.range?.[0] ?? 0) });
      seen.add(key.value);
    }
  });
  try {
    return { content: document.toJS() as unknown, fault: undefined, duplicates, positionOf };
  } catch {
    // An alias without its anchor, or one that grows without end.
    const fault = { message: 'an alias cannot be resolved', code: 'ALIAS', position: '' };
    return { content: undefined, fault, duplicates, positionOf };
  }
}
