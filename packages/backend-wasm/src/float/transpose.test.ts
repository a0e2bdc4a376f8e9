import fc from 'fast-check';
import { sizeOf } from '@cq/core/runtime';
import { floats, integers } from '../testing/arbitrary.ts';
import { run } from '../testing/float/run.ts';

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });
const order = (rank: number) => fc.shuffledSubarray([0, 1, 2, 3, 4, 5].slice(0, rank), { minLength: rank });

test('every order of up to 6 axes', async () => {
  await fc.assert(
    fc.asyncProperty(
      shape.chain((sizes) => fc.tuple(fc.constant(sizes), order(sizes.length), fc.boolean())),
      async ([sizes, perm, float]) => {
        const x = float ? floats(sizes, (i) => i + 0.5) : integers(sizes, (i) => i - 9);
        const [found] = await run('Transpose', { x }, { perm } as never);
        const turned = perm.map((axis) => sizes[axis]!);
        expect(found).toMatchObject({ dtype: x.dtype, shape: turned });
        const expected = x.data.slice();
        for (let i = 0; i < sizeOf(turned); i++) {
          let [rest, from] = [i, 0];
          for (let axis = perm.length - 1; axis >= 0; axis--) {
            from += (rest % turned[axis]!) * sizeOf(sizes.slice(perm[axis]! + 1));
            rest = Math.floor(rest / turned[axis]!);
          }
          expected[i] = x.data[from]!;
        }
        expect(found!.data).toEqual(expected);
      },
    ),
    { numRuns: 400 },
  );
});
