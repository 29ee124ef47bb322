// What is drawn for each gate: a box with a text on one wire, a control dot or the target of a CNOT on another.
import type { Gate } from '../protocol/ir.ts';

export type GateSymbol = { readonly box: string } | 'control' | 'target';

/** The characters of a text that ASCII does not have. */
export interface Signs {
  readonly pi: string;
  readonly micro: string;
}

export const UNICODE_SIGNS: Signs = { pi: 'π', micro: 'µ' };
export const ASCII_SIGNS: Signs = { pi: 'pi', micro: 'u' };

/** One symbol for each qubit of the gate, in the order of its qubits. */
export function symbolsOf({ gate, params }: Gate, signs: Signs): readonly GateSymbol[] {
  const [param = 0] = params;
  switch (gate) {
    case 'rx':
    case 'ry':
    case 'rz':
      return [{ box: `${gate}(${angleText(param, signs)})` }];
    case 'virtual_z':
      return [{ box: `vz(${angleText(param, signs)})` }];
    case 'id':
      return [{ box: `id(${nanosecondsText(param, signs)})` }];
    case 'x90':
      return [{ box: 'x90' }];
    case 'y_minus_90':
      return [{ box: 'y-90' }];
    case 'cz':
      return ['control', 'control'];
    case 'cnot':
      return ['control', 'target'];
    case 'cp':
      return ['control', { box: `p(${angleText(param, signs)})` }];
    case 'iswap':
      return [{ box: 'iswap' }, { box: 'iswap' }];
  }
}

/** Fractions of π with one of these denominators are written as such. */
const DENOMINATORS = [1, 2, 3, 4, 5, 6, 8, 12, 16, 32, 64] as const;
const LARGEST_NUMERATOR = 64;
const CLOSE = 1e-9;

/** `π/2`, `-3π/4`, `0`, else four significant digits. */
export function angleText(radians: number, { pi }: Signs): string {
  if (radians === 0) return '0';
  for (const denominator of DENOMINATORS) {
    const exact = (radians / Math.PI) * denominator;
    const numerator = Math.round(exact);
    if (numerator === 0 || Math.abs(numerator) > LARGEST_NUMERATOR || Math.abs(exact - numerator) > CLOSE)
      continue;
    const factor = Math.abs(numerator) === 1 ? '' : String(Math.abs(numerator));
    return `${numerator < 0 ? '-' : ''}${factor}${pi}${denominator === 1 ? '' : `/${denominator}`}`;
  }
  return shortNumber(radians);
}

/** `20 ns`, `1.5 µs`, without the space. */
export function nanosecondsText(nanoseconds: number, { micro }: Signs): string {
  const size = Math.abs(nanoseconds);
  if (size >= 1e9) return `${shortNumber(nanoseconds / 1e9)}s`;
  if (size >= 1e6) return `${shortNumber(nanoseconds / 1e6)}ms`;
  return size >= 1e3 ? `${shortNumber(nanoseconds / 1e3)}${micro}s` : `${shortNumber(nanoseconds)}ns`;
}

/** Four significant digits, without zeros at the end. */
function shortNumber(value: number): string {
  const text = value.toPrecision(4);
  const rounded = Number(text);
  // The largest numbers are rounded to infinity.
  return Number.isFinite(rounded) ? String(rounded) : text;
}
