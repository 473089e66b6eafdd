"""Training and evaluation on corpora: splits by person, benchmark, sweeps, tracking."""
