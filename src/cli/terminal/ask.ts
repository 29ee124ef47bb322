// Asks the person at the terminal.

/** Whether the answer is yes. */
export async function ask(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({
    input: process.stdin,
    output: process.stdout,
    // Else it writes codes of the terminal.
    terminal: false,
  });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
