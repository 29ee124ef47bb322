// A choice between a few names, as a row of buttons of which one is pressed.
import { h, setAttribute } from './dom.ts';

export function choice<N extends string>(
  group: Element,
  names: readonly N[],
  first: N,
  onChoice: (name: N) => void,
): void {
  const buttons = names.map((name) => {
    const button = h('button', { type: 'button', 'aria-pressed': String(name === first) }, name);
    button.addEventListener('click', () => {
      for (const other of buttons) setAttribute(other, 'aria-pressed', String(other === button));
      onChoice(name);
    });
    return button;
  });
  group.append(...buttons);
}
