"""Single pages in a real Chromium: what their scripts do."""
