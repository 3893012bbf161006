/** A regular file of a tree. */
export interface ScannedFile {
  /** Relative to the root of the tree. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

/** Bytes of a file, wherever in it. Disposing of it closes the file. */
export interface FileReader extends AsyncDisposable {
  /** As many bytes as there are of those asked for. */
  read(offsetBytes: number, lengthBytes: number): Promise<Uint8Array>;
}

/** A tree that is looked through: what lies where is known, only files that say something are opened. */
export interface ScannedTree {
  /** All regular files, sorted. */
  files(): Iterable<ScannedFile>;
  /** Whether anything is at `path`. */
  has(path: string): boolean;
  /** The regular file that `path` leads to, links followed. */
  find(path: string): ScannedFile | undefined;
  open(file: ScannedFile): Promise<FileReader>;
}

/** Which system a tree is of, as its `os-release` says. */
export interface Distribution {
  /** `debian`; lower case. */
  readonly id: string;
  /** `12`; empty where there is none. */
  readonly version: string;
  /** As people call it. */
  readonly name: string;
}

/** A package that is installed in a tree. */
export interface FoundPackage {
  readonly name: string;
  /** Empty: nobody says. */
  readonly version: string;
  /** @see https://github.com/package-url/purl-spec */
  readonly url: string;
  /** Path of the file that says so. */
  readonly foundIn: string;
  /** As it is written there; of several, all hold. */
  readonly license?: string | readonly string[] | undefined;
  /** Who has packed it: `Name <address>`, or one of both. */
  readonly supplier?: string | undefined;
  readonly isSupplierOrganization?: boolean;
  readonly homepage?: string | undefined;
}

/** The tree that a catalog lies in. */
export interface Surroundings {
  readonly tree: ScannedTree;
  readonly distribution: Distribution | undefined;
}

/** One way in which packages are written down. */
export interface Catalog {
  /** As people call it. */
  readonly name: string;
  /** Whether a file says something of packages. Only looks at where it lies, for it is asked of all. */
  wants(file: ScannedFile, tree: Pick<ScannedTree, "has">): boolean;
  /**
   * Reads packages out of a file.
   * @throws {Error} when it is not what it should be
   */
  read(file: ScannedFile, reader: FileReader, surroundings: Surroundings): Promise<readonly FoundPackage[]>;
}
