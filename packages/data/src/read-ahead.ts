/**
 * What `load` gives for each item, in their order, with up to `ahead` further loads under way while the consumer works
 * on one. A failure surfaces when its item's turn comes; one that is never reached, after a `break`, is dropped.
 */
export async function* readAhead<Item, Loaded>(
  items: readonly Item[],
  ahead: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded, void, undefined> {
  const started: Promise<Loaded>[] = [];
  let next = 0;
  for (let turn = 0; turn < items.length; turn++) {
    for (; next < items.length && next <= turn + ahead; next++) {
      const loading = load(items[next]!);
      loading.catch(() => undefined); // awaited on its turn; until then a rejection counts as handled
      started.push(loading);
    }
    yield await started.shift()!;
  }
}
