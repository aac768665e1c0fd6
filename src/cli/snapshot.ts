/** `weft snapshot save|restore FILE`: all resources of a mesh in one file, through the API, so that every store can be saved and filled. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Argument, Command } from "commander";
import { type ApiObject, type Deletion, type KindName, kindNames, kinds } from "../api/index.ts";
import type { ApiClient } from "../client/index.ts";
import { WeftError } from "../kernel/index.ts";
import { currentAuthor } from "./author.ts";
import type { Cli } from "./cli.ts";
import { connectServer } from "./server.ts";
import type { SharedOptions } from "./shared-options.ts";
import { decodeSnapshot, encodeSnapshot } from "./snapshot-file.ts";

interface Options extends SharedOptions {
  readonly passphraseFile?: string;
  readonly authority?: string;
  readonly replace?: boolean;
}

/** As it is applied: without what every store gives itself. */
interface SavedObject {
  readonly kind: KindName;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Snapshot {
  readonly revision: number;
  readonly objects: readonly SavedObject[];
  /** Files of the certificate authority, by their names in the data directory. */
  readonly authority?: Readonly<Record<string, string>>;
}

/** Proxies register again by themselves. */
const registeredBy = "weft.dev/registered-by";
/** What a mesh has from its start. */
const initialKinds: readonly string[] = [
  ...["Namespace", "ServiceAccount", "MeshConfig", "GatewayClass"],
  ...["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
];
/** Lists are taken kind by kind: a commit in between makes another try. */
const maxTries = 5;
const authorityParts = ["ca", "root.pem"];

const help = `
The file holds Secrets, so it has mode 0600. --passphrase-file encrypts it (AES-256-GCM, key by scrypt).
The mesh's certificate authority is saved only with --authority, which names the data directory of a control plane on SQLite; restored
into a new data directory before its control plane starts, identities of before stay valid.

  weft snapshot save mesh.weft --passphrase-file key.txt
  weft snapshot restore mesh.weft --passphrase-file key.txt`;

export function command(cli: Cli): Command {
  return new Command("snapshot")
    .addArgument(new Argument("<action>").choices(["save", "restore"]))
    .argument("<file>")
    .option("--passphrase-file <file>", "a file with the passphrase, of which the last line break is no part")
    .option("--authority <data-dir>", "the certificate authority too, of or for this data directory")
    .option("--replace", "restore over a mesh that is not empty: what the file has not is deleted")
    .addHelpText("after", help)
    .action(async (action: "save" | "restore", file: string, options: Options) => {
      await (action === "save" ? save(cli, file, options) : restore(cli, file, options));
    });
}

async function save(cli: Cli, file: string, options: Options): Promise<void> {
  const client = await connectServer(cli, options);
  const { revision, objects } = await readMesh(client);
  const authority = options.authority === undefined ? undefined : readAuthority(options.authority);
  const snapshot: Snapshot = { revision, objects, ...(authority && { authority }) };
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, encodeSnapshot(snapshot, passphraseOf(options)), { mode: 0o600 });
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
  cli.output.write(`saved ${objects.length} resources of revision ${revision} in ${file}\n`);
}

async function restore(cli: Cli, file: string, options: Options): Promise<void> {
  const snapshot = readSnapshot(file, options);
  if (options.authority !== undefined) {
    // Its control plane is not there yet: it makes an authority of its own where it finds none.
    writeAuthority(options.authority, snapshot.authority);
    cli.output.write(
      `wrote the certificate authority; start the control plane, then restore without --authority\n`,
    );
    return;
  }
  const client = await connectServer(cli, options);
  const { objects: present } = await readMesh(client);
  const other = present.filter(({ kind }) => !initialKinds.includes(kind));
  if (other.length > 0 && options.replace !== true) {
    throw new WeftError("conflict", `the mesh is not empty: it has ${other.length} resources`, {
      hint: "--replace deletes what the snapshot has not",
    });
  }
  const wanted = new Set(snapshot.objects.map(pathOf));
  const deletions = other
    .filter((object) => !wanted.has(pathOf(object)))
    .map(({ kind, metadata: { name, namespace } }): Deletion => {
      return namespace === undefined ? { kind, name } : { kind, namespace, name };
    });
  const message = `restore a snapshot of revision ${snapshot.revision}`;
  const objects = [...snapshot.objects];
  const { revision } = await client.transact({ objects, deletions, message, author: currentAuthor(cli.env) });
  cli.output.write(`restored ${objects.length} resources as revision ${revision}\n`);
}

/** All that operators wrote, as of one revision. Rejects with `conflict` where there are commits all the time. */
async function readMesh(client: ApiClient): Promise<{ revision: number; objects: SavedObject[] }> {
  for (let tries = 0; tries < maxTries; tries++) {
    const { revision } = await client.status();
    const lists = await Promise.all(kindNames.map((kind) => client.list(kind)));
    if ((await client.status()).revision !== revision) continue;
    const objects = lists
      .flatMap(({ items }): readonly ApiObject[] => items)
      .filter(isWritten)
      .map(withoutServerFields);
    return { revision, objects };
  }
  throw new WeftError("conflict", "the mesh changed while it was read, again and again", {
    hint: "try again",
  });
}

function isWritten({ metadata }: ApiObject): boolean {
  return metadata.annotations?.[registeredBy] === undefined;
}

/** Every store gives its own. */
function withoutServerFields(object: ApiObject): SavedObject {
  const metadata = without(object.metadata, ["resourceVersion", "uid", "generation", "creationTimestamp"]);
  const { name, namespace = "" } = object.metadata;
  const place = namespace === "" ? { name } : { name, namespace };
  return { ...without(object, ["status"]), kind: object.kind, metadata: { ...metadata, ...place } };
}

function without(record: object, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !fields.includes(name)));
}

