import type { Type } from '@nestjs/common';
import { getMetadataStorage, validateSync } from 'class-validator';
import { type FieldError, MetricastError } from '../protocol/index.js';

/** What a body says, as far as it is right, and everything that is wrong with it. */
export interface ReadDto<T> {
  readonly dto: T;
  readonly errors: readonly FieldError[];
}

const PARTS = 'metricast:parts';
const ERRORS_SHOWN = 100;
/** What a field of ours could be called: only such a name is repeated to who sent it. */
const FIELD_NAME = /^\w{1,64}$/;

/** A field that is an object with fields of its own, and may be left out or null. */
export function Part(type: Type<object>): PropertyDecorator {
  return (prototype, field) => {
    Reflect.defineMetadata(PARTS, { ...partsOf(prototype), [field]: type }, prototype);
  };
}

/**
 * Reads a body by the rules that its class has from class-validator. The host's own validation is not asked, nor does ours
 * bear on the host's.
 *
 * @throws {@link MetricastError} `bad_request` where it is no object.
 */
export function readDto<T extends object>(type: Type<T>, value: unknown): ReadDto<T> {
  if (!isObject(value)) throw new MetricastError('bad_request', { detail: 'the body must be an object' });
  const read = readObject(type, value, '');
  return { dto: read.dto, errors: [...read.errors, ...read.unknown].slice(0, ERRORS_SHOWN) };
}

/** @throws {@link MetricastError} `bad_request` that lists them, where there are any. */
export function requireNone(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw new MetricastError('bad_request', { errors });
}

/** No deeper than the class goes, however deep the value is. */
function readObject<T extends object>(type: Type<T>, value: Readonly<Record<string, unknown>>, path: string) {
  const parts = partsOf(type.prototype as object);
  const known = fieldsOf(type);
  const dto = new type();
  const errors: FieldError[] = [];
  const unknown: FieldError[] = [];
  for (const [field, inner] of Object.entries(value)) {
    const part = Object.hasOwn(parts, field) ? parts[field] : undefined;
    if (part && isObject(inner)) {
      const read = readObject(part, inner, `${path}${field}.`);
      Object.assign(dto, { [field]: read.dto });
      errors.push(...read.errors);
      unknown.push(...read.unknown);
    } else if (part && inner !== null) errors.push({ field: `${path}${field}`, message: 'must be an object' });
    else if (part || known.has(field)) Object.assign(dto, { [field]: inner });
    // The rest would not be shown.
    else if (unknown.length < ERRORS_SHOWN) unknown.push(unknownField(path, field));
  }
  return { dto, errors: [...rulesBroken(dto, path), ...errors], unknown };
}

function rulesBroken(dto: object, path: string): FieldError[] {
  // A class whose fields are all parts has no rules, and is not what this option is about.
  const broken = validateSync(dto, { stopAtFirstError: true, forbidUnknownValues: false });
  return broken.map(({ property, constraints }) => ({
    field: `${path}${property}`,
    message: Object.values(constraints ?? {})[0] ?? 'is not valid',
  }));
}

function unknownField(path: string, name: string): FieldError {
  return { field: FIELD_NAME.test(name) ? `${path}${name}` : path.slice(0, -1), message: 'there is no such field' };
}

function fieldsOf(type: Type<object>): ReadonlySet<string> {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}

function partsOf(prototype: object): Readonly<Record<string | symbol, Type<object>>> {
  return (Reflect.getMetadata(PARTS, prototype) as Readonly<Record<string, Type<object>>> | undefined) ?? {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
