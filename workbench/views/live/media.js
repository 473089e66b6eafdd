// Camera and microphone of this browser, on one clock: the number of audio samples taken (see workbench/capture/browser.py).
const RATE = 16000, BLOCK = 1024, AUDIO = 1, FRAME = 2, HEADER = 16;
const UNKNOWN = 4401, NO_CONSENT = 4403;

// Runs on the audio thread. The silent constant source beside the microphone keeps the clock going when that is unplugged.
const TAP = `class Tap extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Float32Array(${BLOCK}); this.n = 0; this.running = true;
    this.port.onmessage = e => { this.running = e.data.running;
      if (e.data.flush) { this.port.postMessage({rest: this.block.slice(0, this.n)}); this.n = 0; } }; }
  process([input]) {
    const channel = input[0];
    if (!channel || !this.running) return true;
    this.block.set(channel, this.n); this.n += channel.length;
    if (this.n === ${BLOCK}) { this.port.postMessage({block: this.block.slice()}); this.n = 0; }
    return true; } }
registerProcessor('tap', Tap)`;

const WHY = {
  NotAllowedError: 'The browser was not allowed to use the camera or microphone. Allow both in the address bar, then press Try again. Nothing was captured.',
  NotFoundError: 'No camera or microphone was found. Plug one in and press Try again, or play the sample interview.',
  NotReadableError: 'The camera or microphone is in use by another program. Close it there, then press Try again.',
  OverconstrainedError: 'The chosen device is gone. Choose another one.',
};

function pack(kind, id, sample, payload) {
  const message = new Uint8Array(HEADER + payload.byteLength), view = new DataView(message.buffer);
  view.setUint8(0, kind); view.setUint32(4, id, true); view.setBigUint64(8, BigInt(sample), true);
  message.set(new Uint8Array(payload), HEADER);
  return message.buffer;
}

