import { ProblemError } from '@frontdesk/client';
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useLayoutEffect, useMemo } from 'preact/hooks';
import { isOnline, isVisible, time } from './clock';

/** A response of the typed client: its body has a type, and a status 304 has none. */
interface TypedResponse<Data> {
  readonly status: number;
  readonly headers: Headers;
  json(): Promise<Data>;
}

/** What a screen shows of a read of the API. */
export interface Read<Data> {
  readonly data: ReadonlySignal<Data | undefined>;
  /** Why the newest try failed; the older data stays. */
  readonly error: ReadonlySignal<unknown>;
  /** Milliseconds: the moment at which the data was true; undefined before the first answer. */
  readonly asOf: ReadonlySignal<number | undefined>;
  /** Milliseconds: when the API was last asked, and answered. A document that nobody changes is old and yet the newest one. */
  readonly readAt: ReadonlySignal<number | undefined>;
  /** The ETag of the data, for `If-Match`. */
  readonly etag: ReadonlySignal<string | undefined>;
  /** Whether the data contains everything that the person has done: the API answered with `Consistency: strong`. */
  readonly isOwn: ReadonlySignal<boolean>;
  /** Reads again, and resolves when the answer is shown. */
  refresh(): Promise<void>;
}

const refreshMs = 5_000;

/** The reads of the screen that is shown, for the corner that says how fresh it is. */
export const shownReads = signal<readonly Read<unknown>[]>([]);

/** Reads of the page that end when their component is gone. */
class PolledRead<Data> implements Read<Data> {
  readonly data: Signal<Data | undefined> = signal(undefined);
  readonly error: Signal<unknown> = signal(undefined);
  readonly asOf: Signal<number | undefined> = signal(undefined);
  readonly readAt: Signal<number | undefined> = signal(undefined);
  readonly etag: Signal<string | undefined> = signal(undefined);
  readonly isOwn: Signal<boolean> = signal(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isActive = false;
  /** Counts the requests, because an older answer can arrive after a newer one. */
  #sent = 0;
  #shown = 0;

  constructor(
    private readonly send: (headers: Record<string, string>) => Promise<TypedResponse<Data>>,
    private readonly everyMs: number,
  ) {}

  async refresh(): Promise<void> {
    const number = ++this.#sent;
    const known = this.etag.value;
    try {
      const response = await this.send(known === undefined ? {} : { 'If-None-Match': known });
      const body = response.status === 304 ? undefined : await response.json();
      if (!this.#isActive || number < this.#shown) return;
      // "Not modified" is said of the data that was known then, and another answer may have brought newer data since.
      if (body === undefined && this.etag.value !== known) return;
      this.#shown = number;
      const { headers } = response;
      if (body !== undefined) this.data.value = body;
      this.etag.value = headers.get('ETag') ?? undefined;
      this.readAt.value = time();
      this.asOf.value = time() - Number(headers.get('Age') ?? 0) * 1000;
      this.isOwn.value = headers.get('Consistency') === 'strong';
      this.error.value = undefined;
    } catch (error) {
      if (this.#isActive && number > this.#shown) this.error.value = error;
    }
  }

  /** Reads now, and again while the page is visible and has a network. Returns what ends it. */
  start(): () => void {
    this.#isActive = true;
    const next = async () => {
      if (isVisible.value && isOnline.value) await this.refresh();
      if (this.#isActive) this.#timer = setTimeout(next, this.everyMs);
    };
    void next();
    return () => {
      this.#isActive = false;
      clearTimeout(this.#timer);
    };
  }
}

/**
 * Reads from the API while the component is shown, again every few seconds and with `If-None-Match`.
 * @param key names what is read; with another key the data of the old one is dropped
 * @param send sends the request with these headers: `(headers) => api().items.$get({ query }, { headers })`
 */
export function useRead<Data>(
  key: string,
  send: (headers: Record<string, string>) => Promise<TypedResponse<Data>>,
  everyMs = refreshMs,
): Read<Data> {
  const read = useMemo(() => new PolledRead<Data>(send, everyMs), [key]);
  // It ends with the component, and not some time later: a command reads everything again that is shown.
  useLayoutEffect(() => {
    shownReads.value = [...shownReads.value, read];
    const stop = read.start();
    return () => {
      stop();
      shownReads.value = shownReads.value.filter((one) => one !== read);
    };
  }, [read]);
  return read;
}

/** Reads everything again that the screen shows: after a command it then shows the command's effect. */
export async function refreshAll(): Promise<void> {
  await Promise.all(shownReads.value.map((read) => read.refresh()));
}

/** Whether an error says that the thing does not exist, or not for this person. */
export const isMissing = (error: unknown) => error instanceof ProblemError && error.status === 404;
