import { render } from 'preact';
import { App } from './app';
import { watchVersions } from './newer-version';
import './styles/base.css';

const root = document.getElementById('console');
if (root) render(<App />, root);
watchVersions();
