// One time cursor for the recording, the words, the tracks and whatever else on the page says data-seek. No round trip to the server.
const clock = t => { const s = Math.max(0, t), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return `${h ? h + ':' : ''}${h ? String(m).padStart(2, '0') : m}:${String(Math.floor(s) % 60).padStart(2, '0')}.${Math.floor(s * 10) % 10}`; };
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const HELP = [['Space', 'play or pause'], ['← →', 'a frame back, forward'], ['Shift ← →', 'a second back, forward'], ['[ ]', 'selection starts, ends here'],
  ['Esc', 'drop the selection'], ['C', 'compare: show or hide the other settings'], ['F', 'follow the cursor while playing'], ['+ − 0', 'zoom in, out, whole session'], ['?', 'this list'],
  ['Click', 'on a track, word, event or evidence: go there'], ['Drag', 'on a track: select a span'], ['Ctrl + wheel', 'on a track: zoom'], ['Shift + wheel', 'on a track: scroll']];

export function render({model, el}) {
  el.innerHTML = `<div class="review">
    <div class="top"><div class="stage"></div><div class="words" tabindex="0" role="log" aria-label="transcript"></div></div>
    <div class="bar">
      <button class="play" title="play or pause (Space)">▶</button><span class="clock" role="timer">0:00.0</span>
      <input class="seek" type="range" min="0" max="1" step="0.01" value="0" aria-label="time">
      <select class="rate" aria-label="speed" title="speed"><option>0.5×</option><option selected>1×</option><option>1.5×</option><option>2×</option></select>
      <button class="follow on" title="follow the cursor while playing (F)">follow</button>
      <span class="zoom"><button data-zoom="0.5" title="zoom in (+)">+</button><button data-zoom="2" title="zoom out (−)">−</button><button data-zoom="0" title="whole session (0)">all</button></span>
      <span class="chosen"></span><button class="help" title="keys (?)">?</button>
    </div>
    <div class="tracks"><div class="overlay"><div class="span"></div><div class="cursor"></div></div></div>
    <dialog><h3>Keys and mouse</h3><dl>${HELP.map(([k, d]) => `<dt>${k}</dt><dd>${d}</dd>`).join('')}</dl><form method="dialog"><button>Close</button></form></dialog>
  </div>`;
  const find = s => el.querySelector(s);
  const root = find('.review'), stage = find('.stage'), box = find('.words'), tracks = find('.tracks'), overlay = find('.overlay');
  const seekbar = find('.seek'), play = find('.play'), dialog = find('dialog');
  const stop = new AbortController(), on = (target, kind, f, more = {}) => target.addEventListener(kind, f, {signal: stop.signal, ...more});
  let time = 0, playing = false, follow = true, media = null, spans = [], current = -1, drag = null, told = 0, asked = 0;
  tracks.prepend(model.get_child('tracks'));

  // ── the recording ──
  const duration = () => Math.max(model.media.duration ?? 0, 0.001);
  const load = () => {
    media?.pause(); media = null;
    const {kind, src} = model.media;
    stage.className = `stage ${kind || 'none'}`;
    stage.innerHTML = kind ? '' : '<p>No recording is stored with this session.</p>';
    if (kind === 'audio') stage.innerHTML = '<p>Sound only: no video is stored with this session.</p>';
    if (kind) {
      media = document.createElement(kind); media.src = new URL(src, document.baseURI); media.preload = 'auto'; media.playsInline = true;
      on(media, 'seeked', () => performance.mark('review-seeked'));
      on(media, 'ended', () => run(false));
      on(media, 'error', () => { stage.innerHTML = '<p>The recording cannot be played by this browser; words and tracks still work.</p>'; media = null; });
      stage.append(media);
    }
    seekbar.max = duration();
  };
  const run = want => {
    playing = want; play.textContent = want ? '❚❚' : '▶'; root.dataset.playing = want;
    if (want && time >= duration() - 0.05) seek(0);
    if (media) want ? media.play().catch(() => run(false)) : media.pause();
    if (want) { let last = performance.now(); const tick = now => {
      if (!playing) return;
      show(media ? media.currentTime : Math.min(duration(), time + (now - last) / 1000 * rate()), true); last = now;
      if (!media && time >= duration()) return run(false);
      requestAnimationFrame(tick); }; requestAnimationFrame(tick); } else tell();
  };
  const rate = () => parseFloat(find('.rate').value);
  const seek = t => {
    performance.mark('review-seek');
    t = clamp(t, 0, duration());
    if (media) media.currentTime = t;
    show(t); reveal(t); tell();
    requestAnimationFrame(() => performance.mark('review-shown'));
  };
  const tell = () => { clearTimeout(told); told = setTimeout(() => { model.time = Math.round(time * 100) / 100; }, 250); };

  // ── what follows the cursor ──
  const show = (t, moving = false) => {
    time = t; seekbar.value = t; find('.clock').textContent = clock(t); root.dataset.time = t.toFixed(2);
    word(t, moving && follow); place();
    if (moving && follow) page(t);
  };
  const draw = () => {  // all words at once; far paragraphs are laid out when they come near (content-visibility)
    const {text = [], start = [], mark = [], first = [], notes = []} = model.words, parts = [];
    spans = new Array(text.length);
    first.forEach((from, i) => {
      const p = document.createElement('p'), stamp = document.createElement('time');
      stamp.textContent = clock(notes[i].at).slice(0, -2); stamp.dataset.seek = notes[i].at; p.append(stamp);
      if (notes[i].speaker) { const b = document.createElement('b'); b.textContent = notes[i].speaker + ' '; p.append(b); }
      for (let k = from; k < (first[i + 1] ?? text.length); k++) {
        const s = spans[k] = document.createElement('span');
        s.textContent = text[k]; s.dataset.seek = start[k]; if (mark[k]) s.className = mark[k] === 'f' ? 'filler' : 'low';
        p.append(s, ' ');
      }
      parts.push(p);
    });
    if (!parts.length) { const p = document.createElement('p'); p.textContent = 'No words are stored.'; parts.push(p); }
    box.replaceChildren(...parts); current = -1;
  };
  const word = (t, scroll) => {
    const {start = [], end = []} = model.words;
    let low = 0, high = start.length;
    while (low < high) { const mid = (low + high) >> 1; start[mid] <= t + 0.005 ? low = mid + 1 : high = mid; }
    const at = low - 1, said = at >= 0 && t < Math.max(end[at], start[at] + 0.2) ? at : -1;
    if (said === current) return;
    spans[current]?.classList.remove('now'); current = said; spans[said]?.classList.add('now');
    if (scroll && at >= 0) into(spans[at]);
  };
  const into = s => {
    const a = s.getBoundingClientRect(), b = box.getBoundingClientRect();
    if (a.top < b.top || a.bottom > b.bottom - 20) box.scrollTop += a.top - b.top - b.height / 3;
  };
  const reveal = t => {
    const {start = []} = model.words; let at = start.findIndex(s => s > t); at = (at < 0 ? start.length : at) - 1;
    if (spans[Math.max(0, at)]) into(spans[Math.max(0, at)]);
    page(t);
  };

  // ── the tracks: the figures share one range and one frame; cursor and selection are drawn over them ──
  let range = null, plot = null;
  const seen = () => {
    if (!range?.document) {
      range = null;
      for (const d of window.Bokeh?.documents ?? []) { range = d.get_model_by_name('review-range') ?? range; plot = d.get_model_by_name('review-plot') ?? plot; }
      range?.change.connect(place);
    }
    return range;
  };
  const frame = () => {  // left and width of the plots' frames within the overlay, px
    const view = plot && (window.Bokeh.index.get_by_id?.(plot.id) ?? window.Bokeh.index[plot.id]), outer = overlay.getBoundingClientRect();
    const b = view?.frame?.bbox ?? view?.frame_view?.bbox;
    if (!b) return [62, outer.width - 110];
    const at = view.el.getBoundingClientRect();
    return [at.left - outer.left + b.left, b.width];
  };
  const place = () => {
    const r = seen(); if (!r) return;
    const [left, width] = frame(), x = t => left + (t - r.start) / (r.end - r.start) * width;
    const put = (node, a, b) => {
      const from = clamp(x(a), left, left + width), to = clamp(x(b), left, left + width);
      node.style.display = x(b) < left - 0.5 || x(a) > left + width + 0.5 ? 'none' : 'block';
      node.style.transform = `translateX(${from}px)`; if (node.className === 'span') node.style.width = `${to - from}px`;
    };
    put(find('.cursor'), time, time);
    const chosen = drag?.moved ? drag.span : model.selection;
    if (chosen.length) put(find('.span'), ...chosen); else find('.span').style.display = 'none';
    find('.chosen').textContent = chosen.length ? `${clock(chosen[0])} – ${clock(chosen[1])}` : '';
  };
  const view = (start, end) => {
    const r = seen(); if (!r) return;
    const width = clamp(end - start, 0.5, duration()); start = clamp(start, 0, duration() - width);
    r.setv({start, end: start + width}); place();
  };
  const zoom = (factor, around = time) => {
    const r = seen(); if (!r) return;
    if (!factor) return view(0, duration());
    const part = clamp((around - r.start) / (r.end - r.start), 0, 1), width = clamp((r.end - r.start) * factor, 0.5, duration());
    view(around - part * width, around + (1 - part) * width);
  };
  const page = t => { const r = seen(); if (r && (t < r.start || t > r.end)) { const w = r.end - r.start; view(t - w * 0.1, t + w * 0.9); } };
  const at = e => { const [left, width] = frame(), r = seen(); return r && r.start + (e.clientX - overlay.getBoundingClientRect().left - left) / width * (r.end - r.start); };
  const select = span => { model.selection = span; place(); };
  on(tracks, 'pointerdown', e => {
    const t = at(e), r = seen();
    if (e.button || !r || t < r.start || t > r.end) return;
    drag = {from: t, x: e.clientX, moved: false, span: []};
  });
  on(window, 'pointermove', e => {
    if (!drag || (!drag.moved && Math.abs(e.clientX - drag.x) < 5)) return;
    const r = seen(), t = clamp(at(e), Math.max(0, r.start), Math.min(duration(), r.end));
    drag.moved = true; drag.span = [Math.min(drag.from, t), Math.max(drag.from, t)]; place();
  });
  on(window, 'pointerup', () => { const d = drag; drag = null; if (!d) return; d.moved ? select(d.span) : seek(d.from); });
  on(window, 'pointercancel', () => { drag = null; place(); });
  on(tracks, 'wheel', e => {
    const r = seen(), w = r && r.end - r.start; if (!r) return;
    if (e.ctrlKey) zoom(Math.exp(clamp(e.deltaY, -100, 100) / 250), at(e));
    else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) { const d = (e.deltaX || e.deltaY) / 800 * w; view(r.start + d, r.end + d); }
    else return;
    e.preventDefault();
  }, {passive: false});

  // ── controls and keys ──
  on(play, 'click', () => run(!playing));
  on(seekbar, 'input', () => seek(seekbar.valueAsNumber));
  on(find('.rate'), 'change', () => { if (media) media.playbackRate = rate(); });
  const setFollow = v => { follow = v; find('.follow').classList.toggle('on', v); };
  on(find('.follow'), 'click', () => setFollow(!follow));
  on(find('.zoom'), 'click', e => { if (e.target.dataset.zoom) zoom(parseFloat(e.target.dataset.zoom)); });
  on(find('.help'), 'click', () => dialog.showModal());
  on(window, 'click', e => {
    const target = e.composedPath().find(n => n.dataset?.seek);
    if (target) { e.preventDefault(); seek(parseFloat(target.dataset.seek)); }
  });
  on(window, 'keydown', e => {
    const where = e.composedPath()[0];
    if (e.altKey || e.metaKey || e.ctrlKey || where.isContentEditable) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(where.tagName) && where !== seekbar) return;
    const {selection} = model, [from = time, to = time] = selection;
    const keys = {
      ' ': () => run(!playing), ArrowLeft: () => step(e, -1), ArrowRight: () => step(e, 1),
      '[': () => select([time, time < to && selection.length ? to : Math.min(duration(), time + 1)]),
      ']': () => select([from < time && selection.length ? from : Math.max(0, time - 1), time]), Escape: () => select([]),
      c: () => { model.compare = !model.compare; }, C: () => { model.compare = !model.compare; }, f: () => setFollow(!follow), F: () => setFollow(!follow),
      '?': () => (dialog.open ? dialog.close() : dialog.showModal()), '+': () => zoom(0.5), '-': () => zoom(2), 0: () => zoom(0),
    };
    const presses = e.key === ' ' && where.tagName === 'BUTTON' && where !== play && where.checkVisibility();  // a closed dialog's keeps the focus for a frame
    if (keys[e.key] && !presses) { e.preventDefault(); keys[e.key](); }
  });
  const step = (e, way) => { if (playing) run(false); seek(time + way * (e.shiftKey ? 1 : model.media.frame ?? 0.04)); };

  const fresh = () => { run(false); load(); draw(); show(0); if (model.goto >= 0) { seek(model.goto); } };
  model.on('media', fresh);
  model.on('words', () => { draw(); show(time); });
  model.on('goto', () => { if (model.goto >= 0) seek(model.goto); });
  model.on('selection', place);
  const look = new ResizeObserver(() => place()); look.observe(tracks);
  const waiting = setInterval(() => { if (seen()) { place(); clearInterval(waiting); } }, 100);
  model.on('remove', () => { stop.abort(); media?.pause(); look.disconnect(); clearInterval(waiting); });
  fresh();
}
