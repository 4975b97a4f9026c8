/** A JWT, wherever it stands: a header that is an object in base64url begins like this. */
const TOKEN = /\beyJ[\w-]+\.[\w-]*(\.[\w-]*)?/g;
/**
 * Control characters, the bidirectional controls, line and paragraph separators, and halves of surrogate pairs: by these
 * a text can look like another one, or like several lines.
 */
const DECEIVING = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** A line of a stack trace, which follows what was thrown. */
const FRAME = /^ {4}at /;

/**
 * A text as it may stand in a log, whoever wrote it: one line, but for the lines of a stack trace; in place of each
 * character by which it could deceive its reader `�`, and in place of a token that it is one.
 */
export function loggable(text: string): string {
  const [first = '', ...lines] = text.replaceAll(TOKEN, '[token]').split('\n');
  return lines.reduce((all, line) => `${all}${FRAME.test(line) ? '\n' : '�'}${plain(line)}`, plain(first));
}

function plain(line: string): string {
  return line.replaceAll(DECEIVING, '�');
}
