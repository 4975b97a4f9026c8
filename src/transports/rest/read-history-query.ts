import { type FieldError, type HistoryQuery, parseHistoryQuery } from '../../protocol/index.js';
import { queryOf } from '../../rest/index.js';

const FIELDS = ['start_time', 'end_time', 'name', 'tags', 'aggregation_interval', 'limit', 'cursor'] as const;
const MAY_BE_NUMBERS: ReadonlySet<string> = new Set(['start_time', 'end_time', 'limit']);
const NUMBER = /^\d{1,15}(\.\d{1,9})?$/;

/**
 * Reads `?start_time=&end_time=&name=&tags={"NAME":"VALUE"}&aggregation_interval=&limit=&cursor=`.
 *
 * @throws {@link MetricastError} `bad_request` that lists every parameter that is wrong.
 */
export function readHistoryQuery(request: object, channel: string): HistoryQuery {
  const query = queryOf(request);
  const fields: Record<string, unknown> = { channel };
  const errors: FieldError[] = [];
  for (const field of FIELDS) {
    const values = query.getAll(field);
    // Frameworks make a list of `field[]`, and an object of `field[name]`: whoever sends that means something by it.
    const isMeantOtherwise = [...query.keys()].some((key) => key.startsWith(`${field}[`));
    if (values.length > 1 || isMeantOtherwise) errors.push({ field, message: 'must be one value' });
    else if (values.length === 1) fields[field] = valueOf(field, values[0]!);
  }
  return parseHistoryQuery(fields, errors);
}

/** What it would be in a frame. */
function valueOf(field: string, text: string): unknown {
  if (field === 'tags') return parseJson(text);
  return MAY_BE_NUMBERS.has(field) && NUMBER.test(text) ? Number(text) : text;
}

/** What is no JSON is no object either, which is what is said of it then. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) ?? text;
  } catch {
    return text;
  }
}
