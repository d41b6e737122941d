"""From flags, seals and officers' conclusions to signed decisions."""
