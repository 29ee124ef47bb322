// What the operator may do here, with the token of the link that `coda page` prints. It is kept for this tab alone.
import type { ActionAnswer, Actions } from '../api.ts';
import { byId, setText } from './dom.ts';
import { ask, errorText } from './feed.ts';

const KEY = 'coda-token';
const MESSAGE_MS = 10_000;

const token = takeToken();
// The link of `coda page` in a tab that has the page already is no other address to the browser: it loads nothing.
addEventListener('hashchange', () => {
  if (givenToken() === null) return;
  takeToken();
  location.reload();
});

/** Whether this tab has a token. That it is still right is seen at the first action. */
export function hasToken(): boolean {
  return token !== null;
}

function givenToken(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token') || null;
}

/** Out of the address bar: the address may be copied, and is in the history of the browser. */
function takeToken(): string | null {
  const given = givenToken();
  if (given === null) return sessionStorage.getItem(KEY);
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, '', location.pathname + location.search);
  return given;
}

/** Rejects with an error for the reader. */
export async function act<K extends keyof Actions>(
  name: K,
  body: Actions[K],
  signal?: AbortSignal,
): Promise<ActionAnswer> {
  return ask<ActionAnswer>(`/page/actions/${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token ?? ''}` },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Does it, and says how it ended in the line at the top of the page. True if it was done. */
export async function perform<K extends keyof Actions>(
  button: HTMLButtonElement,
  name: K,
  body: Actions[K],
): Promise<boolean> {
  button.disabled = true;
  try {
    say((await act(name, body)).text);
    return true;
  } catch (thrown) {
    say(errorText(thrown), true);
    return false;
  } finally {
    button.disabled = false;
  }
}

let hideMessage: ReturnType<typeof setTimeout> | undefined;

/** One line at the top; an error stays until the next one. */
export function say(text: string, isError = false): void {
  const line = byId('message');
  clearTimeout(hideMessage);
  line.className = isError ? 'message bad' : 'message good';
  setText(line, text);
  if (!isError) hideMessage = setTimeout(() => setText(line, ''), MESSAGE_MS);
}

/** Asks before what cannot be undone. */
export async function confirmed(question: string, verb: string): Promise<boolean> {
  const dialog = byId('ask') as HTMLDialogElement;
  setText(byId('ask-text'), question);
  setText(byId('ask-yes'), verb);
  dialog.returnValue = 'no';
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'yes';
}
