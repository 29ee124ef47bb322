// Method calls to a child process, over the channel of `fork`.
import { fork, type ChildProcess } from 'node:child_process';

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
type Method = (argument: never) => unknown;

/** In the child: answers the parent's calls with the methods of `api`, and ends with the parent. */
export function serve(api: object): void {
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group; the parent decides when this ends.
  process.on('SIGINT', () => {});
  process.on('message', (question: Question) => {
    void answerTo(question, api).then((answer) => process.send?.(answer));
  });
}

async function answerTo({ id, name, argument }: Question, api: object): Promise<Answer> {
  try {
    const method = Reflect.get(api, name) as (argument: unknown) => unknown;
    return { id, value: await Reflect.apply(method, api, [argument]) };
  } catch (thrown) {
    return { id, error: String(thrown) };
  }
}

/** In the parent: a process whose methods are called by name. */
export class Remote<Api extends { readonly [K in keyof Api]: Method }> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #end = (): void => void this.#child.kill('SIGKILL');
  #calls = 0;

  constructor(module: string) {
    this.#child = fork(module, { serialization: 'advanced' });
    this.#child.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#child.on('exit', () => {
      for (const [id, resolve] of this.#waiting) resolve({ id, error: `${module} has ended` });
    });
    process.on('exit', this.#end);
  }

  call<Name extends keyof Api & string>(
    name: Name,
    ...[argument]: Parameters<Api[Name]>
  ): Promise<Awaited<ReturnType<Api[Name]>>> {
    const id = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ value, error }) => {
        this.#waiting.delete(id);
        if (error !== undefined) reject(new Error(error));
        else resolve(value as Awaited<ReturnType<Api[Name]>>);
      });
      this.#child.send({ id, name, argument });
    });
  }

  close(): void {
    process.off('exit', this.#end);
    this.#child.kill('SIGKILL');
  }
}
