import fc from 'fast-check';
import { IsIn, IsInt, IsOptional } from 'class-validator';
import { describe, expect, test } from 'vitest';
import { Part, readDto, requireNone } from '../../../src/rest/index.js';

class WheelDto {
  @IsInt({ message: 'must be a whole number' })
  size!: number;
}

class BikeDto {
  @IsIn(['red', 'blue'], { message: 'must be red or blue' })
  colour!: string;

  @IsOptional()
  @IsInt({ message: 'must be a whole number' })
  gears?: number | null;

  @Part(WheelDto)
  wheel?: WheelDto | null;
}

describe('a body that is read by its class', () => {
  test('is what it says', () => {
    const body = { colour: 'red', gears: 3, wheel: { size: 28 } };
    const { dto, errors } = readDto(BikeDto, body);

    expect(dto).toEqual(body);
    expect(dto).toBeInstanceOf(BikeDto);
    expect(dto.wheel).toBeInstanceOf(WheelDto);
    expect(errors).toEqual([]);
    expect(readDto(BikeDto, { colour: 'red', gears: null, wheel: null })).toMatchObject({
      dto: { gears: null, wheel: null },
      errors: [],
    });
  });

  test('is told everything that is wrong, with a path to each, once', () => {
    const { errors } = readDto(BikeDto, { gears: 'x', wheel: { size: 'x', spokes: 3 }, bell: true });

    expect(errors).toEqual([
      { field: 'colour', message: 'must be red or blue' },
      { field: 'gears', message: 'must be a whole number' },
      { field: 'wheel.size', message: 'must be a whole number' },
      { field: 'wheel.spokes', message: 'there is no such field' },
      { field: 'bell', message: 'there is no such field' },
    ]);
    expect(() => requireNone(errors)).toThrow(expect.objectContaining({ code: 'bad_request', details: { errors } }));
    expect(() => requireNone([])).not.toThrow();
  });

  test.each([[[]], [null], [7], ['text'], [undefined]])('must be an object, and not %j', (body) => {
    expect(() => readDto(BikeDto, body)).toThrow(expect.objectContaining({ code: 'bad_request' }));
    if (body !== null && body !== undefined) {
      expect(readDto(BikeDto, { colour: 'red', wheel: body }).errors).toEqual([
        { field: 'wheel', message: 'must be an object' },
      ]);
    }
  });

  test('never changes what objects are, nor ends in anything but errors, whatever is sent', () => {
    const names = fc.constantFrom('colour', 'gears', 'wheel', 'size', '__proto__', 'constructor', 'toString');
    const body = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, fc.constantFrom('red', 3, null, true), fc.array(tie('value')), tie('object')),
      object: fc
        .array(fc.tuple(names, tie('value')))
        .map(
          (pairs) =>
            JSON.parse(
              `{${pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`,
            ) as object,
        ),
    })).object;
    fc.assert(
      fc.property(body, (sent) => {
        const { dto, errors } = readDto(BikeDto, sent);
        expect(Object.getPrototypeOf(dto)).toBe(BikeDto.prototype);
        const known = new Set(['colour', 'gears', 'wheel']);
        for (const name of Object.keys(sent as object)) {
          expect(known.has(name) || errors.some(({ field }) => field === name)).toBe(true);
        }
        for (const name of Object.keys(dto)) expect(known.has(name)).toBe(true);
        expect(errors.some(({ field }) => field === 'colour')).toBe(dto.colour !== 'red');
      }),
    );
  });
});
