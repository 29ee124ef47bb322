// Services that plugins share: declared by typed keys, provided once, checked at boot.
import { PluginError } from '../errors.ts';

declare const serviceType: unique symbol;

/** Names a service and carries its type. Both sides import the same key. */
export interface ServiceKey<T> {
  readonly name: string;
  readonly [serviceType]?: T;
}

export function serviceKey<T>(name: string): ServiceKey<T> {
  return { name };
}

export class Services {
  readonly #provided = new Map<string, { plugin: string; value: unknown }>();
  readonly #required = new Map<string, string>();
  readonly #applying: () => string | undefined;

  constructor(applying: () => string | undefined) {
    this.#applying = applying;
  }

  /** Offers a service to the other plugins; call it in `apply`. */
  provide<T>(key: ServiceKey<T>, value: T): void {
    const plugin = this.#applying() ?? key.name;
    const other = this.#provided.get(key.name);
    if (other !== undefined) {
      throw new PluginError(
        `plugin '${plugin}' provides service '${key.name}', which plugin '${other.plugin}' provides already`,
        {
          plugin,
          remedy: 'Switch one of the two off in the configuration.',
        },
      );
    }
    this.#provided.set(key.name, { plugin, value });
  }

  /** Declares in `apply` that a service is needed, and returns how to get it once every plugin is applied. */
  require<T>(key: ServiceKey<T>): () => T {
    this.#required.set(key.name, this.#applying() ?? key.name);
    return () => {
      const entry = this.#provided.get(key.name);
      if (entry === undefined) throw this.#missing(key.name);
      return entry.value as T;
    };
  }

  /** An optional service; undefined if no plugin provides it. */
  find<T>(key: ServiceKey<T>): T | undefined {
    return this.#provided.get(key.name)?.value as T | undefined;
  }

  /** Throws a PluginError that names both sides if a required service is not provided. */
  check(): void {
    for (const name of this.#required.keys()) {
      if (!this.#provided.has(name)) throw this.#missing(name);
    }
  }

  #missing(service: string): PluginError {
    const plugin = this.#required.get(service) ?? service;
    const offered = [...this.#provided].map(([name, entry]) => `'${name}' (${entry.plugin})`).join(', ');
    return new PluginError(`plugin '${plugin}' requires service '${service}', which no plugin provides`, {
      plugin,
      remedy: `Add the plugin that provides it. Provided: ${offered === '' ? 'nothing' : offered}.`,
    });
  }
}
