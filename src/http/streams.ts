import type { Freshness } from '../cqrs/reading/read-models';
import type { RequestContext } from './context';
import { setAge } from './responses';

/**
 * 200, with a body that is sent part by part. A part is made when the client has taken the one before, so that memory holds one
 * of them. A failure cuts the body off, which every client notices: a whole body has an end.
 * @param options.id what no other response has, for the ETag; without one the whole body would be hashed first
 * @param options.filename the name under which browsers store it
 */
export function sendStream(
  c: RequestContext,
  parts: AsyncIterator<string>,
  { freshness, id, mediaType, filename }: { freshness: Freshness; id: string; mediaType: string; filename: string },
): Response {
  const logger = c.get('logger');
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done) controller.close();
          else controller.enqueue(encoder.encode(value));
        } catch (error) {
          logger.error('stream.failed', error);
          controller.error(error);
        }
      },
      async cancel() {
        await parts.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  setAge(c, freshness);
  c.header('ETag', `"${id}"`);
  c.header('Content-Disposition', `attachment; filename="${filename}"`);
  return c.body(stream, 200, { 'Content-Type': mediaType });
}
