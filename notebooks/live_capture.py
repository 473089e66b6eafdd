# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Live capture in a notebook
#
# The camera panel of the live page also works in JupyterLab: media then travels as Panel messages over the kernel's own
# connection instead of a WebSocket of its own. Everything behind it (stages, store, scoring) is the same.
#
# Nothing is captured before you agree below and press *Start*. What is computed: where your face is, probabilities of seven
# expression classes, your words, pitch, loudness and pauses, and scores made of these. It stays on this computer.

# %%
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import ipywidgets
import panel as pn

from workbench import contracts, sample, settings
from workbench.live import opening
from workbench.capture.sample import Player
from workbench.language.interview import load_plan
from workbench.sessions.replay import matches, replay_session
from workbench.sessions.store import Session
from workbench.views.live.media_panel import MediaPanel

pn.extension(inline=True)  # its scripts come with the notebook: no network is needed

# %% [markdown]
# ## The sample interview through the live path
#
# Stock footage and a synthetic voice; nobody is recorded, so this cell also runs where there is no browser. Eight seconds,
# in real time.

# %%
chosen = settings.load()
paths = sample.build()
agreed = contracts.Consent(given=True, by="notebook", when=datetime.now(UTC).isoformat(timespec="seconds"), text="sample: no person")
folder = Path(tempfile.mkdtemp()) / "session"
session = opening.open_live(chosen, load_plan(paths.interview), agreed, {"name": "sample interview"}, folder)
player = Player(paths.video, session.intake, chosen.capture)
session.begin()
player.start()
while session.clock < 8:
    time.sleep(0.2)
player.stop()
session.stop()
session.ended.wait()

stored = Session.open(folder)
print(" ".join(t.transcript for t in stored.transcripts))
print("a replay gives the same bytes:", matches(stored, replay_session(stored)))
stored.windows.tail()

# %% [markdown]
# ## Your own camera and microphone
#
# Run this in JupyterLab, tick the box, press *Start*, speak, press *Stop*. Then `workbench.open_session(...)` opens the folder.

# %%
agree = pn.widgets.Checkbox(name="I have read the text above and agree to be recorded and analysed on this computer.")
start = pn.widgets.Button(name="Start", button_type="primary")
stop = pn.widgets.Button(name="Stop", button_type="danger")
said = pn.pane.Markdown("")
panel = MediaPanel(socket="")
running = {}


def consent():
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return contracts.Consent(given=agree.value, by="participant", when=now, text=opening.CONSENT)


def begin(_):
    if agree.value and "session" not in running:
        running["session"] = opening.open_live(chosen, consent=consent())
        running["session"].begin()
        panel.attach(running["session"].intake)
        panel.state = "live"


def end(_):
    panel.state = "stopped"
    if "session" in running:
        ended = running.pop("session")
        ended.stop()
        said.object = f"stored in `{ended.writer.folder}`"


start.on_click(begin)
stop.on_click(end)
pn.Column(agree, pn.Row(start, stop), panel, said)

# %% [markdown]
# ## A clip with ipywebrtc
#
# `ipywebrtc` records a clip inside the notebook, which `workbench.evaluate` then takes like any other file. (The package is no
# longer maintained; in JupyterLab its extension needs no network.)

# %%
from ipywebrtc import CameraStream, VideoRecorder

camera = CameraStream(constraints={"video": {"width": 640, "height": 480}, "audio": True})
recorder = VideoRecorder(stream=camera)
evaluate = ipywidgets.Button(description="Evaluate the clip")
outcome = ipywidgets.Output()


def take(_):
    import workbench

    with outcome:
        if not agree.value:
            print("Nothing is evaluated without consent: tick the box above.")
            return
        if not recorder.video.value:
            print("Nothing was recorded yet: press the round button, speak, press it again.")
            return
        clip = folder.parent / "clip.webm"
        clip.write_bytes(recorder.video.value)
        display(workbench.evaluate(clip, consent=consent()).scores)


evaluate.on_click(take)
ipywidgets.VBox([recorder, evaluate, outcome])
