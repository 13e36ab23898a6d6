"""What the slow parts cost, measured: one module a subject, run by `make bench-<subject>`."""
