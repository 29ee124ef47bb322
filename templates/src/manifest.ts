// What a project needs in a package.json that is already there.

type Entries = Record<string, string>;

export interface Manifest {
  scripts?: Entries;
  dependencies?: Entries;
  devDependencies?: Entries;
  peerDependencies?: Entries;
  files?: string[];
  exports?: unknown;
  main?: unknown;
  [key: string]: unknown;
}

export interface MergedManifest {
  readonly manifest: Manifest;
  /** What is there and would have to be another thing, one sentence each. */
  readonly conflicts: readonly string[];
  /** What its owner should know. */
  readonly notes: readonly string[];
}

const ENTRY = './executor-factory';
/** Whoever has them has chosen them. */
const OWN = new Set(['name', 'version', 'description', 'keywords', 'private', 'license', 'engines']);
const DEPENDENCIES = ['dependencies', 'devDependencies', 'peerDependencies'] as const;

/** `present` with all that `wanted` has. Where both have it, `present` stays, unless `overwrite` is set. */
export function mergedManifest(present: Manifest, wanted: Manifest, overwrite: boolean): MergedManifest {
  const manifest: Manifest = { ...present };
  const conflicts: string[] = [];
  const notes: string[] = [];
  const settle = (where: string, have: unknown, want: unknown): boolean => {
    if (have === undefined || overwrite) return true;
    if (JSON.stringify(have) !== JSON.stringify(want)) {
      conflicts.push(`${where} is ${JSON.stringify(have)}, and would be ${JSON.stringify(want)}`);
    }
    return false;
  };

  for (const [key, value] of Object.entries(wanted)) {
    if (OWN.has(key)) manifest[key] = present[key] ?? value;
    else if (
      !['scripts', 'exports', 'files', ...DEPENDENCIES].includes(key) &&
      settle(key, present[key], value)
    ) {
      manifest[key] = value;
    }
  }
  if (wanted.scripts !== undefined) {
    const scripts = { ...present.scripts };
    for (const [name, value] of Object.entries(wanted.scripts)) {
      if (settle(`scripts.${name}`, scripts[name], value)) scripts[name] = value;
    }
    manifest.scripts = scripts;
  }
  for (const section of DEPENDENCIES) {
    const missing = Object.entries(wanted[section] ?? {}).filter(([name]) => {
      const places = section === 'peerDependencies' ? [section] : DEPENDENCIES.slice(0, 2);
      return places.every((place) => present[place]?.[name] === undefined);
    });
    if (missing.length > 0) {
      const all = [...Object.entries(present[section] ?? {}), ...missing];
      manifest[section] = Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }
  }
  if (present.files !== undefined && wanted.files !== undefined) {
    manifest.files = [...new Set([...present.files, ...wanted.files])];
  }
  addExports(manifest, wanted, settle, notes);
  return { manifest, conflicts, notes };
}

function addExports(
  manifest: Manifest,
  wanted: Manifest,
  settle: (where: string, have: unknown, want: unknown) => boolean,
  notes: string[],
): void {
  const { exports: present, main } = manifest;
  if (!isPaths(wanted.exports)) return;
  const entry = wanted.exports[ENTRY];
  if (present === undefined && (main === undefined || entry === undefined)) {
    manifest.exports = wanted.exports;
  } else if (present === undefined || !isPaths(present)) {
    // To add it would hide all other files of the package, or change what it exports.
    notes.push(
      `package.json: before you publish the package, add to its exports: "${ENTRY}": ${JSON.stringify(entry)}`,
    );
  } else {
    const exports = { ...present };
    for (const [path, value] of Object.entries(wanted.exports)) {
      if (path === './package.json' && exports[path] !== undefined) continue;
      if (settle(`exports["${path}"]`, exports[path], value)) exports[path] = value;
    }
    manifest.exports = exports;
  }
}

/** Not a path alone, and not conditions such as `import`. */
function isPaths(exports: unknown): exports is Record<string, unknown> {
  return (
    typeof exports === 'object' &&
    exports !== null &&
    Object.keys(exports).every((path) => path.startsWith('.'))
  );
}
