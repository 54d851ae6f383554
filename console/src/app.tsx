import { useEffect } from 'preact/hooks';
import { ErrorBoundary, LocationProvider, Route, Router } from 'preact-iso';
import { useAction } from './act';
import { resume } from './api';
import { Frame } from './parts/frame';
import { ProblemNotice } from './parts/problem';
import { NotFound } from './screens/not-found';
import { SignIn, SignInAgain } from './screens/sign-in';
import { sections } from './sections';
import { isAdmin, session } from './session';

/** The screens of the sections that the person may see. */
function Screens() {
  const screens = sections.filter(({ isForAdmins }) => isAdmin.value || !isForAdmins).flatMap(({ screens }) => screens);
  return (
    <ErrorBoundary>
      <Router onRouteChange={() => document.getElementById('content')?.focus()}>
        {screens.map(({ path, component }) => (
          <Route key={path} path={path} component={component} />
        ))}
        <Route default component={NotFound} />
      </Router>
    </ErrorBoundary>
  );
}

/** The console: the sign-in for strangers and customers, and the frame with its screens for the staff. */
export function App() {
  const starting = useAction(resume);
  useEffect(() => void starting.run(), []);
  if (session.value.state === 'starting') {
    if (starting.error.value === undefined) return null;
    return (
      <main>
        <ProblemNotice error={starting.error.value} retry={() => void starting.run()} />
      </main>
    );
  }
  if (session.value.state === 'out' || session.value.person.role === 'customer') return <SignIn />;
  return (
    <LocationProvider scope="/console">
      <Frame>
        <Screens />
      </Frame>
      {session.value.hasEnded && <SignInAgain />}
    </LocationProvider>
  );
}
