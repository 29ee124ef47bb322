// The words of the language, and those of its constructs that a circuit of NativeGateIR cannot have, with what to do.

/** Words that declare or define, also in OpenQASM 2. */
export const DEFINING_WORDS: ReadonlySet<string> = new Set([
  ...['OPENQASM', 'include', 'qreg', 'creg', 'gate', 'opaque', 'measure', 'reset', 'barrier', 'if'],
]);

const CLASSICAL =
  'A circuit is fixed before it runs: no gate may depend on what was measured or computed meanwhile.';

/** Why a statement is not taken, by its first word, and what to do. */
export const REFUSED_STATEMENTS: ReadonlyMap<string, readonly [message: string, hint: string]> = new Map([
  ['if', ["'if' (classical control) is not taken", CLASSICAL]],
  ['else', ["'else' (classical control) is not taken", CLASSICAL]],
  ['while', ["'while' (classical control) is not taken", CLASSICAL]],
  ['switch', ["'switch' (classical control) is not taken", CLASSICAL]],
  ['case', ["'case' (classical control) is not taken", CLASSICAL]],
  ['default', ["'default' (classical control) is not taken", CLASSICAL]],
  ['break', ["'break' (classical control) is not taken", CLASSICAL]],
  ['continue', ["'continue' (classical control) is not taken", CLASSICAL]],
  ['return', ["'return' (of a subroutine) is not taken", 'Write a gate in place of the subroutine.']],
  ['end', ["'end' is not taken", 'Leave out what would follow it.']],
  ['def', ["'def' (a subroutine) is not taken", 'Write it as a gate, or write out what it does.']],
  [
    'extern',
    ["'extern' (a function of the host) is not taken", 'Compute the value before, and write it here.'],
  ],
  ['input', ["'input' (a parameter of the program) is not taken", 'Write its value here, as a const.']],
  ['output', ["'output' is not taken", 'Leave the word out: every bit that is measured is in the result.']],
  ['cal', ["'cal' (pulses) is not taken", 'Use the gates of the target.']],
  ['defcal', ["'defcal' (pulses) is not taken", 'Leave it out: the device has its own calibrations.']],
  [
    'defcalgrammar',
    ["'defcalgrammar' (pulses) is not taken", 'Leave it out: the device has its own calibrations.'],
  ],
  ['stretch', ["'stretch' (a time that is solved for) is not taken", 'Write the time as a constant.']],
  ['complex', ["'complex' numbers are not taken", 'Use float or angle.']],
  ['array', ["'array' is not taken", 'Use single constants.']],
  ['readonly', ["'readonly' is not taken", 'Use const.']],
  ['mutable', ["'mutable' is not taken", 'Use const.']],
  ['nop', ["'nop' is not taken", 'Leave it out: it does nothing.']],
]);

/** Types of values. */
export const VALUE_TYPES: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'float',
  'angle',
  'bool',
  'duration',
]);

/** What OpenQASM 3 has added. */
export const WORDS_OF_3: ReadonlySet<string> = new Set([
  ...[
    'qubit',
    'bit',
    'const',
    'let',
    'for',
    'box',
    'delay',
    'pragma',
    'ctrl',
    'negctrl',
    'inv',
    'pow',
    'gphase',
  ],
  ...VALUE_TYPES,
  ...[...REFUSED_STATEMENTS.keys()].filter((word) => word !== 'if'),
]);

/** No name may be one of these. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set([
  ...DEFINING_WORDS,
  ...WORDS_OF_3,
  ...['in', 'void', 'durationof', 'true', 'false', 'pi', 'tau', 'euler', 'π', 'τ', 'ℇ'],
]);
