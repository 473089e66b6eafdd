"""Faces: found, followed, levelled, and read for expressions."""
