// Small helpers for the DOM: elements, texts that are written only if they changed, lists whose elements stay while their
// items do, and one drawing a frame.

export type Child = Node | string | undefined;

/** Attributes by name; `on` has listeners. Nothing here becomes HTML: a text is only ever a text. */
export interface Attributes {
  readonly [name: string]: string | number | boolean | undefined;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  return furnish(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[K] {
  return furnish(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

function furnish<T extends Element>(element: T, attributes: Attributes, children: readonly Child[]): T {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** `false` and undefined remove it. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else {
    const text = value === true ? '' : String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** An element of index.html. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`index.html has no #${id}`);
  return element;
}

/** The same text is not written again: a screen reader and a selection are not disturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, isShown: boolean): void {
  if (element.hidden === isShown) element.hidden = !isShown;
}

export interface KeyedList<T, E extends Element> {
  readonly key: (item: T) => string;
  readonly create: (item: T) => E;
  readonly update?: (element: E, item: T) => void;
}

/** Shows a list of items in `parent`. The element of an item that stays is kept, with its focus, and is not moved if it need
 *  not be. */
export function keyedList<T, E extends Element>(
  parent: Element,
  { key, create, update }: KeyedList<T, E>,
): (items: readonly T[]) => void {
  let shown = new Map<string, E>();
  return (items) => {
    const next = new Map<string, E>();
    for (const item of items) {
      const name = key(item);
      const element = shown.get(name) ?? create(item);
      update?.(element, item);
      next.set(name, element);
    }
    for (const [name, element] of shown) if (!next.has(name)) element.remove();
    let at = parent.firstElementChild;
    for (const element of next.values()) {
      if (element === at) at = at.nextElementSibling;
      else parent.insertBefore(element, at);
    }
    shown = next;
  };
}

/** However often it is asked for, `draw` is called once in the next frame. */
export function onceAFrame(draw: () => void): () => void {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
}

/** A colour of the style sheet, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls `listener` when the reader's theme changes. */
export function onTheme(listener: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener);
}
