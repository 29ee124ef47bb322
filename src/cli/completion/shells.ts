/** The shells that can complete `coda`. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
