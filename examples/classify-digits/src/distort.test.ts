import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { distort } from './distort.ts';

const still = { shift: 0, rotation: 0, scale: 0, shear: 0, wobble: 0 };
const image = Float32Array.from({ length: 25 }, (_, index) => index / 25);

test('no distortion changes nothing', () => {
  const same = distort(image, 5, -1, still, xoroshiro128plus(1));
  same.forEach((value, index) => expect(value).toBeCloseTo(image[index]!, 6));
});

test('what comes in from outside is background', () => {
  const paper = distort(
    new Float32Array(25).fill(-1),
    5,
    -1,
    { ...still, shift: 4, rotation: 90 },
    xoroshiro128plus(1),
  );
  expect([...paper]).toEqual(new Array(25).fill(-1));
});

test('the same seed distorts the same way', () => {
  const twice = [1, 1].map((seed) =>
    distort(image, 5, 0, { ...still, rotation: 30, wobble: 1 }, xoroshiro128plus(seed)),
  );
  expect(twice[0]).toEqual(twice[1]);
});
