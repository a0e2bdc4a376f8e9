import { readmes } from '../.vitepress/readmes.mjs';

export default readmes('examples');
