// Unitaries of one qubit, and how a target's own rotations make one.
import type { GateName, Target } from '../protocol/ir.ts';

const { PI, abs, atan2, cos, hypot, sin, sqrt } = Math;
/** An angle this small is rounding: it changes no amplitude by more. */
const TINY = 1e-13;

/** e^{iα}·(w − i(xX + yY + zZ)), with w² + x² + y² + z² = 1. */
export interface Turn {
  readonly alpha: number;
  readonly w: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export const NO_TURN: Turn = { alpha: 0, w: 1, x: 0, y: 0, z: 0 };

/** e^{iγ}·[[cos θ/2, −e^{iλ} sin θ/2], [e^{iφ} sin θ/2, e^{i(φ+λ)} cos θ/2]]: the `U` of OpenQASM 2, with a phase. */
export function turnOf(theta: number, phi: number, lambda: number, gamma = 0): Turn {
  const [c, s] = [cos(theta / 2), sin(theta / 2)];
  const [sum, difference] = [(phi + lambda) / 2, (phi - lambda) / 2];
  return {
    alpha: gamma + sum,
    w: c * cos(sum),
    x: -s * sin(difference),
    y: s * cos(difference),
    z: c * sin(sum),
  };
}

export function rx(theta: number): Turn {
  return { ...NO_TURN, w: cos(theta / 2), x: sin(theta / 2) };
}

export function ry(theta: number): Turn {
  return { ...NO_TURN, w: cos(theta / 2), y: sin(theta / 2) };
}

export function rz(theta: number): Turn {
  return { ...NO_TURN, w: cos(theta / 2), z: sin(theta / 2) };
}

/** diag(1, e^{iλ}). */
export function phase(lambda: number): Turn {
  return { ...rz(lambda), alpha: lambda / 2 };
}

/** First `a`, then `b`. */
export function both(a: Turn, b: Turn): Turn {
  return {
    alpha: a.alpha + b.alpha,
    w: b.w * a.w - b.x * a.x - b.y * a.y - b.z * a.z,
    x: b.w * a.x + a.w * b.x + b.y * a.z - b.z * a.y,
    y: b.w * a.y + a.w * b.y + b.z * a.x - b.x * a.z,
    z: b.w * a.z + a.w * b.z + b.x * a.y - b.y * a.x,
  };
}

export function inverseOf({ alpha, w, x, y, z }: Turn): Turn {
  return { alpha: -alpha, w, x: -x, y: -y, z: -z };
}

/** An angle in (−π, π]; one that differs only by rounding from a multiple of π/4 becomes that multiple. */
export function wrapped(angle: number): number {
  const rest = angle - 2 * PI * Math.round(angle / (2 * PI));
  const eighth = (Math.round((rest * 4) / PI) * PI) / 4;
  const neat = abs(rest - eighth) < TINY ? eighth : rest;
  return neat <= -PI ? neat + 2 * PI : neat;
}

/** As `wrapped`, without the rounding in the last digit: 0.25, not 0.25000000000000006. */
export function neatAngle(angle: number): number {
  const exact = wrapped(angle);
  return Number.isInteger((exact * 4) / PI) ? exact : Math.round(exact * 1e15) / 1e15;
}

/** A unitary as frame · diag(e^{i·zero}, e^{i·one}) · frame⁻¹. */
export interface Diagonal {
  readonly frame: Turn;
  readonly zero: number;
  readonly one: number;
}

export function diagonalOf({ alpha, w, x, y, z }: Turn): Diagonal {
  const length = hypot(x, y, z);
  if (length < TINY) return { frame: NO_TURN, zero: alpha + atan2(0, w), one: alpha + atan2(0, w) };
  // Of the two directions of the axis the one that is nearer to z: its frame is the smaller turn.
  const isTurned = z < -TINY || (abs(z) <= TINY && (x < -TINY || (abs(x) <= TINY && y < 0)));
  const sign = isTurned ? -1 : 1;
  const beta = sign * atan2(length, w);
  const [nx, ny, nz] = [(sign * x) / length, (sign * y) / length, Math.min(1, (sign * z) / length)];
  const half = sqrt((1 + Math.max(0, nz)) / 2);
  const frame = { alpha: 0, w: half, x: -ny / (2 * half), y: nx / (2 * half), z: 0 };
  const norm = hypot(frame.w, frame.x, frame.y);
  return {
    frame: { ...frame, w: frame.w / norm, x: frame.x / norm, y: frame.y / norm },
    zero: alpha - beta,
    one: alpha + beta,
  };
}

/** The principal power: the phases of the eigenvalues are taken from (−π, π]. */
export function powerOf(turn: Turn, exponent: number): Turn {
  const { frame, zero, one } = diagonalOf(turn);
  const [a, b] = [wrapped(zero) * exponent, wrapped(one) * exponent];
  const diagonal = { ...rz(b - a), alpha: (a + b) / 2 };
  return both(both(inverseOf(frame), diagonal), frame);
}

export interface Rotation {
  readonly gate: GateName;
  readonly params: readonly number[];
}

/** The fewest gates of the target that make the unitary up to a global phase, in the order of time. */
export function rotationsOf({ w, x, y, z }: Turn, target: Target): Rotation[] {
  const [s, c] = [hypot(x, y), hypot(w, z)];
  if (s < TINY) return aboutZ(neatAngle(2 * atan2(z, w)), target);
  // rz(φ)·ry(θ)·rz(λ)
  const [sum, difference] = [atan2(z, w), atan2(-x, y)];
  if (c < TINY) {
    const before = neatAngle(-2 * difference);
    return PI - abs(before) < TINY
      ? [{ gate: 'rx', params: [PI] }]
      : [...aboutZ(before, target), { gate: 'ry', params: [PI] }];
  }
  const theta = neatAngle(2 * atan2(s, c));
  let best: { before: number; turn: Rotation; after: number } | undefined;
  let least = Infinity;
  // A quarter turn of both frames makes another axis of it: y, x, −y, −x.
  for (const quarter of [0, 1, 2, 3] as const) {
    const before = neatAngle(sum - difference - (quarter * PI) / 2);
    const after = neatAngle(sum + difference + (quarter * PI) / 2);
    const turn = turned(quarter % 2 === 0 ? 'ry' : 'rx', quarter < 2 ? theta : -theta, target);
    const cost =
      Number(abs(before) >= TINY) + Number(abs(after) >= TINY) + (turn.params.length === 0 ? 0.9 : 1);
    if (cost >= least) continue;
    best = { before, turn, after };
    least = cost;
  }
  return best === undefined ? [] : [...aboutZ(best.before, target), best.turn, ...aboutZ(best.after, target)];
}

function aboutZ(angle: number, target: Target): Rotation[] {
  if (abs(angle) < TINY) return [];
  return [{ gate: target === 'cnot' ? 'virtual_z' : 'rz', params: [angle] }];
}

/** A fixed pulse, if the target has one for it. */
function turned(gate: 'rx' | 'ry', angle: number, target: Target): Rotation {
  if (target === 'cnot' && gate === 'rx' && angle === PI / 2) return { gate: 'x90', params: [] };
  if (target === 'cnot' && gate === 'ry' && angle === -PI / 2) return { gate: 'y_minus_90', params: [] };
  return { gate, params: [angle] };
}
