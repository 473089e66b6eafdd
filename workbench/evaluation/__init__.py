"""Figures of classifiers with intervals over people: one statistics for training and audits."""
