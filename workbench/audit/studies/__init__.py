"""Whole studies made of audits: synthetic accents, the cost of modalities, mitigation, Local Law 144."""
