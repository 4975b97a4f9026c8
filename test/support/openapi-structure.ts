const text = { type: 'string', minLength: 1 };
const reference = { $ref: '#/$defs/reference' };
const orReference = (name: string) => ({ anyOf: [reference, { $ref: `#/$defs/${name}` }] });
const named = (values: object) => ({ type: 'object', additionalProperties: values });

function closed(properties: object, required: readonly string[]): object {
  return { type: 'object', additionalProperties: false, required, properties };
}

/**
 * What an OpenAPI 3.1 document is, narrowed to what ours uses: a field that is misspelt, or that stands where it means
 * nothing, is a mistake.
 */
export const STRUCTURE = {
  ...closed(
    {
      openapi: { const: '3.1.0' },
      info: closed({ title: text, version: text, summary: text, description: text }, ['title', 'version']),
      servers: { type: 'array', items: closed({ url: text, description: text }, ['url']) },
      tags: { type: 'array', items: closed({ name: text, description: text }, ['name', 'description']) },
      security: { $ref: '#/$defs/security' },
      paths: {
        type: 'object',
        propertyNames: { pattern: '^/' },
        additionalProperties: {
          type: 'object',
          propertyNames: { enum: ['get', 'put', 'post', 'patch', 'delete'] },
          additionalProperties: { $ref: '#/$defs/operation' },
        },
      },
      components: closed(
        {
          schemas: named({ type: 'object' }),
          responses: named({ $ref: '#/$defs/response' }),
          parameters: named({ $ref: '#/$defs/parameter' }),
          headers: named({ $ref: '#/$defs/header' }),
          securitySchemes: named({ $ref: '#/$defs/securityScheme' }),
        },
        [],
      ),
    },
    ['openapi', 'info', 'paths', 'components'],
  ),
  $defs: {
    reference: closed({ $ref: { type: 'string', pattern: '^#/components/' } }, ['$ref']),
    security: { type: 'array', items: named({ type: 'array', items: text }) },
    operation: closed(
      {
        tags: { type: 'array', items: text, minItems: 1, maxItems: 1 },
        operationId: { type: 'string', pattern: '^[a-z][A-Za-z]+$' },
        summary: text,
        description: text,
        security: { $ref: '#/$defs/security' },
        parameters: { type: 'array', items: orReference('parameter'), uniqueItems: true },
        requestBody: closed({ required: { const: true }, content: { $ref: '#/$defs/content' } }, ['content']),
        responses: {
          type: 'object',
          propertyNames: { pattern: '^[2-5]\\d\\d$' },
          minProperties: 1,
          additionalProperties: orReference('response'),
        },
      },
      ['tags', 'operationId', 'summary', 'description', 'responses'],
    ),
    parameter: {
      ...closed(
        {
          name: text,
          in: { enum: ['path', 'query', 'header'] },
          required: { type: 'boolean' },
          description: text,
          schema: { type: 'object' },
          content: { $ref: '#/$defs/content' },
          style: { const: 'form' },
          explode: { type: 'boolean' },
          example: true,
        },
        ['name', 'in', 'description'],
      ),
      oneOf: [{ required: ['schema'] }, { required: ['content'] }],
      anyOf: [{ properties: { in: { enum: ['query', 'header'] } } }, { required: ['required', 'example'] }],
    },
    header: closed({ description: text, schema: { type: 'object' } }, ['description', 'schema']),
    response: closed(
      { description: text, headers: named(orReference('header')), content: { $ref: '#/$defs/content' } },
      ['description'],
    ),
    content: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+/[a-z.+-]+$' },
      minProperties: 1,
      additionalProperties: closed(
        {
          schema: { type: 'object' },
          example: true,
          examples: named(closed({ summary: text, value: true }, ['summary', 'value'])),
        },
        ['schema'],
      ),
    },
    securityScheme: closed(
      {
        type: { enum: ['http', 'apiKey'] },
        scheme: { const: 'bearer' },
        bearerFormat: text,
        in: { const: 'query' },
        name: text,
        description: text,
      },
      ['type', 'description'],
    ),
  },
};
