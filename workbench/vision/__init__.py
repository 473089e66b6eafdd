"""Faces: detection, tracking, alignment and expressions."""
