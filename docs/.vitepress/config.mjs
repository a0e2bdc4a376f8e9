import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sections } from './sections.mjs';
import { toSite } from './to-site.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = (parent) => readdirSync(`${root}/${parent}`).sort();
const pages = (parent, prefix) => folders(parent).map((name) => ({ text: prefix + name, link: `/${parent}/${name}` }));

export default {
  title: '@cq',
  description: 'Compression passes for Transformers on TensorFlow.js',
  outDir: '../out/docs',
  cacheDir: '../node_modules/.vitepress',
  cleanUrls: true,
  head: [
    ['link', { rel: 'icon', href: 'data:,' }],
    ['style', {}, '.vp-doc pre { overflow-x: auto }'], // of indented blocks, which the theme lets overflow
  ],
  vite: { plugins: [sections] },
  markdown: {
    /** Documents that the site takes from the repository name each other by where they lie there. */
    config: (markdown) =>
      markdown.core.ruler.push('to-site', ({ tokens }) => {
        for (const link of tokens.flatMap(({ children }) => children ?? []).filter(({ type }) => type === 'link_open'))
          link.attrSet('href', toSite(link.attrGet('href')));
      }),
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Which recipe', link: '/which-recipe' },
      { text: 'Benchmarks', link: '/benchmarks' },
      { text: 'API', link: '/api/' },
    ],
    sidebar: [
      {
        text: 'Guides',
        items: [
          { text: 'Start in two minutes', link: '/start' },
          { text: 'Image classification', link: '/image-classification' },
          { text: 'Text classification', link: '/text-classification' },
          { text: 'In the browser', link: '/in-the-browser' },
          { text: 'Which recipe when', link: '/which-recipe' },
          { text: 'On the command line', link: '/command-line' },
          { text: 'Write a pass', link: '/examples/custom-pass' },
          { text: 'From tensorflowjs_converter', link: '/migrate' },
          { text: 'Node, bundlers, CommonJS', link: '/modules' },
        ],
      },
      {
        text: 'Background',
        items: [
          { text: 'Architecture', link: '/architecture' },
          { text: 'File format', link: '/file-format' },
          { text: 'Methods and their sources', link: '/methods' },
          { text: 'Accuracy', link: '/accuracy' },
          { text: 'Benchmarks', link: '/benchmarks' },
          { text: 'Roadmap', link: '/roadmap' },
        ],
      },
      { text: 'Packages', collapsed: true, items: pages('packages', '@cq/') },
      { text: 'Examples', collapsed: true, items: pages('examples', '') },
    ],
  },
};
