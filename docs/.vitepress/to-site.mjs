/** Where the site shows what a document of the repository links to: `../../packages/core` is `/packages/core`. */
export function toSite(href) {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const path = href.replace(/^(\.{1,2}\/)+/, '');
  if (path.startsWith('docs/')) return `/${path.slice(5).replace(/\.md\b/, '')}`;
  if (/^(packages|examples)\//.test(path)) return `/${path.replace(/(\/README\.md|\/)$/, '')}`;
  if (path === 'ARCHITECTURE.md') return '/architecture';
  if (path === 'CONTRIBUTING.md') return '/contributing';
  return href;
}