function pathOf({ kind, metadata: { name, namespace = "" } }: SavedObject): string {
  return `${kind}/${namespace}/${name}`;
}

function readSnapshot(file: string, options: Options): Snapshot {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new WeftError("bad_input", `the snapshot ${file} cannot be read`, { cause });
  }
  const content = decodeSnapshot(bytes, passphraseOf(options));
  if (!isSnapshot(content)) throw new WeftError("bad_input", `the snapshot ${file} has no resources`);
  const unknown = content.objects.find(({ kind }) => !Object.hasOwn(kinds, kind));
  if (unknown === undefined) return content;
  throw new WeftError("bad_input", `the snapshot has a ${unknown.kind}, which this weft does not know`, {
    hint: "restore it with the version that saved it, or a newer one",
  });
}

function isSnapshot(value: unknown): value is Snapshot {
  return typeof value === "object" && value !== null && "objects" in value && Array.isArray(value.objects);
}

function passphraseOf({ passphraseFile }: Options): string | undefined {
  if (passphraseFile === undefined) return undefined;
  const text = readFileSync(passphraseFile, "utf8").replace(/\r?\n$/, "");
  if (text === "") throw new WeftError("bad_input", `${passphraseFile} holds no passphrase`);
  return text;
}

function readAuthority(dataDir: string): Record<string, string> {
  const names = authorityParts.flatMap((part) => {
    const path = join(dataDir, part);
    if (!existsSync(path))
      throw new WeftError("bad_input", `${path} is missing: is that the data directory of a control plane?`);
    return part === "ca" ? readdirSync(path).map((name) => join(part, name)) : [part];
  });
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(dataDir, name)).toString("base64")]),
  );
}

/** Throws `conflict` where there is an authority already: it is never written over. */
function writeAuthority(dataDir: string, authority: Snapshot["authority"]): void {
  if (authority === undefined) throw new WeftError("bad_input", "the snapshot was saved without --authority");
  if (existsSync(join(dataDir, "ca"))) {
    throw new WeftError("conflict", `${dataDir} has a certificate authority already`, {
      hint: "name an empty directory, and start the control plane with it",
    });
  }
  for (const [name, content] of Object.entries(authority)) {
    if (!/^(?:ca\/[\w.-]+|root\.pem)$/.test(name))
      throw new WeftError("bad_input", `the snapshot has a file ${name}`);
    mkdirSync(dirname(join(dataDir, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(dataDir, name), Buffer.from(content, "base64"), { mode: 0o600 });
  }
}
