"""What an upload may be: how each format is checked, hashed and run."""
