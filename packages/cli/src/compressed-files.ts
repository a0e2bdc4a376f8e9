import { pack } from '@cq/core';
import { modelFiles } from '@cq/core/node';
import { compressionReport, type Compressed, type CompressionReport } from './compression-report.ts';
import { reportHtml } from './report-html.ts';
import { version } from './version.ts';

/** What stands in the folder of a compressed model: itself, which says how it was made, and the report in two forms. */
export async function compressedFiles(compressed: Compressed): Promise<{
  readonly files: Map<string, string | Uint8Array>;
  readonly report: CompressionReport;
}> {
  const { lowered, recipe, samples } = compressed;
  const { seed } = compressed.report;
  const artifacts = pack(lowered.graph, { ...lowered.graph.metadata, compression: { recipe, seed, samples, version } });
  const report = compressionReport(compressed, (artifacts.weightData as ArrayBuffer).byteLength);
  const files = new Map<string, string | Uint8Array>(modelFiles(artifacts));
  files.set('report.json', `${JSON.stringify(report, undefined, 2)}\n`);
  files.set('report.html', await reportHtml(report));
  return { files, report };
}
