import { texts } from '../language';

/** For an address that no screen has, or none that the person may see. */
export function NotFound() {
  const text = texts.value.notFound;
  return (
    <>
      <h1>{text.title}</h1>
      <p>{text.text}</p>
      <p>
        <a href="/console">{text.back}</a>
      </p>
    </>
  );
}
