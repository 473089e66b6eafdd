"""Audits for people: findings in sentences, pictures, pages, cards, and the bundle that keeps a run."""
