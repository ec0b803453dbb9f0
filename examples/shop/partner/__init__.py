"""A payment provider for trying things out; it speaks like the real one."""
