"""The sample interview as Chromium's fake camera (MJPEG) and microphone (WAV)."""

from __future__ import annotations

from pathlib import Path


def devices(video: Path, folder: Path, width: int = 640, height: int = 480, fps: int = 15) -> tuple[Path, Path]:
    """Write ``camera.mjpeg`` and ``microphone.wav`` (48 kHz mono) from a recording; both loop from the start in Chromium."""
    import av
    import cv2
    import numpy as np
    import soundfile
    import soxr

    camera, microphone = folder / "camera.mjpeg", folder / "microphone.wav"
    with av.open(str(video)) as source, camera.open("wb") as out:
        due = 0.0
        for frame in source.decode(video=0):
            if frame.time is None or frame.time + 1e-6 < due:
                continue
            due += 1 / fps
            picture = frame.to_ndarray(format="bgr24")
            scale = min(width / picture.shape[1], height / picture.shape[0])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            canvas = np.zeros((height, width, 3), np.uint8)
            top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
            canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
            out.write(cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes())
    with av.open(str(video)) as source:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)
        blocks = [f.to_ndarray().ravel() for frame in source.decode(audio=0) for f in resampler.resample(frame)]
    soundfile.write(microphone, soxr.resample(np.concatenate(blocks), 16000, 48000), 48000, subtype="PCM_16")
    return camera, microphone


def flags(camera: Path, microphone: Path) -> list[str]:
    """Chromium's switches for these devices, allowed without asking."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
        "--autoplay-policy=no-user-gesture-required",
    ]
