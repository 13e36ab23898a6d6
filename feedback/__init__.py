"""Peers grade, severity is measured, readiness is read. Knows the loops and the rubrics."""
