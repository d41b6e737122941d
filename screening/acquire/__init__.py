"""Live acquisition: lanes, spool, supervised analysis and cases."""
