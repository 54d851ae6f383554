/** What belongs to the rows of an export, page by page, in the order of the rows. */
export interface PartsOfRows {
  /** The member of a row that has its parts. */
  name: string;
  /** The parts of a row in pages. It is asked once for each row, in their order, and a row may be left before its last part. */
  of(row: Readonly<Record<string, unknown>>): AsyncGenerator<readonly object[]>;
}

/**
 * Divides a stream of parts, which has the order of the rows, by the rows. One page is in memory at a time, however many
 * parts a row has.
 * @param ownerOf the id of the row to which a part belongs
 * @param toPart what is shown of a part
 */
export function divideByRow<Part extends object>(
  pages: AsyncIterator<readonly Part[]>,
  name: string,
  ownerOf: (part: Part) => string,
  toPart: (part: Part) => object,
): PartsOfRows {
  let page: readonly Part[] = [];
  let isDone = false;

  return {
    name,
    async *of({ id }) {
      const rowId = String(id);
      while (!isDone) {
        // What belongs to an earlier row was committed after its page.
        const first = page.findIndex((part) => ownerOf(part) >= rowId);
        const rest = first === -1 ? [] : page.slice(first);
        const end = rest.findIndex((part) => ownerOf(part) > rowId);
        const own = end === -1 ? rest : rest.slice(0, end);
        page = end === -1 ? [] : rest.slice(end);
        if (own.length > 0) yield own.map(toPart);
        if (page.length > 0) return;
        const next = await pages.next();
        isDone = next.done === true;
        page = next.done ? [] : next.value;
      }
    },
  };
}
