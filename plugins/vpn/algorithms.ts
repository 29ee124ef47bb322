// Which algorithms a profile may ask for: what OpenVPN still offers for old servers, but does not protect, is not taken.

const CIPHER = /^(?:AES-(?:128|192|256)-(?:GCM|CBC)|CAMELLIA-(?:128|192|256)-CBC|CHACHA20-POLY1305)$/i;
const WEAK_DIGEST = /^(?:none|(?:RSA-)?(?:MD4|MD5|MDC2)|.*MD5.*)$/i;
/** What an OpenSSL list must not ask for, unless it takes it away with ! or -. */
const WEAK_SUITE =
  /NULL|EXP(?:ORT|-|$)|\bLOW\b|\bALL\b|COMPLEMENT|RC2|RC4|DES|MD5|ADH|AECDH|ANON|IDEA|SEED|PSK|SRP|SECLEVEL=[01]\b/i;

export interface Hardened {
  /** What is left of the value; undefined if the directive is left out. */
  readonly words: readonly string[] | undefined;
  readonly why: string;
}

/** `none` switches the protection off; a name that is only weak is left out, see `withoutWeakCiphers`. */
export function cipherFault(list: string): string | undefined {
  return list.split(':').some((name) => /^(?:none|null.*)$/i.test(name))
    ? 'without a cipher everybody on the way can read the traffic'
    : undefined;
}

export function digestFault(name: string): string | undefined {
  return WEAK_DIGEST.test(name) ? 'it does not protect the traffic; use SHA256' : undefined;
}

export function withoutWeakCiphers([list = '']: readonly string[]): Hardened | undefined {
  const names = list.split(':');
  const strong = names.filter((name) => CIPHER.test(name));
  if (strong.length === names.length) return undefined;
  return {
    words: strong.length === 0 ? undefined : [strong.join(':')],
    why: `${names.filter((name) => !CIPHER.test(name)).join(', ')} is weak or unknown; AES-GCM is offered to the server`,
  };
}

export function withoutWeakSuites([list = '']: readonly string[]): Hardened | undefined {
  const weak = list.split(':').find((suite) => !/^[!-]/.test(suite) && WEAK_SUITE.test(suite));
  return weak === undefined
    ? undefined
    : { words: undefined, why: `${weak} is weak; OpenVPN's own list is used` };
}
