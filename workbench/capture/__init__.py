"""Sources of frames and audio with one clock: media files here, the browser live."""
