// Words as they come: committed words stay where they are, grey ones may still change; fillers are marked.
export function render({model, el}) {
  el.innerHTML = '<div class="transcript" role="log" aria-live="polite" aria-label="live transcript"><p class="empty">Words appear here as they are spoken.</p></div>';
  const box = el.firstElementChild, hint = box.firstElementChild;
  const word = (w, kind) => {
    const s = document.createElement('span');
    s.className = `w ${kind}${w.filler ? ' filler' : ''}${w.low ? ' low' : ''}`;
    s.textContent = w.text;
    if (w.filler) s.title = 'filler'; else if (w.low) s.title = 'recognised with low confidence';
    return s;
  };
  const line = (segment, kind) => {
    const p = document.createElement('p'), t = document.createElement('time');
    t.textContent = segment.at; p.append(t);
    for (const w of segment.words) p.append(word(w, kind), ' ');
    return p;
  };
  const now = document.createElement('p'), above = document.createElement('p');
  now.className = 'open'; above.className = 'empty';
  let drawn = [];  // [segment as text, its line]: a line stays while its segment does, so that a screen reader says it once
  const draw = () => {
    const follow = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const {closed, earlier, open_segment: open} = model;
    const known = new Map(drawn);
    drawn = closed.map(s => { const text = JSON.stringify(s); return [text, known.get(text) ?? line(s, 'committed')]; });
    if (open.at) {
      now.replaceChildren(...line({at: open.at, words: open.committed}, 'committed').childNodes);
      for (const w of open.tentative) now.append(word(w, 'tentative'), ' ');
    }
    if (earlier) above.textContent = `${earlier} earlier segments are in the report.`;
    const parts = [...(earlier ? [above] : []), ...drawn.map(d => d[1]), ...(open.at ? [now] : [])];
    if (!parts.length) parts.push(hint);
    for (const child of [...box.children]) if (!parts.includes(child)) child.remove();
    parts.forEach((part, i) => { if (box.children[i] !== part) box.insertBefore(part, box.children[i] ?? null); });
    if (follow) box.scrollTop = box.scrollHeight;
    window.dispatchEvent(new CustomEvent('workbench:transcript', {detail: {closed, open}}));  // what a measurement listens to
  };
  for (const name of ['closed', 'earlier', 'open_segment']) model.on(name, draw);
  draw();
}
