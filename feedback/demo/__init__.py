"""The demo world: who is in it, what they do, how they grade. Only `players` writes rows."""
