import { CqError } from '@cq/core';

/** The URL of model.json; people name the folder as often as the file. */
export function modelUrl(model: string): string {
  return model.endsWith('.json') ? model : `${model.replace(/\/$/, '')}/model.json`;
}

/** The URL of a file beside model.json. */
export function besideModel(model: string, file: string): string {
  return modelUrl(model).replace(/[^/]*$/, file);
}

/** What is at `url`, or an error that names it. */
export async function fetched(url: string): Promise<Response> {
  const response = await fetch(url).catch((error: Error) => {
    throw new CqError(`${url}: cannot be fetched, got "${error.message}"; check the address`, { cause: error });
  });
  if (!response.ok) throw new CqError(`${url}: cannot be fetched, got ${response.status}; check the address`);
  return response;
}
