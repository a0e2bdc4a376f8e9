import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { adaRound, addTokens, finishGram, gptq, roundNearest, roundingLoss, startGram, symmetric } from './index.ts';
test('time', async () => {
  const lines: string[] = [];
  for (const [inputs, outputs] of [[192, 768], [768, 192]] as const) {
    const tokens = 197 * 32;
    const x = Float32Array.from({ length: tokens * inputs }, () => Math.random() - 0.5);
    for (let t = 0; t < tokens; t++) for (let c = 1; c < inputs; c++) x[t * inputs + c]! += 0.7 * x[t * inputs + c - 1]!;
    const time = async <T>(name: string, f: () => T | Promise<T>): Promise<T> => {
      const start = performance.now();
      const result = await f();
      lines.push(`${inputs}x${outputs} ${name} ${(performance.now() - start).toFixed(0)} ms`);
      return result;
    };
    const gram = await time(`gram of ${tokens}`, () => { const s = startGram(inputs); addTokens(s, x); return finishGram(s, 'x'); });
    const data = Float32Array.from({ length: inputs * outputs }, () => Math.random() + Math.random() - 1);
    const problem = { weight: { name: 'w', shape: [inputs, outputs], data }, quantizer: symmetric(4, new Float32Array(outputs).fill(1), 1) };
    const total = (codes: Int32Array) => roundingLoss(problem, codes, gram).reduce((a, b) => a + b, 0).toFixed(3);
    const near = roundNearest(problem);
    await time('loss', () => total(near));
    const g = await time('gptq', () => gptq(problem, gram));
    const g2 = await time('gptq diag', () => gptq(problem, gram, { order: 'diagonal' }));
    lines.push(`nearest ${total(near)} gptq ${total(g)} ${total(g2)}`);
    for (const backend of ['wasm', 'cpu']) {
      await tf.setBackend(backend);
      const n = backend === 'wasm' ? 1000 : 20;
      for (const rate of backend === 'wasm' ? [1e-2, 3e-3] : [1e-2]) {
        const a = await time(`adaround ${backend} ${n} it rate ${rate}`, () => adaRound(problem, gram, { iterations: n, rate }));
        lines.push(`adaround ${total(a)}`);
      }
    }
  }
  console.log(lines.join('\n'));
}, 600000);
