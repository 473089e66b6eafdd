/* Pages that are opened from the disk may not start a Worker: the search then runs in a hidden frame with the same face. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.append(frame);
      this.inner = frame.contentWindow;
      this.waiting = [];
      window.addEventListener("message", (event) => {
        if (event.source !== this.inner) return;
        const copy = new MessageEvent("message", { data: event.data });
        this.dispatchEvent(copy);
        if (this.onmessage) this.onmessage(copy);
      });
      const load = `const outer = parent;
        postMessage = (data) => outer.postMessage(data, "*");
        importScripts = (...scripts) => scripts.map((script) => Object.assign(document.createElement("script"), { src: script }))
          .reduce((before, script) => before.then(() => new Promise((done) => { script.onload = done; document.body.append(script); })),
            Promise.resolve());`;
      const end = "</scr" + "ipt>";
      this.inner.document.open();
      this.inner.document.write(`<body><script>${load}${end}<script src="${url}">${end}`);
      this.inner.document.close();
      frame.addEventListener("load", () => {
        const waiting = this.waiting;
        this.waiting = null;
        waiting.forEach((data) => this.postMessage(data));
      });
    }
    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.inner.dispatchEvent(new MessageEvent("message", { data }));
    }
    terminate() {}
  };
}
