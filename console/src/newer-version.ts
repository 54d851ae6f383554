import { signal } from '@preact/signals';

/** How many texts have been typed and not sent. */
const drafts = signal(0);

/** Counts a text that would be lost if the page were loaded again; returns what ends it. */
export function keepDraft(): () => void {
  drafts.value++;
  return () => {
    drafts.value--;
  };
}

/** Whether a newer version of the console was deployed, and waits for the person to send what they have typed. */
export const hasNewerVersion = signal(false);

const retryMs = 3_000;

let known: string | null | undefined;

/** Looks for a newer version, and loads it unless something would be lost. */
async function look(): Promise<void> {
  const response = await fetch('/console', { method: 'HEAD', cache: 'no-cache' }).catch(() => undefined);
  // A browser counts a response whose body nobody reads as given up.
  await response?.text();
  if (!response?.ok) return;
  const etag = response.headers.get('ETag');
  known ??= etag;
  if (etag === known) return;
  hasNewerVersion.value = true;
  if (drafts.value === 0) location.reload();
}

/** Loads a script, again and again while there is no network, or because a newer version has taken its place. */
export async function untilLoaded<Module>(load: () => Promise<Module>): Promise<Module> {
  for (;;) {
    try {
      return await load();
    } catch {
      await look();
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** Looks when the page is opened, when somebody comes back to it, and every five minutes. */
export function watchVersions(): void {
  void look();
  addEventListener('focus', look);
  setInterval(look, 300_000);
}
