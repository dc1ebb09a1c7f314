"""Sets of images: read, checked, divided, and decoded to pixels."""
