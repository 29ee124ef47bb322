// The files of the page, as the build has made them: beside the bundle. Read when somebody first opens the page.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'koa';
import { RefusedError } from './answering.ts';

const TYPES = { 'index.html': 'html', 'app.js': 'js', 'app.css': 'css' };
type Name = keyof typeof TYPES;

interface Asset {
  readonly body: Buffer;
  readonly etag: string;
}

export class Assets {
  readonly #read = new Map<Name, Promise<Asset>>();

  async answer(ctx: Context, name: string): Promise<void> {
    if (!isName(name)) throw new RefusedError(404, `the page has no file of this name`);
    const { body, etag } = await this.#get(name);
    // Another version of the node has other files of the same names.
    ctx.set('cache-control', 'no-cache');
    ctx.etag = etag;
    ctx.status = 200;
    ctx.type = TYPES[name];
    if (ctx.fresh) ctx.status = 304;
    else ctx.body = body;
  }

  #get(name: Name): Promise<Asset> {
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    const reading = read(name);
    this.#read.set(name, reading);
    reading.catch(() => this.#read.delete(name));
    return reading;
  }
}

function isName(name: string): name is Name {
  return Object.hasOwn(TYPES, name);
}

async function read(name: Name): Promise<Asset> {
  const path = join(folder(), name);
  const body = await readFile(path).catch(() => {
    throw new RefusedError(503, `${path} is missing`, 'Install coda-node again.');
  });
  return { body, etag: createHash('sha256').update(body).digest('base64url').slice(0, 22) };
}

/** In the bundle, or in the build that it is made from. */
function folder(): string {
  const places = ['./page', '../../bundle/page'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return places.find((path) => existsSync(join(path, 'index.html'))) ?? places[0] ?? '';
}
