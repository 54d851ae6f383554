import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../language';
import { SignInForm } from '../parts/sign-in-form';
import { person, session } from '../session';

/** The page for who is not signed in, or is signed in as a customer. */
export function SignIn() {
  const text = texts.value.signIn;
  return (
    <main class="sign-in">
      <p class="brand">{texts.value.product}</p>
      <h1>{text.title}</h1>
      {session.value.state === 'in' && <p role="alert">{text.customers}</p>}
      <SignInForm />
      <p>
        <a href="/reset-password">{text.forgotten}</a>
      </p>
    </main>
  );
}

/** Asks to sign in again when the session has ended, above the screen, which keeps what was typed. */
export function SignInAgain() {
  const text = texts.value.signIn;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="sign-in" aria-labelledby="sign-in-again" onCancel={(event) => event.preventDefault()}>
      <h1 id="sign-in-again">{text.title}</h1>
      <p>{text.ended}</p>
      <SignInForm email={person.value.email} />
    </dialog>
  );
}
