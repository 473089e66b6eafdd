// Words as they come: committed words stay where they are, grey ones may still change; fillers are marked.
export function render({model, el}) {
  el.innerHTML = '<div class="transcript" role="log" aria-live="polite" aria-label="live transcript"><p class="empty">Words appear here as they are spoken.</p></div>';
  const box = el.firstElementChild;
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
  const draw = () => {
    const follow = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const {closed, open, earlier} = model.content;
    const parts = (closed ?? []).map(s => line(s, 'committed'));
    if (open) {
      const p = line({at: open.at, words: open.committed}, 'committed');
      for (const w of open.tentative) p.append(word(w, 'tentative'), ' ');
      p.className = 'open'; parts.push(p);
    }
    if (earlier) { const p = document.createElement('p'); p.className = 'empty'; p.textContent = `${earlier} earlier segments are in the report.`; parts.unshift(p); }
    if (!parts.length) return;
    box.replaceChildren(...parts);
    if (follow) box.scrollTop = box.scrollHeight;
    window.dispatchEvent(new CustomEvent('workbench:transcript', {detail: model.content}));  // what a measurement listens to
  };
  model.on('content', draw); draw();
}
