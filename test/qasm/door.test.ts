// The door `coda-node/qasm`: what it exports, and that a node does not load it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import type * as coda from '../../src/index.ts';
import * as qasm from '../../src/qasm/index.ts';

describe('coda-node/qasm', () => {
  it('exports the same names bundled as compiled, and errors of the family', async () => {
    const bundled = (await import(resolve('dist', 'bundle', 'qasm.js'))) as typeof qasm;
    assert.deepEqual(Object.keys(bundled).toSorted(), Object.keys(qasm).toSorted());
    const { CodaError } = (await import(resolve('dist', 'bundle', 'index.js'))) as typeof coda;
    assert.throws(
      () => bundled.parseQasm('qubit q; h q;', { target: 'cz' }),
      (thrown) => thrown instanceof bundled.QasmError && thrown instanceof CodaError,
    );
    const bell = 'qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;';
    const { circuit } = bundled.parseQasm(bell, { target: 'iswap', compile: true });
    assert.match(bundled.printQasm(circuit), /iswap q\[0\], q\[1\];/);
  });

  it('is loaded by what needs it, when it is needed: no other file of the node imports it at its start', () => {
    const files = ['src', 'plugins'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((name) => join(folder, name))
        .filter((file) => file.endsWith('.ts') && !file.startsWith('src/qasm/')),
    );
    const importing = files.filter((file) =>
      /^(?:import(?! type)|export)\b[^;]*\bfrom '[^']*\/qasm\/(?!read-circuit\.ts')[^']*'/m.test(
        readFileSync(file, 'utf8'),
      ),
    );
    assert.deepEqual(importing, []);
    // It takes both formats, and loads the reader of OpenQASM only for that.
    assert.doesNotMatch(readFileSync('src/qasm/read-circuit.ts', 'utf8'), /^import(?! type)[^;]*from '\.\//m);
  });
});
