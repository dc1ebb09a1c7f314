"""How long a submission takes, in units of the reference in the same moments."""
