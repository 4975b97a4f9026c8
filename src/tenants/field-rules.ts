import { applyDecorators } from '@nestjs/common';
import { IsBoolean, IsIn, IsInt, IsNumber, Max, Min, ValidateBy, type ValidationOptions } from 'class-validator';
import { ORIGIN_FORM, isPlainText, parseOrigin } from '../protocol/index.js';
import { PROFILE_NAME_FORM, isProfileName } from './performance-profile.js';

/** The rules of class-validator in the words of all our errors, which never hold what was sent. */

const MAX_ORIGINS = 100;
const MAX_DESCRIPTION = 200;

export const Switch = () => IsBoolean({ message: 'must be true or false' });

export function NumberFrom(min: number, max: number): PropertyDecorator {
  const options = { message: `must be a number from ${min} to ${max}` };
  return applyDecorators(IsNumber({}, options), Min(min, options), Max(max, options));
}

/** A whole number; 0 often stands for no limit. */
export function WholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const options = { message: `must be a whole number ${range}` };
  return applyDecorators(IsInt(options), Min(min, options), Max(max, options));
}

export function OneOf(choices: readonly string[]): PropertyDecorator {
  return IsIn(choices, { message: `must be one of ${choices.join(', ')}` });
}

export const ProfileName = () => rule('profileName', isProfileName, { message: `must be ${PROFILE_NAME_FORM}` });

export const Description = () =>
  rule('description', (value) => value === '' || isPlainText(value, MAX_DESCRIPTION), {
    message: `must be a printable text of at most ${MAX_DESCRIPTION} characters`,
  });

export const Origins = () =>
  rule('origins', areOrigins, {
    message: `must be a list of at most ${MAX_ORIGINS} origins: ${ORIGIN_FORM}, or * for all`,
  });

function areOrigins(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MAX_ORIGINS &&
    value.every((origin) => origin === '*' || parseOrigin(origin) !== undefined)
  );
}

function rule(name: string, validate: (value: unknown) => boolean, options: ValidationOptions): PropertyDecorator {
  return ValidateBy({ name, validator: { validate } }, options);
}
