import { timingSafeEqual } from 'node:crypto';
import type { VersionConditions } from '../cqrs/writing/expected-version';

/** Keyed hashes of a text, one for each secret, the current one first. */
export type KeyedHashes = (text: string) => readonly [current: string, ...previous: string[]];

/** The hash that stands at the end of a tag with a revision. */
function hashesOf(hashes: KeyedHashes, version: string, revision: string): string[] {
  return hashes(`etag:${version}-${revision}`).map((hash) => hash.slice(0, 16));
}

/**
 * The ETag of a document (RFC 9110, 8.8.3): its version, and its revision if it has one. The revision belongs to parts of
 * the document that no command changes, so a command ignores it. The hash after it shows that this API made the tag.
 */
export function formatEntityTag(version: number, revision: string | undefined, hashes: KeyedHashes): string {
  if (revision === undefined) return `"${version}"`;
  return `"${version}-${revision}-${hashesOf(hashes, String(version), revision)[0]}"`;
}

/** The version in an ETag of this API; undefined for any other tag. */
function versionOf(tag: string, hashes: KeyedHashes): number | undefined {
  const [, version = '', revision, hash = ''] = /^(\d{1,15})(?:-(.{1,200})-([\da-f]{16}))?$/.exec(tag) ?? [];
  if (version === '') return undefined;
  if (revision === undefined) return Number(version);
  const given = new TextEncoder().encode(hash);
  const isOurs = hashesOf(hashes, version, revision).some((expected) =>
    timingSafeEqual(new TextEncoder().encode(expected), given),
  );
  return isOurs ? Number(version) : undefined;
}

/**
 * Reads a list of entity tags (RFC 9110, 8.8.3 and 5.6.1).
 * @returns `*`, or the versions in the tags of this API; undefined for a text that is no list of entity tags
 */
function readVersions(field: string, hashes: KeyedHashes, { weak }: { weak: boolean }): '*' | number[] | undefined {
  if (field.trim() === '*') return '*';
  const versions: number[] = [];
  const element = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\uffff]*)")?[ \t]*(?:,|$)/y;
  while (element.lastIndex < field.length) {
    const found = element.exec(field);
    if (!found) return undefined;
    const [, isWeak, tag] = found;
    const version = tag === undefined || (isWeak && !weak) ? undefined : versionOf(tag, hashes);
    if (version !== undefined) versions.push(version);
  }
  return versions;
}

/**
 * The conditions that `If-Match` and `If-None-Match` set for a command (RFC 9110, 13.1.1 and 13.1.2).
 * @returns undefined if no version of any resource fulfils them
 */
export function readConditions(
  { ifMatch, ifNoneMatch }: { ifMatch: string | undefined; ifNoneMatch: string | undefined },
  hashes: KeyedHashes,
): VersionConditions | undefined {
  // If-Match compares strongly: a weak tag matches nothing.
  const expected = ifMatch === undefined ? '*' : readVersions(ifMatch, hashes, { weak: false });
  const refused = ifNoneMatch === undefined ? [] : readVersions(ifNoneMatch, hashes, { weak: true });
  // A command never creates the resource of its own address, so `If-None-Match: *` is always false.
  if (expected === undefined || expected.length === 0 || refused === '*') return undefined;
  return {
    ...(expected !== '*' && { expectedVersion: expected }),
    ...(refused && refused.length > 0 && { unexpectedVersions: refused }),
  };
}
