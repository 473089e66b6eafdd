"""A stage that measures how bright the picture is, once a second: ``workbench evaluate MEDIA --stage brightness``."""

from collections.abc import Iterator

from workbench.settings import Settings
from workbench.stage import StageSpec
from workbench.streams import FramePacket, Track, TrackUpdate


class Brightness:
    """Mean of all pixels in [0, 1], stored as the track ``brightness`` of the session."""

    spec = StageSpec("brightness", consumes=(FramePacket,), produces=(TrackUpdate,), modality="visual", hop=1.0)

    def __init__(self, settings: Settings) -> None:
        self.reset()

    def process(self, frame: FramePacket) -> Iterator[TrackUpdate]:
        now = frame.message.timestamp
        if now >= self.due:
            self.due = now + self.spec.hop
            yield TrackUpdate(Track.of("brightness", [now], [[frame.image.mean() / 255]], ("brightness",)))

    def flush(self) -> Iterator[TrackUpdate]:
        return iter(())

    def reset(self) -> None:
        self.due = 0.0
