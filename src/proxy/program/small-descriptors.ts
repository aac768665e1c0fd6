/**
 * Stands in for `fileDesc` of @bufbuild/protobuf in the proxy's own program. The package's function keeps every file's full
 * reflection (and that of descriptor.proto itself) for as long as the process lives, 4 MB of it; a proxy creates, reads and
 * writes messages, and for that needs only what is here. Each message's fields are made when they are first asked for.
 */
import type { EnumTable, FieldTable, FileTable, MessageTable, ServiceTable } from "./descriptor-table.ts";

interface SmallFile {
  readonly messages: readonly SmallMessage[];
  readonly enums: readonly SmallEnum[];
  readonly services: readonly SmallService[];
  readonly types: Types;
}

interface SmallOneof {
  readonly kind: "oneof";
  readonly localName: string;
  readonly fields: SmallField[];
}

/** Named as the codec of @bufbuild/protobuf reads them. */
interface SmallField extends Omit<FieldTable, "message" | "enum" | "oneof"> {
  readonly kind: "field";
  readonly parent: SmallMessage;
  readonly message: SmallMessage | undefined;
  readonly enum: SmallEnum | undefined;
  readonly oneof: SmallOneof | undefined;
  readonly longAsString: false;
  readonly delimitedEncoding: false;
  getDefaultValue(): undefined;
  toString(): string;
}

interface SmallMethod {
  readonly kind: "rpc";
  readonly parent: SmallService;
  readonly name: string;
  readonly methodKind: string;
  readonly input: SmallMessage;
  readonly output: SmallMessage;
}

interface SmallService {
  readonly kind: "service";
  readonly typeName: string;
  readonly method: Readonly<Record<string, SmallMethod>>;
}

/** By type name: those of the file and of what it imports. */
type Types = Map<string, SmallMessage | SmallEnum>;

/** proto3, which makes the codec store zero values on the message itself. */
const file = { edition: 999 };

export function fileDesc(json: string, imports: readonly SmallFile[] = []): SmallFile {
  const table: FileTable = JSON.parse(json);
  const types: Types = new Map(imports.flatMap((each) => [...each.types]));
  const messages = table.messages.map((each) => new SmallMessage(each, types));
  const enums = table.enums.map((each) => new SmallEnum(each, types));
  return { messages, enums, services: table.services.map((each) => smallService(each, types)), types };
}

class SmallMessage {
  readonly kind = "message";
  readonly typeName: string;
  readonly file = file;
  readonly nestedMessages: readonly SmallMessage[];
  readonly nestedEnums: readonly SmallEnum[];
  readonly #types: Types;
  #fieldsJson: string;
  #fields: readonly SmallField[] | undefined = undefined;
  #members: readonly (SmallField | SmallOneof)[] = [];

  constructor({ typeName, fieldsJson, nested, nestedEnums }: MessageTable, types: Types) {
    this.typeName = typeName;
    this.nestedMessages = nested.map((each) => new SmallMessage(each, types));
    this.nestedEnums = nestedEnums.map((each) => new SmallEnum(each, types));
    this.#types = types;
    this.#fieldsJson = fieldsJson;
    types.set(typeName, this);
  }

  get fields(): readonly SmallField[] {
    return this.#fields ?? this.#describe();
  }

  /** Fields outside oneofs, and oneofs at the place of their first field. */
  get members(): readonly (SmallField | SmallOneof)[] {
    if (this.#fields === undefined) this.#describe();
    return this.#members;
  }

  toString(): string {
    return `message ${this.typeName}`;
  }

  #describe(): readonly SmallField[] {
    const tables: readonly FieldTable[] = JSON.parse(this.#fieldsJson);
    this.#fieldsJson = "";
    const oneofs = new Map<string, SmallOneof>();
    const members: (SmallField | SmallOneof)[] = [];
    const fields = tables.map((table): SmallField => {
      let oneof = table.oneof === undefined ? undefined : oneofs.get(table.oneof);
      if (table.oneof !== undefined && oneof === undefined) {
        oneof = { kind: "oneof", localName: table.oneof, fields: [] };
        oneofs.set(table.oneof, oneof);
        members.push(oneof);
      }
      const field = this.#field(table, oneof);
      (oneof?.fields ?? members).push(field);
      return field;
    });
    this.#fields = fields;
    this.#members = members;
    return fields;
  }

  #field(table: FieldTable, oneof: SmallOneof | undefined): SmallField {
    return {
      ...table,
      kind: "field",
      parent: this,
      message: table.message === undefined ? undefined : messageOf(this.#types, table.message),
      enum: table.enum === undefined ? undefined : enumOf(this.#types, table.enum),
      oneof,
      longAsString: false,
      delimitedEncoding: false,
      getDefaultValue: () => undefined,
      toString: () => `field ${this.typeName}.${table.name}`,
    };
  }
}

class SmallEnum {
  readonly kind = "enum";
  readonly typeName: string;
  readonly open = true;
  readonly values: readonly { readonly localName: string; readonly number: number }[];

  constructor({ typeName, values }: EnumTable, types: Types) {
    this.typeName = typeName;
    this.values = values.map(([localName, number]) => ({ localName, number }));
    types.set(typeName, this);
  }
}

function smallService({ typeName, methods }: ServiceTable, types: Types): SmallService {
  const method: Record<string, SmallMethod> = {};
  const service: SmallService = { kind: "service", typeName, method };
  for (const { name, localName, methodKind, input, output } of methods) {
    method[localName] = {
      kind: "rpc",
      parent: service,
      name,
      methodKind,
      input: messageOf(types, input),
      output: messageOf(types, output),
    };
  }
  return service;
}

function messageOf(types: Types, typeName: string): SmallMessage {
  const type = types.get(typeName);
  if (type instanceof SmallMessage) return type;
  throw new Error(`there is no message ${typeName}`);
}

function enumOf(types: Types, typeName: string): SmallEnum {
  const type = types.get(typeName);
  if (type instanceof SmallEnum) return type;
  throw new Error(`there is no enum ${typeName}`);
}
