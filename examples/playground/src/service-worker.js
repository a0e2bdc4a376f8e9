/* global self, caches, fetch */
/** Keeps all files of the site, so that the page works offline after its first load. The build fills in what they are. */
const version = '%VERSION%';
const files = ['%FILES%'];

self.addEventListener('install', (event) => {
  const keep = async () => {
    await (await caches.open(version)).addAll(files);
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener('activate', (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name !== version);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener('fetch', (event) => {
  const answer = async () => (await caches.match(event.request, { ignoreSearch: true })) ?? fetch(event.request);
  event.respondWith(answer());
});
