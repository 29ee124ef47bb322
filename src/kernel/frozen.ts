// Freezes what is handed to plugins, so that a change that would have no effect, or a wrong one, throws where it is made.

/** `value`, which is frozen with all that is in it: plain data, without circles. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFrozen(part);
  return value;
}
