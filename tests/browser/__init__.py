"""Pages in a real Chromium: every one looked at, the busiest ones used."""
