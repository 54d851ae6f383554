// Texts that other people wrote, on a terminal: a terminal obeys control characters, and a customer could send them.

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Makes the control characters of a text visible, and those that change the direction of what follows; lines stay. */
export const printable = (text: string) => text.replaceAll('\r\n', '\n').replaceAll(controls, '\ufffd');

/** The same on one line, so that nobody's text looks like a line of this program. */
export const oneLine = (text: string) => printable(text).replaceAll(/\s+/g, ' ').trim();

/** A JSON document on one line, without characters that a terminal would obey. */
export const printableJson = (value: unknown) =>
  JSON.stringify(value).replaceAll(controls, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