// The media socket; falls back to Panel's own messages where the server has no such route (a notebook).
class Link {
  constructor(model, receive, notice) {
    Object.assign(this, {model, receive, notice, ready: false, wait: 500, closed: false});
    model.on('msg:custom', e => { const data = e.data ?? e; if (!this.model.socket) this.take(data.wire ?? data); });
  }
  open() {
    this.closed = false;
    if (!this.model.socket) return this.say({kind: 'hello', token: this.model.token});
    const url = new URL(this.model.socket, document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = this.socket = new WebSocket(url);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => socket.send(JSON.stringify({kind: 'hello', token: this.model.token}));
    socket.onmessage = e => this.take(e.data);
    socket.onclose = e => {
      if (socket !== this.socket) return;
      this.ready = false;
      if (this.closed) return;
      if ([UNKNOWN, NO_CONSENT].includes(e.code)) return this.notice('error', `The server refused the media connection: ${e.reason}. Reload the page.`);
      this.notice('warning', 'Connection lost. Audio is kept here and sent when the connection is back.');
      this.timer = setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(this.wait * 2, 4000);
    };
  }
  take(data) {
    if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return this.receive(null, data);
    const message = typeof data === 'string' ? JSON.parse(data) : data;
    if (message.kind === 'resume') { this.ready = true; this.wait = 500; this.notice('', ''); }
    this.receive(message);
  }
  send(buffer) {
    if (!this.ready) return false;
    this.model.socket ? this.socket.send(buffer) : this.model.send_msg({wire: buffer});
    return true;
  }
  say(object) {
    if (!this.model.socket) return this.model.send_msg({control: object});
    if (this.ready) this.socket.send(JSON.stringify(object));
  }
  get busy() { return this.model.socket && this.socket.bufferedAmount > 262144; }
  close() { this.closed = true; this.ready = false; clearTimeout(this.timer); this.socket?.close(); }
}

export function render({model, el}) {
  el.innerHTML = `<div class="media" data-state="idle">
    <div class="stage"><video autoplay muted playsinline></video><canvas></canvas><div class="faces"></div>
      <div class="placeholder">The camera is off. Nothing is captured.</div><div class="rec" hidden></div></div>
    <div class="notice" role="status" aria-live="polite" hidden><span></span><button type="button" hidden>Try again</button></div>
    <div class="bar"><button type="button" class="mute" aria-pressed="false" disabled>Mute</button>
      <div class="level" title="microphone level"><i></i></div>
      <label>Camera <select class="camera"></select></label><label>Microphone <select class="microphone"></select></label></div></div>`;
  const $ = s => el.querySelector(s);
  const box = $('.media'), video = $('video'), canvas = $('canvas'), faces = $('.faces');
  const context = canvas.getContext('2d');
  canvas.width = model.frame_width; canvas.height = model.frame_height;

  let audio, tap, gain, microphone, stream, clock = 0, frame = 0, due = 0, level = 0, epoch = 0, begun = false;
  let unacked = [], taken = new Map(), delays = [], updates = [], lastUpdate = 0, playhead = 0, boxed = 0;
  const link = new Link(model, receive, notice);
  const sample = () => model.source === 'sample';
  window.workbenchMedia = {clock: () => clock, cut: () => link.socket?.close()};  // for measurements and tests

  function notice(level, text, retry = false) {
    const n = $('.notice');
    n.hidden = !text; n.dataset.level = level; n.firstElementChild.textContent = text; n.lastElementChild.hidden = !retry;
  }

  function receive(message, binary) {
    if (binary) return show(binary);
    if (message.kind === 'resume') {
      acknowledge(message.samples);
      for (const block of unacked) link.send(pack(AUDIO, 0, block.first, block.pcm.buffer));
      if (model.state === 'stopped') end();
    } else if (message.kind === 'ack') acknowledge(message.samples);
    else if (message.kind === 'overlay') overlay(message);
    else if (message.kind === 'ended') { link.close(); }
  }

  function acknowledge(samples) { unacked = unacked.filter(b => b.first + b.pcm.length > samples); }

  function overlay({frame_id, faces: found}) {
    faces.replaceChildren(...found.map(f => {
      const [top, left, bottom, right] = f.box, d = document.createElement('div');
      d.className = `face${f.candidate ? ' candidate' : ''}${f.uncertain ? ' uncertain' : ''}`;
      Object.assign(d.style, {top: `${top * 100}%`, left: `${left * 100}%`, width: `${(right - left) * 100}%`, height: `${(bottom - top) * 100}%`});
      const tag = document.createElement('span');
      tag.textContent = f.text;
      if (top < 0.1) tag.className = 'below';
      d.append(tag);
      return d;
    }));
    boxed = performance.now();
    const at = taken.get(frame_id);
    for (const id of taken.keys()) if (id <= frame_id) taken.delete(id);
    if (at !== undefined) requestAnimationFrame(() => delays.push(Math.round(performance.now() - at)));
  }

  // decibels as a length; a transform, because a width would lay the page out anew sixteen times a second
  const meter = peak => { $('.level i').style.transform = `scaleX(${Math.min(1, Math.max(0, 1 + 0.3 * Math.log10(peak + 1e-4)))})`; };

  function onBlock(samples) {
    const pcm = new Int16Array(samples.length);
    let peak = 0;
    for (let i = 0; i < samples.length; i++) {
      const v = Math.max(-1, Math.min(1, samples[i]));
      pcm[i] = Math.round(v * 32767); peak = Math.max(peak, Math.abs(v));
    }
    level = Math.max(peak, level * 0.8);
    meter(level);
    const block = {first: clock, pcm};
    unacked.push(block);
    clock += pcm.length;
    link.send(pack(AUDIO, 0, block.first, pcm.buffer));
    if (clock >= due) { due = Math.max(due + RATE / model.fps, clock - RATE / model.fps); grab(); }
  }

  function grab() {
    if (video.readyState < 2 || !video.videoWidth || !stream?.getVideoTracks().some(t => t.readyState === 'live')) return;
    const id = frame++, at = clock, began = performance.now();
    if (link.busy || !link.ready) return;  // the server counts the missing id as a frame left out
    canvas.width = model.frame_width; canvas.height = Math.round(model.frame_width * video.videoHeight / video.videoWidth);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    taken.delete(id - 300);  // never boxed: its stage stood still
    canvas.toBlob(async b => { taken.set(id, began); link.send(pack(FRAME, id, at, await b.arrayBuffer())); }, 'image/jpeg', model.quality);
  }

  async function show(binary) {  // the sample interview comes from the server: picture and sound
    const bytes = binary instanceof ArrayBuffer ? new Uint8Array(binary) : new Uint8Array(binary.buffer, binary.byteOffset, binary.byteLength);
    const view = new DataView(bytes.buffer, bytes.byteOffset), payload = bytes.slice(HEADER);
    clock = Number(view.getBigUint64(8, true));
    if (view.getUint8(0) === FRAME) {
      taken.set(view.getUint32(4, true), performance.now());
      const picture = await createImageBitmap(new Blob([payload], {type: 'image/jpeg'}));
      canvas.width = picture.width; canvas.height = picture.height;
      context.drawImage(picture, 0, 0); picture.close();
      stageShape(canvas.width, canvas.height);
    } else if (audio) {
      const pcm = new Int16Array(payload.buffer), buffer = audio.createBuffer(1, pcm.length, RATE), out = buffer.getChannelData(0);
      let peak = 0;
      for (let i = 0; i < pcm.length; i++) { out[i] = pcm[i] / 32768; peak = Math.max(peak, Math.abs(out[i])); }
      meter(peak);
      const node = audio.createBufferSource();
      node.buffer = buffer; node.connect(gain);
      playhead = Math.max(playhead, audio.currentTime + 0.1);
      node.start(playhead); playhead += buffer.duration;
    }
  }

  const stageShape = (w, h) => { $('.stage').style.aspectRatio = `${w} / ${h}`; };

  async function acquire() {
    const wanted = (id) => id ? {deviceId: {exact: id}} : {};
    const fresh = await navigator.mediaDevices.getUserMedia({
      video: {width: {ideal: model.frame_width}, height: {ideal: model.frame_height}, frameRate: {ideal: model.fps}, ...wanted($('.camera').value)},
      audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false, ...wanted($('.microphone').value)},
    });
    stream?.getTracks().forEach(t => { t.onended = null; t.stop(); });
    stream = fresh;
    video.srcObject = stream;
    video.onloadedmetadata = () => stageShape(video.videoWidth, video.videoHeight);
    microphone?.disconnect();
    microphone = audio.createMediaStreamSource(stream);
    microphone.connect(gain);
    for (const track of stream.getTracks()) track.onended = () => {
      const what = track.kind === 'video' ? 'camera' : 'microphone';
      notice('error', `The ${what} was unplugged or taken away. The session goes on without it; plug it in or choose another.`, true);
      link.say({kind: 'unplugged', device: what});
    };
    await pickers();
  }

