// What the terminal can show, as far as its environment tells.

/** Whether texts may have characters that ASCII does not have. No locale at all, as in containers, counts as UTF-8. */
export function isUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'];
  return !locale || /utf-?8/i.test(locale);
}
