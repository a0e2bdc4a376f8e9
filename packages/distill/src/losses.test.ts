import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Registers the gradients in Node.
import { grad, mean, reshape, setBackend, softmax, tensor, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { attentionDivergence, hardLabels, hiddenDistance, softTargets } from './losses.ts';

beforeAll(() => setBackend('cpu'));

const value = (compute: () => Tensor): number => tidy(() => compute().dataSync()[0]!);

test('golden G12: temperature 2, alpha 0.5', () => {
  const [teacher, logits] = [tensor([[2, 1, 0]]), tensor([[1.5, 0.5, 0.2]])];
  const soft = value(() => softTargets(logits, teacher, 2));
  const hard = value(() => hardLabels(logits, [0]));
  expect(soft).toBeCloseTo(0.0398818, 6);
  expect(soft / 4).toBeCloseTo(0.00997044, 6);
  expect(hard).toBeCloseTo(0.494947, 6);
  expect(0.5 * soft + 0.5 * hard).toBeCloseTo(0.267414, 5);
});

test('each is the mean over the rows, and 0 at the teacher itself', () => {
  const [one, other] = [
    [2, 1, 0],
    [0.5, -1, 3],
  ];
  const [s, t] = [
    [0, 1, 0.3],
    [1, 2, 2],
  ];
  const rows = value(() => softTargets(tensor([s!, t!]), tensor([one!, other!]), 3));
  const [a, b] = [
    value(() => softTargets(tensor([s!]), tensor([one!]), 3)),
    value(() => softTargets(tensor([t!]), tensor([other!]), 3)),
  ];
  expect(rows).toBeCloseTo((a + b) / 2, 6);
  expect(value(() => softTargets(tensor([one!]), tensor([one!]), 3))).toBeCloseTo(0, 6);
  const probabilities = softmax(tensor([[[one!, other!]]]));
  expect(value(() => attentionDivergence(probabilities, probabilities))).toBeCloseTo(0, 6);
  expect(value(() => hiddenDistance(probabilities, probabilities))).toBe(0);
});

test('attentions with different numbers of heads are compared by their means', () => {
  const teacher = softmax(tensor([[[[1, 2]], [[3, 0]]]])); // [batch, heads, queries, keys]
  expect(value(() => attentionDivergence(mean(teacher, 1, true), teacher))).toBeCloseTo(0, 6);
  expect(value(() => attentionDivergence(softmax(tensor([[[[5, 0]]]])), teacher))).toBeGreaterThan(0.1);
});

const teacher = [
  [0.3, 2, -1],
  [1, 0, 0.5],
];

test.each<[string, (x: Tensor) => Tensor]>([
  ['soft targets', (x) => softTargets(x, tensor(teacher), 2.5)],
  ['labels', (x) => hardLabels(x, [2, 0])],
  ['hidden states', (x) => hiddenDistance(x, tensor(teacher))],
  [
    'attention',
    (x) => attentionDivergence(softmax(reshape(x, [1, 2, 1, 3])), softmax(tensor([teacher.map((row) => [row])]))),
  ],
])('the gradient of %s is that of small differences', (_, loss) => {
  const at = Float32Array.of(0.1, -0.4, 0.8, 1.2, 0.6, -0.7);
  const slope = tidy(() => grad((x: Tensor) => reshape(loss(x), []))(tensor(at, [2, 3])).dataSync());
  at.forEach((_value, i) => {
    const moved = (change: number): number =>
      value(() =>
        loss(
          tensor(
            at.map((x, j) => (i === j ? x + change : x)),
            [2, 3],
          ),
        ),
      );
    expect(slope[i]).toBeCloseTo((moved(1e-2) - moved(-1e-2)) / 2e-2, 3);
  });
});
