// The part of cosmiconfig that we use. It is private there, so package.json pins the version.
declare module 'cosmiconfig/dist/Explorer.js' {
  type Loader = (path: string, content: string) => Promise<unknown>;

  export class Explorer {
    constructor(options: {
      readonly moduleName: string;
      readonly packageProp: string;
      readonly searchPlaces: readonly string[];
      readonly cache: boolean;
      readonly mergeImportArrays: boolean;
      readonly applyPackagePropertyPathToConfiguration: boolean;
      readonly transform: (result: unknown) => unknown;
      readonly loaders: Readonly<Record<string, Loader>>;
    });
    load(path: string): Promise<{ readonly config?: unknown } | null>;
  }
}
