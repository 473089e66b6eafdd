"""eSpeak NG as a library: the copy that `espeakng_loader` carries, so that no system package is needed.

GPL-3.0 library, loaded at run time and used only to generate test speech.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WeightsError

_SYNCHRONOUS = 2  # espeak_AUDIO_OUTPUT: AUDIO_OUTPUT_SYNCHRONOUS, samples go to the callback
_DO_NOT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT
_UTF8 = 1  # espeakCHARS_UTF8
_CHARACTERS = 1  # espeak_POSITION_TYPE: POS_CHARACTER
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@cache
def _library() -> tuple[Any, int, list[NDArray[np.float32]], Any]:
    """The library, its sample rate (Hz), the list its callback fills, and the callback (kept alive)."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, str(espeakng_loader.get_data_path()).encode(), _DO_NOT_EXIT)
    if rate <= 0:
        raise WeightsError(f"eSpeak NG: its data in {espeakng_loader.get_data_path()} cannot be used; reinstall espeakng-loader")
    parts: list[NDArray[np.float32]] = []

    @_CALLBACK
    def take(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            parts.append(np.ctypeslib.as_array(samples, shape=(count,)).astype(np.float32) / np.float32(32768))
        return 0

    library.espeak_SetSynthCallback(take)
    return library, int(rate), parts, take


def speak(text: str, voice: str) -> tuple[NDArray[np.float32], int]:
    """Say a text.

    Parameters
    ----------
    text : str
    voice : str
        A voice with an optional variant, for example ``en-gb-scotland+f2``.

    Returns
    -------
    samples : ndarray of float32 in [-1, 1]
    rate : int
        Hz.

    Raises
    ------
    WeightsError
        If eSpeak NG does not know the voice.
    """
    library, rate, parts, _ = _library()
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        raise WeightsError(f"eSpeak NG: no voice {voice!r}; en-us, en-gb-scotland or en-029+f2 are examples of what it has")
    parts.clear()
    raw = text.encode()
    library.espeak_Synth(raw, len(raw) + 1, 0, _CHARACTERS, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    return np.concatenate(parts) if parts else np.empty(0, np.float32), rate
