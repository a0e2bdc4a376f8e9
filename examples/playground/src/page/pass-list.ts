import { fieldsOf, parsed, whatIsWrong, type Field } from '../fields.ts';
import { passes, recipes } from '../passes.ts';
import type { PassChoice } from '../protocol.ts';
import { byId, element } from './element.ts';

interface Entry {
  readonly name: string;
  readonly options: Record<string, unknown>;
}

/** The chosen passes as forms. @param onChange told whether they may run. */
export function passList(onChange: (sound: boolean) => void): { chosen(): readonly PassChoice[] } {
  const [recipe, another] = [byId<HTMLSelectElement>('recipe'), byId<HTMLSelectElement>('new-pass')];
  const list = byId('pass-list');
  let entries: Entry[] = [];

  const sound = () => entries.length > 0 && entries.every((entry) => wrongWith(entry) === undefined);
  const show = () => {
    list.replaceChildren(...entries.map(itemOf));
    onChange(sound());
  };
  const itemOf = (entry: Entry, place: number): HTMLElement => {
    const wrong = element('p', { className: 'wrong' }, wrongWith(entry) ?? '');
    wrong.setAttribute('role', 'alert');
    const changed = (name: string, value: unknown) => {
      entry.options[name] = value;
      wrong.textContent = wrongWith(entry) ?? '';
      onChange(sound());
    };
    const fields = fieldsOf(passes.get(entry.name)!).map((field) => control(field, entry.options[field.name], changed));
    const button = (label: string, title: string, act: () => void, disabled = false) =>
      element('button', { type: 'button', className: 'small', title, ariaLabel: title, onclick: act, disabled }, label);
    return element(
      'li',
      {},
      element(
        'div',
        { className: 'pass-head' },
        element('b', {}, `${place + 1}. ${entry.name}`),
        element(
          'span',
          {},
          button('↑', `Move ${entry.name} up`, () => move(place, place - 1), place === 0),
          ' ',
          button('Remove', `Remove ${entry.name}`, () => remove(place)),
        ),
      ),
      element('div', { className: 'row' }, ...fields),
      wrong,
    );
  };
  const move = (from: number, to: number) => {
    entries.splice(to, 0, ...entries.splice(from, 1));
    show();
    list.children[to]!.querySelector<HTMLButtonElement>('button:enabled')!.focus();
  };
  const remove = (place: number) => {
    entries.splice(place, 1);
    show();
    another.focus();
  };

  recipe.append(...Object.keys(recipes).map((name) => new Option(name, name)));
  another.append(...[...passes.keys()].map((name) => new Option(name, name)));
  recipe.onchange = () => {
    entries = recipes[recipe.value]!().map(({ name, options }) => ({ name, options: { ...options } }));
    show();
  };
  byId('add-pass').onclick = () => {
    entries.push({ name: another.value, options: { ...passes.get(another.value)!().options } });
    show();
  };
  recipe.onchange(new Event('change'));
  return { chosen: () => entries.map(({ name, options }) => ({ name, options: { ...options } })) };
}

const wrongWith = ({ name, options }: Entry): string | undefined => whatIsWrong(passes.get(name)!, options);

function control({ name, kind, choices }: Field, value: unknown, onChange: (name: string, value: unknown) => void) {
  if (kind === 'choice') {
    const select = element('select', {}, ...choices.map((choice) => new Option(choice, choice)));
    select.value = String(value);
    select.onchange = () => onChange(name, select.value);
    return element('label', {}, name, select);
  }
  const input = element('input');
  if (kind === 'flag') {
    Object.assign(input, { type: 'checkbox', checked: value === true });
    input.onchange = () => onChange(name, input.checked);
  } else if (kind === 'number') {
    Object.assign(input, { type: 'number', step: 'any', value: String(value) });
    input.oninput = () => onChange(name, input.valueAsNumber);
  } else {
    input.value = typeof value === 'string' ? value : JSON.stringify(value);
    input.oninput = () => onChange(name, parsed(input.value));
  }
  return element('label', {}, name, input);
}
