import { ProblemError } from '@frontdesk/client';
import { useAction } from '../act';
import { signIn } from '../api';
import { texts } from '../language';
import { ProblemNotice } from './problem';

/** Asks for address and password, and signs in. */
export function SignInForm({ email = '' }: { email?: string }) {
  const text = texts.value.signIn;
  const { isRunning, error, run } = useAction(signIn);
  const isWrong = error.value instanceof ProblemError && error.value.code === 'auth.invalid-grant';
  function submit(event: SubmitEvent) {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void run(String(form.get('email')), String(form.get('password')));
  }
  return (
    <>
      <form onSubmit={submit}>
        <label>
          {text.email}
          <input name="email" type="email" autocomplete="username" required maxLength={254} defaultValue={email} />
        </label>
        <label>
          {text.password}
          <input
            name="password"
            type="password"
            autofocus={email !== ''}
            autocomplete="current-password"
            required
            maxLength={128}
          />
        </label>
        <button type="submit" disabled={isRunning.value}>
          {text.submit}
        </button>
      </form>
      {isWrong ? (
        <p class="problem" role="alert">
          {text.wrong}
        </p>
      ) : (
        <ProblemNotice error={error.value} />
      )}
    </>
  );
}
