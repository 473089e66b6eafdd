"""The audit's statistics: metrics by group, gaps between groups, and control over how many gaps are called real."""
