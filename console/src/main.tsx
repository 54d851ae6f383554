import { render } from 'preact';
import { App } from './app';
import { useLanguageOfBrowser } from './language';
import { watchVersions } from './newer-version';
import './styles/base.css';
import './styles/frame.css';
import './styles/parts.css';

const root = document.getElementById('console');
if (root) {
  await useLanguageOfBrowser();
  render(<App />, root);
}
watchVersions();
