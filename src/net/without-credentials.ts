// Masks what looks like credentials in a text of others, such as an error of the cloud, which may quote a token.
import { maskUrlPasswords } from '../log.ts';

const JWT = /\beyJ[\w-]+\.[\w-]+\.[\w-]+/g;

/** `text` without JWTs and the passwords of URLs. */
export function withoutCredentials(text: string): string {
  return maskUrlPasswords(text.replace(JWT, '***'));
}
