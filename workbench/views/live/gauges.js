// Score gauges that open to what each score is made of.
export function render({model, el}) {
  el.innerHTML = '<div class="gauges"></div>';
  const box = el.firstElementChild, cards = new Map();
  const percent = v => v == null ? '–' : `${Math.round(100 * v)}`;
  const card = name => {
    const d = document.createElement('details');
    d.innerHTML = '<summary><span class="name"></span><span class="value"></span><span class="track"><i></i></span></summary><div class="parts"></div>';
    box.append(d); cards.set(name, d);
    return d;
  };
  const row = c => {
    const tr = document.createElement('div');
    tr.className = 'part';
    for (const [k, text] of [['f', c.feature], ['r', c.raw], ['w', c.share], ['c', c.contribution]]) {
      const s = document.createElement('span'); s.className = k; s.textContent = text; tr.append(s);
    }
    if (c.evidence) { const e = document.createElement('em'); e.textContent = c.evidence; tr.append(e); }
    return tr;
  };
  const draw = () => {
    for (const s of model.scores) {
      const d = cards.get(s.name) ?? card(s.name);
      d.dataset.name = s.name; d.classList.toggle('none', s.value == null);
      d.querySelector('.name').textContent = s.title;
      d.querySelector('.value').textContent = percent(s.value);
      d.querySelector('i').style.width = `${100 * (s.value ?? 0)}%`;
      const note = document.createElement('p');
      note.textContent = s.note;
      d.querySelector('.parts').replaceChildren(...s.contributions.map(row), note);
    }
  };
  model.on('scores', draw); draw();
}
