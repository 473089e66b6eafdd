"""The sample interview as Chromium's fake camera (MJPEG) and microphone (WAV)."""

from pathlib import Path

from workbench.benchmarks.live import fake_devices as devices

__all__ = ["devices", "flags"]


def flags(camera: Path, microphone: Path) -> list[str]:
    """Chromium's switches for these devices, allowed without asking."""
    return [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
    ]
