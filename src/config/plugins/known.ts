// The packages whose options the types of a config know. Their own file, since index.ts has to export all of it with `*`:
// a declaration of a package does not reach an interface that is exported by its name.

import type { BuiltinOptions } from './builtin-options.ts';

/**
 * The options of the built-in plugins, and of those in packages by the names of the packages. A package adds itself, once:
 *
 *     declare module 'coda-node' {
 *       interface PluginOptions { 'coda-plugin-lab': typeof plugin }
 *     }
 *
 * where `plugin` is what definePlugin returned. For a class or a factory it names the type of the options instead.
 */
export interface PluginOptions extends BuiltinOptions {}
