// Draws for a node, which loads what draws only now.
import type { Drawable } from './layout.ts';
import type { SvgOptions } from './svg.ts';

/** A circuit as an SVG document. */
export async function circuitSvg(circuit: Drawable, options: SvgOptions): Promise<string> {
  const [{ layOut }, { drawSvg }] = await Promise.all([import('./layout.ts'), import('./svg.ts')]);
  return drawSvg(layOut(circuit), options);
}
