// The options beside an executor in the configuration: `executor: ['my-package', { … }]`.
import { ExecutorError } from '../../src/index.ts';
import { isRecord, kindOf, type ExecutorOptions, type ExecutorRecipe } from '../../src/kit.ts';

/** An executor and the options beside it. Throws an ExecutorError for a list that is not such a pair. */
export function parted(
  value: unknown,
  source: string,
): { value: unknown; options: ExecutorOptions | undefined } {
  if (!Array.isArray(value)) return { value, options: undefined };
  const [executor, options, ...rest]: unknown[] = value;
  const remedy = "Write: executor: ['my-package', { … }]";
  if (value.length < 2 || rest.length > 0) {
    throw new ExecutorError(`${source} is a list of ${value.length}, and not [executor, options]`, {
      remedy,
    });
  }
  if (isRecord(options)) return { value: executor, options };
  throw new ExecutorError(`the options of ${source} must be an object, but are ${kindOf(options)}`, {
    remedy,
  });
}

/** Hands the options to the factory, and warns if it has looked at none: nobody can see from outside which it takes. */
export function givenOptions(
  { create, ...rest }: ExecutorRecipe,
  options: ExecutorOptions,
  where: string,
): ExecutorRecipe {
  return {
    ...rest,
    create: async (settings, context) => {
      const { log, deviceError } = context;
      let isRead = false;
      const executor = await create(settings, {
        log,
        deviceError,
        get options() {
          isRead = true;
          return options;
        },
        // Not read here: it may be broken, and then fails who reads it.
        get device() {
          return context.device;
        },
      });
      const names = Object.keys(options).join(', ');
      if (!isRead && names !== '') {
        log.warn(
          `the factory has not read its options (${names}; ${where}). Take them as (settings, { options }), or remove them`,
        );
      }
      return executor;
    },
  };
}
