// Which plugin a module belongs to: by its file, or by its package.
import type { LoadedPlugin } from './load.ts';

/** The innermost package that a file is in. */
const PACKAGE = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/;

export class PluginFiles {
  /** By file, and by the folder of a package. */
  readonly #names = new Map<string, Set<string>>();

  constructor(plugins: readonly LoadedPlugin[]) {
    for (const { plugin, file } of plugins) {
      const key = keyOf(file);
      const names = this.#names.get(key) ?? new Set();
      this.#names.set(key, names.add(plugin.name));
    }
  }

  /** The name in quotes; several if they are in one file. Undefined if the file is of no plugin. */
  pluginOf(file: string): string | undefined {
    const names = this.#names.get(keyOf(file));
    return names === undefined ? undefined : [...names].map((name) => `'${name}'`).join(' or ');
  }
}

function keyOf(file: string): string {
  return PACKAGE.exec(file)?.[0] ?? file;
}
