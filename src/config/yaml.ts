// Reads YAML as people write it: with merge keys (`<<`), and with keys that are there twice, which are named.

export interface YamlFile {
  readonly content: unknown;
  /** Why it cannot be read. The message may quote the text; the code is a fixed word such as BAD_INDENT. */
  readonly fault: { readonly message: string; readonly code: string; readonly position: string } | undefined;
  /** Keys that a mapping has more than once. The last one counts. */
  readonly duplicates: readonly { readonly key: string; readonly position: string }[];
}

/** A position is `:line:column`, to put behind the path of the file. */
export async function readYaml(text: string): Promise<YamlFile> {
  const { isMap, isScalar, LineCounter, parseDocument, visit } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    uniqueKeys: false,
  });
  const positionOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `:${line}:${col}`;
  };
  const [error] = document.errors;
  if (error !== undefined) {
    const { message, code, pos } = error;
    return { content: undefined, fault: { message, code, position: positionOf(pos[0]) }, duplicates: [] };
  }
  const duplicates: { key: string; position: string }[] = [];
  visit(document, (_, node) => {
    if (!isMap(node)) return;
    const seen = new Set<unknown>();
    for (const { key } of node.items) {
      if (!isScalar(key) || key.source === '<<') continue;
      if (seen.has(key.value))
        duplicates.push({ key: String(key.value), position: positionOf(key.range?.[0] ?? 0) });
      seen.add(key.value);
    }
  });
  try {
    return { content: document.toJS() as unknown, fault: undefined, duplicates };
  } catch {
    // An alias without its anchor, or one that grows without end.
    const fault = { message: 'an alias cannot be resolved', code: 'ALIAS', position: '' };
    return { content: undefined, fault, duplicates };
  }
}
