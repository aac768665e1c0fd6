/**
 * What a proxy needs to know of its messages' descriptors, as plain data: the build takes it from the full descriptors, the proxy
 * makes small ones of it (small-descriptors.ts). Refuses, at build time, what those cannot express.
 */
import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
} from "@bufbuild/protobuf";
import { Edition } from "@bufbuild/protobuf/wkt";

export interface FieldTable {
  readonly name: string;
  readonly localName: string;
  readonly number: number;
  readonly fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  readonly listKind?: "scalar" | "enum" | "message";
  readonly mapKind?: "scalar" | "enum" | "message";
  readonly mapKey?: number;
  readonly scalar?: number;
  /** Type names. */
  readonly message?: string;
  readonly enum?: string;
  readonly presence: number;
  readonly packed?: boolean;
  readonly utf8Validation: boolean;
  /** The oneof that it belongs to. */
  readonly oneof?: string;
}

export interface MessageTable {
  readonly typeName: string;
  /** Of `FieldTable[]`: parsed when the first message of the type is made or read, which for most types is never. */
  readonly fieldsJson: string;
  readonly nested: readonly MessageTable[];
  readonly nestedEnums: readonly EnumTable[];
}

export interface EnumTable {
  readonly typeName: string;
  /** Local name and number of each value, in order. */
  readonly values: readonly (readonly [string, number])[];
}

interface MethodTable {
  readonly name: string;
  readonly localName: string;
  readonly methodKind: "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";
  readonly input: string;
  readonly output: string;
}

export interface ServiceTable {
  readonly typeName: string;
  readonly methods: readonly MethodTable[];
}

export interface FileTable {
  readonly messages: readonly MessageTable[];
  readonly enums: readonly EnumTable[];
  readonly services: readonly ServiceTable[];
}

/** Other editions have defaults and presence that small descriptors leave out. */
export function isSupported(file: DescFile): boolean {
  return file.edition === Edition.EDITION_PROTO3;
}

export function tableOf(file: DescFile): FileTable {
  if (!isSupported(file)) throw new Error(`${file.name}: only proto3 is supported`);
  if (file.extensions.length > 0) throw new Error(`${file.name}: extensions are not supported`);
  return {
    messages: file.messages.map(messageTable),
    enums: file.enums.map(enumTable),
    services: file.services.map(serviceTable),
  };
}

function messageTable(message: DescMessage): MessageTable {
  return {
    typeName: message.typeName,
    fieldsJson: JSON.stringify(message.fields.map(fieldTable)),
    nested: message.nestedMessages.map(messageTable),
    nestedEnums: message.nestedEnums.map(enumTable),
  };
}

function fieldTable(field: DescField): FieldTable {
  const isLongAsString = "longAsString" in field && field.longAsString;
  const isGroup = "delimitedEncoding" in field && field.delimitedEncoding;
  if (isLongAsString || isGroup) throw new Error(`${field.toString()} is not supported`);
  return {
    name: field.name,
    localName: field.localName,
    number: field.number,
    fieldKind: field.fieldKind,
    ...(field.fieldKind === "list" ? { listKind: field.listKind, packed: field.packed } : {}),
    ...(field.fieldKind === "map" ? { mapKind: field.mapKind, mapKey: field.mapKey } : {}),
    ...(field.scalar === undefined ? {} : { scalar: field.scalar }),
    ...(field.message === undefined ? {} : { message: field.message.typeName }),
    ...(field.enum === undefined ? {} : { enum: field.enum.typeName }),
    presence: field.presence,
    utf8Validation: field.utf8Validation,
    ...(field.oneof === undefined ? {} : { oneof: field.oneof.localName }),
  };
}

function enumTable(type: DescEnum): EnumTable {
  if (!type.open) throw new Error(`${type.typeName}: closed enums are not supported`);
  return { typeName: type.typeName, values: type.values.map(({ localName, number }) => [localName, number]) };
}

function serviceTable(service: DescService): ServiceTable {
  return {
    typeName: service.typeName,
    methods: service.methods.map(({ name, localName, methodKind, input, output }) => ({
      name,
      localName,
      methodKind,
      input: input.typeName,
      output: output.typeName,
    })),
  };
}
