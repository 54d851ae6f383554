/** A place in a document, and what each of two documents has there; undefined where it has nothing. */
export interface Field {
  path: string;
  one: string | undefined;
  other: string | undefined;
  isSame: boolean;
}

type Part = unknown;

const isTree = (part: Part): part is object => typeof part === 'object' && part !== null;
const write = (part: Part) => (typeof part === 'string' ? part : JSON.stringify(part));

/** The name of an element: its id, so that a row that was added or has moved does not make all rows after it different. */
function nameOf(element: Part, index: number): string {
  return isTree(element) && 'id' in element ? String(element.id) : String(index);
}

/** The parts of a list or an object by their names; undefined for everything else, and for what has no parts. */
function partsOf(part: Part): Map<string, Part> | undefined {
  if (!isTree(part)) return undefined;
  const entries: [string, Part][] = Array.isArray(part)
    ? part.map((element, index) => [nameOf(element, index), element])
    : Object.entries(part);
  const parts = new Map(entries);
  // Elements with the same id cannot be told apart by it.
  if (parts.size < entries.length) return new Map(entries.map(([, element], index) => [String(index), element]));
  return parts.size > 0 ? parts : undefined;
}

function compareParts(path: string, one: Map<string, Part>, other: Map<string, Part>): Field[] {
  const names = [...new Set([...one.keys(), ...other.keys()])];
  return names.flatMap((name) => compare(path ? `${path}.${name}` : name, one.get(name), other.get(name)));
}

/** The order of the elements that both lists have, where it is not the same. */
function compareOrder(path: string, one: Map<string, Part>, other: Map<string, Part>): Field[] {
  const order = [...one.keys()].filter((name) => other.has(name)).join(' ');
  const otherOrder = [...other.keys()].filter((name) => one.has(name)).join(' ');
  return order === otherOrder ? [] : [{ path, one: order, other: otherOrder, isSame: false }];
}

/** Compares two documents place by place, in the order in which the first one has its places. */
export function compare(path: string, one: Part, other: Part): Field[] {
  const [parts, otherParts] = [partsOf(one), partsOf(other)];
  if (parts && otherParts && Array.isArray(one) === Array.isArray(other)) {
    const order = Array.isArray(one) ? compareOrder(path, parts, otherParts) : [];
    return [...order, ...compareParts(path, parts, otherParts)];
  }
  // What only one document has is shown part by part as well.
  if (parts && other === undefined) return compareParts(path, parts, new Map());
  if (otherParts && one === undefined) return compareParts(path, new Map(), otherParts);
  const isSame = JSON.stringify(one) === JSON.stringify(other);
  // Texts have no quotation marks, unless only these tell them from something else: "1" from 1.
  const writeBoth = !isSame && write(one) === write(other) ? JSON.stringify : write;
  return [{ path, one: writeBoth(one), other: writeBoth(other), isSame }];
}