  async function pickers() {
    const all = await navigator.mediaDevices.enumerateDevices();
    for (const [kind, selector] of [['videoinput', '.camera'], ['audioinput', '.microphone']]) {
      const select = $(selector), current = stream?.getTracks().find(t => t.kind === kind.slice(0, 5))?.getSettings().deviceId;
      select.replaceChildren(...all.filter(d => d.kind === kind).map((d, i) => new Option(d.label || `${selector.slice(1)} ${i + 1}`, d.deviceId, false, d.deviceId === current)));
    }
  }

  async function start() {
    const mine = ++epoch;
    notice('', '');
    clock = frame = due = 0; unacked = []; taken.clear();  // every session has a clock of its own
    try {
      if (!sample() && !navigator.mediaDevices) throw Object.assign(new Error(), {name: 'Insecure'});
      audio ??= new AudioContext({sampleRate: RATE});
      await audio.resume();
      gain ??= audio.createGain();
      gain.disconnect();  // the session before may have played the sample, or recorded
      pressed(false);
      if (sample()) gain.connect(audio.destination);
      else {
        await acquire();
        if (!tap) {
          await audio.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], {type: 'text/javascript'})));
          tap = new AudioWorkletNode(audio, 'tap', {numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit'});
          const silence = new ConstantSourceNode(audio, {offset: 0});
          silence.connect(tap); silence.start();
          tap.port.onmessage = e => { if (e.data.block) onBlock(e.data.block); else { if (e.data.rest.length) onBlock(e.data.rest); finish(); } };
        }
        gain.connect(tap);
        tap.port.postMessage({running: mine === epoch});
      }
      if (mine !== epoch) { if (model.state === 'stopped') finish(); return; }  // stopped meanwhile: the camera must not stay on
      model.problem = '';
      link.open();
    } catch (error) {
      const text = error.name === 'Insecure' ? 'Browsers give camera and microphone only to https pages and to localhost. Open this page as http://localhost, or serve it over https.'
        : WHY[error.name] ?? `Camera and microphone could not be opened (${error.name}: ${error.message}).`;
      notice('error', text, true);
      model.problem = `${error.name}: ${text}`;
    }
  }

  // the sample's sound comes from the server: nothing of it can be missing there, though its pictures may be ahead of it
  const end = () => link.say({kind: 'end', samples: sample() ? 0 : clock});

  function finish() {
    stream?.getTracks().forEach(t => { t.onended = null; t.stop(); });
    stream = null; video.srcObject = null; faces.replaceChildren(); meter(0);
    end();
  }

  function follow() {
    const state = model.state;
    box.dataset.state = state; box.dataset.source = model.source;
    $('.mute').disabled = !['live', 'paused'].includes(state);
    $('.rec').hidden = !['live', 'paused'].includes(state);
    $('.rec').textContent = state === 'paused' ? 'paused' : sample() ? 'playing the sample' : 'recording';
    $('.placeholder').hidden = state === 'live' || state === 'paused';
    if (state === 'stopped') $('.placeholder').textContent = 'The session has ended. The camera is off.';
    if (state === 'live' && !begun) { begun = true; start(); }
    else if (state === 'live' || state === 'paused') {
      if (!sample()) tap?.port.postMessage({running: state === 'live'});
      else if (state === 'live') audio?.resume(); else audio?.suspend();
    }
    if (state === 'stopped') { epoch++; begun = false; if (tap && !sample()) tap.port.postMessage({running: false, flush: true}); else finish(); }
  }

  function pressed(on) {
    $('.mute').setAttribute('aria-pressed', on); $('.mute').textContent = on ? 'Unmute' : 'Mute';
    if (gain) gain.gain.value = on ? 0 : 1;
  }

  function mute() {
    const on = $('.mute').getAttribute('aria-pressed') !== 'true';
    pressed(on);
    if (!sample()) link.say({kind: 'mute', on, device: 'microphone'});  // the sample is only silenced here: what is analysed stays
  }

  $('.mute').onclick = mute;
  $('.notice button').onclick = () => stream ? acquire().then(() => { notice('', ''); link.say({kind: 'plugged', device: 'camera and microphone'}); }, e => notice('error', WHY[e.name] ?? e.message, true)) : start();
  for (const s of ['.camera', '.microphone']) $(s).onchange = () => tap && acquire().catch(e => notice('error', WHY[e.name] ?? e.message, true));
  navigator.mediaDevices?.addEventListener('devicechange', pickers);
  model.on('state', follow);
  model.on('tick', () => {
    const now = performance.now();
    if (lastUpdate) updates.push(Math.round(now - lastUpdate));
    lastUpdate = now;
  });
  const report = setInterval(() => {
    if (performance.now() - boxed > 2000) faces.replaceChildren();  // no picture was analysed since: a box would be a guess
    if (delays.length || updates.length) link.say({kind: 'shown', delays: delays.splice(0), updates: updates.splice(0)});
  }, 1000);
  model.on('remove', () => { clearInterval(report); link.close(); stream?.getTracks().forEach(t => t.stop()); audio?.close(); });
  follow();
}
